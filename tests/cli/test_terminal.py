"""Tables in narrow terminals."""

from __future__ import annotations

import io

from rich.console import Console

from cli.terminal import table


def _lines(*rows: tuple[str, ...], columns: tuple[str, ...], width: int, wraps: str = "", cuts: str = "") -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(table(columns, rows, wraps=wraps, cuts=cuts))
    written = console.file.getvalue()  # type: ignore[attr-defined]
    return [line for line in written.splitlines() if line.strip() and "─" not in line]


def test_a_short_column_next_to_long_ones_is_never_emptied() -> None:
    position = "2026-11-30T21:40:36+00:00 2026-11-30T21:35:17.030472+00:00"
    row = ("sms", "+15005550006", position, "2026-11-30 21:40:36.100000+00:00", "machine:22221")
    lines = _lines(row, columns=("channel", "epoch", "position", "moved_at", "owner"), width=80)
    assert lines[0].split() == ["channel", "epoch", "position", "moved_at", "owner"]
    assert lines[1].split()[:2] == ["sms", "+15005550006"]
    assert max(len(line) for line in lines) <= 80
    # All of the long cell is there, on several lines.
    letters = "".join(line[line.index("2026") if "2026" in line else 0 :] for line in lines[1:])
    assert all(part in letters for part in ("17.030472", "21:3"))


def test_a_column_that_is_cut_keeps_each_row_on_one_line() -> None:
    rows = [("support-mail", "1 s", "1733000000 48213 " + "x" * 90, "12"), ("sms", "2 s", "", "3")]
    columns = ("channel", "poll", "cursor", "in")
    narrow = _lines(*rows, columns=columns, width=50, cuts="cursor")
    assert len(narrow) == 3
    assert "…" in narrow[1]
    assert narrow[1].split()[-1] == "12"
    assert "x" * 90 in _lines(*rows, columns=columns, width=200, cuts="cursor")[1]
