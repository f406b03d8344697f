"""Connections of the pool: asked after a silence, replaced when the server has ended them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from router.errors import TransientError
from store.db import pool_check
from store.db.engine import Database
from tests.postgres import Postgres

_ASK = sa.text("SELECT 1")
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'pool_check' AND pid <> pg_backend_pid()
"""


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    made = Database(f"{postgres.url()}?application_name=pool_check")
    # Two connections, so that the second one is stale too when the first is found to be.
    with made.read() as one, made.read() as two:
        one.execute(_ASK)
        two.execute(_ASK)
    yield made
    made.close()


def test_after_a_silence_a_connection_that_was_ended_is_replaced_without_an_error(
    database: Database, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_check, "_SILENT_SECONDS", 0.0)
    postgres.execute(_END_OTHERS)
    with database.write() as one, database.write() as two:
        assert one.execute(_ASK).scalar_one() == two.execute(_ASK).scalar_one() == 1


def test_a_connection_that_was_just_used_is_not_asked_and_its_end_fails_one_transaction(
    database: Database, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_check, "_SILENT_SECONDS", 3600.0)
    postgres.execute(_END_OTHERS)
    with pytest.raises(TransientError), database.write() as connection:
        connection.execute(_ASK)
    # The others of the pool were replaced with it.
    with database.write() as one, database.write() as two:
        assert one.execute(_ASK).scalar_one() == two.execute(_ASK).scalar_one() == 1
