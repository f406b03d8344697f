"""The databases of a run: the growing one, a small one of the smallest size, and where they lie."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from benchmarks.growth.desk import open_database
from store.db.engine import Database
from store.db.migrate import upgrade
from tests.servers.postgres import Postgres, running_postgres

# As an operator of a large desk sets them (docs/operations.md), for a server with 2 GB; the defaults are for less.
_OPTIONS: Final = (
    "shared_buffers=512MB", "effective_cache_size=1536MB", "random_page_cost=1.1", "max_wal_size=4GB",
    "maintenance_work_mem=256MB",
    # Indexes that are built are not written to the journal too; rows are, as on any server.
    "wal_level=minimal", "max_wal_senders=0",
)  # fmt: skip
# While rows are loaded, and only then: a run that the machine cuts short is loaded again.
_OF_LOAD: Final = ("fsync", "full_page_writes", "autovacuum")
_WORLD_MAY_PASS: Final = 0o755


@dataclass(frozen=True, slots=True)
class Store:
    """Makes and opens databases by name. server: None for SQLite."""

    folder: Path
    server: Postgres | None

    def has(self, name: str) -> bool:
        """Whether there is a database of that name."""
        if self.server is None:
            return self._file(name).exists()
        with psycopg.connect(self.server.url()) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        return found is not None

    def open(self, name: str) -> Database:
        """Open a database, with this version's tables."""
        if self.server is not None and not self.has(name):
            self.server.execute(f"CREATE DATABASE {name}")
        database = open_database(f"sqlite:///{self._file(name)}" if self.server is None else self.server.url(name))
        upgrade(database)
        return database

    def remove(self, name: str) -> None:
        """Remove a database that is not open."""
        if self.server is not None:
            self.server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            return
        for path in self.folder.glob(f"{name}.db*"):
            path.unlink()

    def copy(self, source: str, target: str) -> Database:
        """Replace `target` by a copy of `source`, and open it."""
        self.remove(target)
        if self.server is None:
            shutil.copy(self._file(source), self._file(target))
        else:
            self.server.execute(f"CREATE DATABASE {target} TEMPLATE {source}")
        return self.open(target)

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """Let the server take rows quickly and not durably, for the duration of a block."""
        try:
            self._set([f"ALTER SYSTEM SET {name} = off" for name in _OF_LOAD])
            yield
        finally:
            self.make_durable()

    def make_durable(self) -> None:
        """Let the server write as any server does, whatever a run before left."""
        self._set([f"ALTER SYSTEM RESET {name}" for name in _OF_LOAD])
        if self.server is not None:
            self.server.execute("CHECKPOINT")
            os.sync()

    def _set(self, statements: Sequence[str]) -> None:
        if self.server is not None:
            for statement in [*statements, "SELECT pg_reload_conf()"]:
                self.server.execute(statement)

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.db"


@contextlib.contextmanager
def opened_store(kind: str, folder: Path) -> Iterator[Store]:
    """Open what lies in a folder, or begin there. kind: "sqlite" or "postgresql"."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "sqlite":
        yield Store(folder, None)
        return
    # The server runs as another user when this one is root.
    folder.chmod(_WORLD_MAY_PASS)
    data = folder / "postgresql"
    data.mkdir(exist_ok=True)
    with running_postgres(durable=True, keep=data, options=_OPTIONS) as server:
        store = Store(folder, server)
        store.make_durable()
        yield store
