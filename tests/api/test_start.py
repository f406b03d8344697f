"""`python -m api` starts with few imports, serves, and stops on a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from store.db.engine import Database
from store.db.migrate import upgrade
from tests.api.conftest import TOML
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[2]
HEAVY = ("alembic", "redis", "dramatiq", "numpy", "connectors.email", "lxml", "twilio", "tweepy")


def test_the_application_loads_nothing_that_it_rarely_needs() -> None:
    script = f"import sys, api.app; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_process_serves_and_stops_on_a_signal(tmp_path: Path) -> None:
    # Given a desk's file and its database
    port = free_port()
    (tmp_path / "desk.toml").write_text(TOML.format(data=tmp_path, more=f'listen = "127.0.0.1:{port}"', rate=0))
    database = Database.at(tmp_path / "omniyard.db")
    upgrade(database)
    database.close()
    # When the process runs
    environment = {**os.environ, "OMNIYARD_CONFIG": str(tmp_path / "desk.toml")}
    with subprocess.Popen([sys.executable, "-m", "api"], cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        try:
            status = _wait(f"http://127.0.0.1:{port}/readyz", process=process)
        finally:
            process.send_signal(signal.SIGTERM)
            log = process.communicate(timeout=240)[0].decode()
    # Then it was ready, and it ended by itself, without a word about a fault
    assert status == 200
    assert process.returncode in {0, -signal.SIGTERM}
    assert "error" not in log.lower(), log


def _wait(url: str, *, process: subprocess.Popen[bytes]) -> int:
    for _ in range(1200):
        assert process.poll() is None
        try:
            return httpx.get(url).status_code
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("it never answered")
