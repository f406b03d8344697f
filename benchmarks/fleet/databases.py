"""PostgreSQL on several hosts: a primary with standbys, promotion, and the return of the old primary."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import psycopg

from benchmarks.fleet.network import Host
from benchmarks.rig import wait_until
from tests.servers.postgres import _identity, find_binaries

T = TypeVar("T")

_PORT: Final = 5432
_USER: Final = "omniyard"
# At most: on a busy machine a server's start, or a connection to it, takes many seconds.
_PATIENCE_SECONDS: Final = 300
_CONNECT_SECONDS: Final = 10
_ACCESS: Final = f"local all all trust\nhost all all 10.77.0.0/24 trust\nhost replication {_USER} 10.77.0.0/24 trust\n"
# What an operator sets for a fleet: silent peers are noticed within seconds.
_SETTINGS: Final = {
    "port": _PORT,
    "max_connections": 150,
    "wal_level": "replica",
    "max_wal_senders": 10,
    "wal_keep_size": "512MB",
    "hot_standby": "on",
    "wal_sender_timeout": "5s",
    "wal_receiver_timeout": "5s",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "500ms",
    "shared_buffers": "64MB",
    "log_line_prefix": "'%m [%p] '",
}


class Databases:
    """The servers, one a host; `primary` is the name of the host that takes writes.

    folder: for their data; it becomes their user's.  synchronous: a commit waits for any one of the standbys.
    """

    def __init__(self, hosts: Sequence[Host], *, folder: Path, synchronous: bool = True) -> None:
        binaries = find_binaries()
        if binaries is None:
            raise RuntimeError("no PostgreSQL is installed: run tests/install-machine-parts.sh")
        self._binaries, self._synchronous = binaries, synchronous
        self._hosts = {host.name: host for host in hosts}
        self._identity: dict[str, Any] = _identity()
        self.folder = folder
        shutil.chown(self.folder, self._identity["user"], self._identity["group"])
        self.primary = hosts[0].name

    @property
    def url(self) -> str:
        """The address for clients: every server, whichever takes writes."""
        places = ",".join(f"{host.ip}:{_PORT}" for host in self._hosts.values())
        return f"postgresql://{_USER}@{places}/postgres?target_session_attrs=read-write"

    def start_all(self) -> None:
        """Make the primary and copy it to the standbys."""
        first, *others = self._hosts
        self._on(first, "initdb", "-D", self._data(first), "-U", _USER, "-A", "trust", "-E", "UTF8")
        (Path(self._data(first)) / "pg_hba.conf").write_text(_ACCESS)
        self._configure(first)
        self.start(first)
        for name in others:
            self.join(name)

    def start(self, name: str) -> None:
        """Start a server with the data that it has, and wait until it answers."""
        with (self.folder / f"{name}.log").open("ab") as log:
            command = [str(self._binaries / "postgres"), "-D", self._data(name)]
            subprocess.Popen(self._as_owner(name, command), stdout=log, stderr=log, cwd="/", start_new_session=True)
        wait_until(lambda: self.answers(name), seconds=_PATIENCE_SECONDS, every=0.1)

    def join(self, name: str) -> None:
        """Make this host a standby of the primary, from a new copy."""
        shutil.rmtree(self._data(name), ignore_errors=True)
        self._on(
            name, "pg_basebackup", "-D", self._data(name), "-d", self._upstream(name), "-X", "stream", "-c", "fast"
        )
        self._configure(name)
        (Path(self._data(name)) / "standby.signal").touch()
        self.start(name)

    def stop(self, name: str) -> None:
        """Stop a server as an operator does before a planned change: its standbys get everything first."""
        self._on(name, "pg_ctl", "stop", "-D", self._data(name), "-m", "fast", "-w", "-t", str(_PATIENCE_SECONDS))

    def promote(self) -> None:
        """Make the most advanced standby the primary. The old primary must be down, so that there is only one."""
        # Each of them is asked, however long it takes: the one that is left out may alone have the last commits.
        standbys = [name for name in self._hosts if name != self.primary]
        heir = max(standbys, key=lambda name: self._ask(name, "SELECT pg_last_wal_receive_lsn() - '0/0'::pg_lsn"))
        self._ask(heir, "SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(false) END")
        wait_until(lambda: self._ask(heir, "SELECT NOT pg_is_in_recovery()"), seconds=_PATIENCE_SECONDS, every=0.1)
        self.primary = heir
        for name in standbys:
            if name != heir:
                self._execute(name, f"ALTER SYSTEM SET primary_conninfo = '{self._upstream(name)}'")
                self._ask(name, "SELECT pg_reload_conf()")

    def answers(self, name: str) -> bool:
        """Return whether a server takes connections."""
        try:
            self._scalar(name, "SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def streams(self) -> bool:
        """Return whether every standby follows the primary."""
        query = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        try:
            return bool(self._scalar(self.primary, query) == len(self._hosts) - 1)
        except psycopg.OperationalError:
            return False

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query on the primary. Raises psycopg.OperationalError when it stays away."""

        def read() -> list[tuple[Any, ...]]:
            with self._connect(self.primary) as connection:
                return connection.execute(query.encode()).fetchall()

        return _again(read)

    def _connect(self, name: str) -> psycopg.Connection:
        address = (
            f"host={self._hosts[name].ip} port={_PORT} user={_USER} dbname=postgres connect_timeout={_CONNECT_SECONDS}"
        )
        return psycopg.connect(address, autocommit=True, options="-c statement_timeout=30s")

    def _ask(self, name: str, query: str) -> Any:  # noqa: ANN401  (a column of any type)
        """Return a query's only value, from a server that runs."""
        return _again(lambda: self._scalar(name, query))

    def _scalar(self, name: str, query: str) -> Any:  # noqa: ANN401  (a column of any type)
        with self._connect(name) as connection:
            return connection.execute(query.encode()).fetchall()[0][0]

    def _execute(self, name: str, statement: str) -> None:
        def execute() -> None:
            with self._connect(name) as connection:
                connection.execute(statement.encode())

        _again(execute)

    def _configure(self, name: str) -> None:
        others = ", ".join(_identifier(each) for each in self._hosts if each != name)
        rows = {**_SETTINGS, "listen_addresses": f"'{self._hosts[name].ip}'", "unix_socket_directories": "''"}
        rows["primary_conninfo"] = f"'{self._upstream(name)}'"
        if self._synchronous:
            rows["synchronous_standby_names"] = f"'ANY 1 ({others})'"
        (Path(self._data(name)) / "postgresql.conf").write_text("".join(f"{key} = {at}\n" for key, at in rows.items()))
        # What a promoted server had changed was copied, too.
        (Path(self._data(name)) / "postgresql.auto.conf").write_text("")

    def _upstream(self, name: str) -> str:
        watch = "keepalives_idle=3 keepalives_interval=2 keepalives_count=2 connect_timeout=3"
        host = self._hosts[self.primary].ip
        return f"host={host} port={_PORT} user={_USER} application_name={_identifier(name)} {watch}"

    def _data(self, name: str) -> str:
        return str(self.folder / name)

    def _as_owner(self, name: str, command: Sequence[str]) -> list[str]:
        owner = ("-S", str(self._identity["user"]), "-G", str(self._identity["group"]))
        return self._hosts[name].command(*owner, *command)

    def _on(self, name: str, program: str, *arguments: str) -> None:
        command = self._as_owner(name, [str(self._binaries / program), *arguments])
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"{program} on {name}: {done.stderr.strip()}")


def _again(ask: Callable[[], T]) -> T:
    """Return what `ask` returns, from a server that runs: on a busy machine it may not answer at once."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
        time.sleep(0.1)


def _identifier(name: str) -> str:
    return name.replace("-", "_")
