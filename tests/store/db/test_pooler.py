"""A real PgBouncer in transaction mode before PostgreSQL: refused by its name, however it is configured."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cli.commands.doctor import examine_database
from router.errors import TransientError
from router.settings import read_settings
from tests.desk import text_in
from tests.servers.ports import free_port
from tests.servers.postgres import _identity, find_binaries, running_postgres

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
pytestmark = pytest.mark.skipif(
    not Path(PROGRAM).exists() or find_binaries() is None,
    reason="PgBouncer or PostgreSQL is not installed: tests/install-machine-parts.sh",
)


@pytest.fixture(scope="module")
def pooled() -> Iterator[Callable[[str], str]]:
    """Start a PgBouncer with a further line of configuration, and return the address of the database through it."""
    with ExitStack() as stack:
        server = stack.enter_context(running_postgres())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="omniyard-pooler-")))
        # Neither server runs as root.
        folder.chmod(0o755)

        def start(more: str) -> str:
            port = free_port()
            file = folder / f"{port}.ini"
            file.write_text(
                f"[databases]\n* = host=127.0.0.1 port={server.port} user=omniyard\n[pgbouncer]\n"
                f"listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\nunix_socket_dir =\n"
                f"pool_mode = transaction\n{more}\n"
            )
            file.chmod(0o644)
            process = subprocess.Popen([PROGRAM, str(file)], stderr=subprocess.DEVNULL, **_identity())
            stack.callback(process.wait)
            stack.callback(process.terminate)
            _wait_for(port)
            return f"postgresql://omniyard@127.0.0.1:{port}/postgres"

        yield start


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "PgBouncer does not listen"
            time.sleep(0.05)
        else:
            return


def examined(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("POOLED_DATABASE", url)
    text = text_in(folder).replace("[omniyard]", '[omniyard]\ndatabase = "env:POOLED_DATABASE"', 1)
    try:
        health = examine_database(read_settings(text))
    except TransientError as error:
        return str(error)
    assert not health.ok
    return " ".join(health.findings)


@pytest.mark.parametrize("more", ["", "ignore_startup_parameters = options"])
def test_doctor_refuses_a_pooler_by_its_name(
    pooled: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    said = examined(pooled(more), tmp_path, monkeypatch)
    assert "PgBouncer" in said
    assert "connect to PostgreSQL itself" in said
