"""The Procfile, and the systemd units made from it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.commands.installation.systemd import make_units
from cli.main import application
from cli.processes.log_file import LogFile
from cli.processes.log_lines import LogLines
from cli.processes.ports import Listener, check_free, listeners
from cli.processes.procfile import ProcfileEntry, read_procfile
from router.errors import Conflict
from router.settings import read_settings
from tests.servers.ports import free_port

_PLACES = {"config": "/etc/c.toml", "folder": "/var/lib/o", "secrets": "/etc/s", "user": "o"}


def test_there_is_one_systemd_service_a_procfile_line_and_a_target_that_wants_them_all():
    daemons = read_procfile()
    units = make_units(daemons, python="/opt/o/bin/python", places=_PLACES)
    services = [f"omniyard-{daemon.name}.service" for daemon in daemons]
    assert list(units) == ["omniyard.target", *services]
    assert f"Wants={' '.join(services)}\n" in units["omniyard.target"]
    for daemon, service in zip(daemons, services, strict=True):
        words = " ".join(daemon.arguments).replace("python", "/opt/o/bin/python", 1)
        assert f"ExecStart={words}\n" in units[service]


def test_the_units_in_the_operators_document_are_those_of_the_procfile():
    document = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    command = ["systemd", "--python", "/opt/omniyard/bin/python"]
    printed = CliRunner().invoke(application(), command).stdout
    assert f"<!-- omniyard {' '.join(command)} -->\n```ini\n{printed.rstrip()}\n```" in document


def test_the_words_of_a_procfile_line_run_with_this_python():
    assert ProcfileEntry("web", ("python", "-m", "api")).command("/bin/python3") == ["/bin/python3", "-m", "api"]


def test_comments_and_empty_lines_of_a_procfile_are_no_daemons(tmp_path: Path):
    (tmp_path / "Procfile").write_text("# what runs\n\nweb: python -m api --name 'two words'\n")
    assert read_procfile(tmp_path / "Procfile") == (
        ProcfileEntry("web", ("python", "-m", "api", "--name", "two words")),
    )


def test_listeners_are_the_desk_and_every_enabled_smtp_channel():
    settings = read_settings("""
        [omniyard]
        listen = "127.0.0.1:8000"
        [channels.mail]
        kind = "smtp"
        listen = "[::1]:2600"
        [channels.old]
        kind = "smtp"
        listen = "127.0.0.1:2601"
        enabled = false
        [[routes]]
        name = "all"
        team = "front-line"
    """)
    assert [str(listener) for listener in listeners(settings)] == ["127.0.0.1:8000", "[::1]:2600"]


def test_who_holds_an_address_is_named():
    listener = Listener("[omniyard] listen", "127.0.0.1", free_port())
    said = rf"taken by process {os.getpid()} \(.+\); .* change \[omniyard\] listen"
    with socket.create_server((listener.host, listener.port)), pytest.raises(Conflict, match=said):
        check_free(listener)
    check_free(listener)


def test_a_line_of_a_log_cannot_steer_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    lines = LogLines(["web"], file=LogFile(tmp_path / "desk.log"))
    lines("web", "held \x1b[2J back [red]not markup[/red]")
    assert capsys.readouterr().out == ""
    lines.release()
    lines("web", "at once")
    lines.close()
    assert (
        capsys.readouterr().out == "web | held \N{REPLACEMENT CHARACTER}[2J back [red]not markup[/red]\nweb | at once\n"
    )
