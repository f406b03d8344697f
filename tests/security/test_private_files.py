"""Other users of the machine read nothing of what the desk keeps, whatever umask its operator has."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import application
from router.settings import read_settings
from store.db.engine import Database
from store.db.keys import desk_key
from store.db.migrate import upgrade
from tests.desk import text_in
from workers.training.model_store import ModelFolder

OPEN_UMASK = 0o022


@pytest.fixture(autouse=True)
def _careless_umask() -> Iterator[None]:
    before = os.umask(OPEN_UMASK)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def configured(folder: Path) -> Path:
    path = folder / "channels.toml"
    path.write_text(text_in(folder / "data").replace('kind = "smtp"', 'kind = "smtp"\nenabled = false'))
    return path


def environment(config: Path) -> dict[str, str]:
    return {**os.environ, "OMNIYARD_CONFIG": str(config)}


def test_a_command_that_makes_a_new_desk_leaves_nothing_open(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli", "migrate"]
    subprocess.run(command, env=environment(configured(tmp_path)), check=True, capture_output=True)
    data = tmp_path / "data"
    assert mode(data) == 0o700
    assert {path.name: mode(path) for path in data.iterdir()}["omniyard.db"] == 0o600
    assert [path for path in data.rglob("*") if mode(path) & 0o077] == []


def test_the_store_itself_keeps_folder_database_journal_and_key_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    database = Database.at(data / "omniyard.db")
    upgrade(database)
    desk_key(read_settings(text_in(data)), purpose="originals")
    with database.write():
        modes = {path.name: mode(path) for path in data.iterdir()}
    database.close()
    assert mode(data) == 0o700
    assert modes == dict.fromkeys(("omniyard.db", "omniyard.db-wal", "omniyard.db-shm", "desk.key"), 0o600)


@pytest.mark.parametrize(
    "module",
    [
        "api", "connectors", "workers", "cli", "cli.demo", "workers.training.first_model",
        "workers.answering.first_thresholds",
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the umask of a process from Linux's /proc")
def test_every_entry_point_creates_files_for_their_owner_alone(module: str, tmp_path: Path) -> None:
    # The process says its umask when it ends, because some of these end within milliseconds.
    program = (
        "import atexit, os, runpy, sys; sys.argv = [sys.argv[1]]; "
        "atexit.register(lambda: os.write(1, b'umask %o' % os.umask(0))); "
        f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    )
    config = configured(tmp_path)
    # A configuration that cannot be used ends the daemons after their first act.
    config.write_text(config.read_text().replace("[omniyard]", "[omniyard]\nno_such_key = 1"))
    process = subprocess.run(
        [sys.executable, "-c", program, module], env=environment(config), capture_output=True, timeout=240, check=False
    )
    assert process.stdout.endswith(b"umask 77"), process.stdout + process.stderr


def test_the_doctor_finds_an_open_installation_and_mends_it_on_request_only(tmp_path: Path) -> None:
    # Given a desk that an older version made, with a model and with the file of another program in its folder
    config, data = configured(tmp_path), tmp_path / "data"
    Database.at(data / "omniyard.db").close()
    settings = read_settings(config.read_text())
    (data / "models").mkdir()
    for name in ("omniyard.db", "models/1.npz", "desk.key", "notes.txt"):
        (data / name).write_bytes(b"")
        (data / name).chmod(0o644)
    data.chmod(0o755)
    assert ModelFolder.of(settings).path == data / "models"

    def permissions(*more: str) -> dict[str, object]:
        output = CliRunner().invoke(application(), ["doctor", "--config", str(config), "--json", *more]).output
        return next(each for each in json.loads(output) if each["part"] == "data folder")

    # Then the doctor names it and leaves it as it is
    found = permissions()
    assert found["ok"] is False
    assert str(data / "omniyard.db") in str(found["findings"])
    assert "doctor --mend" in str(found["findings"])
    assert mode(data / "omniyard.db") == 0o644
    # When it is asked to mend
    assert permissions("--mend")["ok"] is True
    # Then only what is Omniyard's own changed
    assert mode(data) == 0o700
    assert mode(data / "models") == 0o700
    assert {mode(data / name) for name in ("omniyard.db", "models/1.npz", "desk.key")} == {0o600}
    assert mode(data / "notes.txt") == 0o644
    assert permissions()["ok"] is True
