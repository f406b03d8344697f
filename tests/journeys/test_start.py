"""How daemons start: without heavy modules, before their database, or with a database of another version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.rig import ROOT, Rig, running_rig, wait_until
from tests import forks
from tests.servers.postgres import find_binaries

DAEMONS = {"connectors": "connectors", "worker": "workers", "web": "api"}
READY = {"connectors": "channel.listening", "worker": "worker.started"}


def output_of(rig: Rig, name: str) -> str:
    log: Path = rig.folder / f"{name}.log"
    return log.read_text() if log.exists() else ""


def test_a_worker_loads_nothing_that_a_desk_without_a_model_never_needs() -> None:
    heavy = ("alembic", "numpy", "lxml", "fastapi", "twilio", "tweepy", "imapclient")
    script = f"import sys, workers.__main__; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_up_starts_what_all_wait_for_before_it_loads_the_settings() -> None:
    later = ("router.settings", "sqlalchemy", "http.client", "cli.processes.preparation")
    script = f"import sys, cli.commands.up; print([name for name in {later} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.skipif(find_binaries() is None, reason="PostgreSQL is not installed (tests/install-machine-parts.sh)")
def test_daemons_wait_for_a_database_that_comes_later_and_end_at_one_that_is_not_theirs() -> None:
    with running_rig("postgresql") as rig:
        assert rig.postgres
        rig.postgres.kill()
        for name, module in DAEMONS.items():
            rig.start(name, module)
        for name in DAEMONS:
            wait_until(lambda name=name: "database.away" in output_of(rig, name), seconds=120, every=0.1)
        rig.postgres.start()
        for name, word in READY.items():
            wait_until(lambda name=name, word=word: word in output_of(rig, name), seconds=120, every=0.1)
        wait_until(rig.is_serving, seconds=120, every=0.1)
        rig.stop_all()

        with rig.database.write() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = 'another'"))
        # That each starts as an interpreter of its own is shown above.
        rig.launch = forks.start
        for name, module in DAEMONS.items():
            rig.start(name, module)
        assert [rig.processes[name].wait(120) for name in DAEMONS] == [3, 3, 3]
        for name in DAEMONS:
            assert output_of(rig, name).splitlines()[-1].startswith("omniyard: the database is at version another")
            assert "run `omniyard migrate`" in output_of(rig, name)
