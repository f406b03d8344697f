"""The screen of `omniyard up`: what it shows, what only the log file has, and what stands last."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.processes.log_file import LogFile
from cli.processes.log_lines import LogLines
from cli.processes.screen import DeskOpening, show_opening

AT = "2026-11-29T10:12:00.000000Z"
REQUEST = f"{AT} [info     ] request.answered method=GET ms=3.1 route=/"


def test_requests_are_only_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    lines = LogLines(["web", "worker"], file=LogFile(tmp_path / "desk.log"))
    lines("web", REQUEST)
    lines("worker", f"{AT} [info     ] worker.started")
    lines.release()
    lines("worker", f"{AT} [warning  ] channel.sick")
    lines.close()
    shown = capsys.readouterr().out
    assert "request.answered" not in shown
    assert shown.index("worker.started") < shown.index("channel.sick")
    kept = (tmp_path / "desk.log").read_text().splitlines()
    assert kept == [
        f"web | {REQUEST}",
        f"worker | {AT} [info     ] worker.started",
        f"worker | {AT} [warning  ] channel.sick",
    ]


def test_the_address_and_the_first_sign_in_stand_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    opening = DeskOpening(
        name="E-wallet support",
        channels=(("mail", "reads support@example.org"),),
        data=str(tmp_path),
        log=str(tmp_path / "desk.log"),
        desk="127.0.0.1:8080",
        database="sqlite",
        broker="embedded",
        first_token="oy_abc",
        taken_over=0,
    )
    show_opening(opening, processes={"web": 1}, ready=True)
    last = capsys.readouterr().out.strip().splitlines()[-2:]
    assert "http://127.0.0.1:8080" in last[0]
    assert "oy_abc" in last[1]


def test_a_full_file_is_kept_once(tmp_path: Path):
    file = LogFile(tmp_path / "desk.log", largest=20)
    for number in range(9):
        file.write(f"line number {number}")
    file.close()
    assert (tmp_path / "desk.log.1").is_file()
    assert (tmp_path / "desk.log").read_text().endswith("line number 8\n")


def test_a_disk_that_takes_nothing_does_not_stop_the_desk(tmp_path: Path):
    LogFile(tmp_path / "missing" / "desk.log").write("lost")
