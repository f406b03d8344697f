"""Connections of the pool whose server has ended them are replaced before they are given out."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa

from store.db.dialects import live_connections
from store.db.engine import Database
from tests.servers.postgres import Postgres

_ASK = sa.text("SELECT 1")
_THEIRS = "FROM pg_stat_activity WHERE application_name = 'live_connections' AND pid <> pg_backend_pid()"
_END = f"SELECT pg_terminate_backend(pid) {_THEIRS}"
_COUNT = f"SELECT count(*) {_THEIRS}"


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    made = Database(f"{postgres.url()}?application_name=live_connections")
    # Two connections, so that the second one is dead too when the first is found to be.
    with made.read() as one, made.read() as two:
        one.execute(_ASK)
        two.execute(_ASK)
    yield made
    made.close()


@pytest.mark.parametrize("trusted_seconds", [0.0, 3600.0], ids=["after a silence", "just used"])
def test_a_connection_that_the_server_ended_is_replaced_without_an_error(
    trusted_seconds: float, database: Database, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_connections, "_TRUSTED_SECONDS", trusted_seconds)
    postgres.execute(_END)
    with psycopg.connect(postgres.url(), autocommit=True) as other:
        while other.execute(_COUNT).fetchone() != (0,):
            time.sleep(0.01)
    with database.write() as one, database.write() as two:
        assert one.execute(_ASK).scalar_one() == two.execute(_ASK).scalar_one() == 1
