"""The migrations create the same tables as the models, and can be reverted."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

import store.tables.agents
import store.tables.case_records
import store.tables.chat
import store.tables.composer
import store.tables.desk
import store.tables.emergencies
import store.tables.gates
import store.tables.messages
import store.tables.operations
import store.tables.readers
import store.tables.self_service
from router.errors import TransientError
from store.db.engine import Database
from store.db.migrate import upgrade
from store.db.open import current_version, latest_version


def _is_of_a_model(name: str | None, kind: str, _: object) -> bool:
    # The index of words differs between the databases: no model (`store.conversations.search_index.indexed_words`).
    return kind != "table" or name == "search_term" or not (name or "").startswith("search_")


def test_the_migrated_tables_are_those_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_name": _is_of_a_model})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_no_start_waits_for_the_validators_of_tables() -> None:
    tables = [each.class_ for each in store.tables.messages.MessageRow._sa_registry.mappers]

    assert len(tables) == len(SQLModel.metadata.tables)
    assert [each.__name__ for each in tables if not each.model_config.get("defer_build")] == []


def test_the_numbers_of_the_files_are_the_order_of_the_migrations() -> None:
    scripts = ScriptDirectory.from_config(_config())
    assert scripts.get_heads() == [latest_version()]
    order = [revision.revision for revision in scripts.walk_revisions()]
    assert order == sorted(order, reverse=True)
    assert all(Path(revision.path).name.startswith(f"{revision.revision}_") for revision in scripts.walk_revisions())


def test_an_empty_database_has_no_version(tmp_path: Path) -> None:
    empty = Database.at(tmp_path / "empty.db")
    assert current_version(empty) is None
    empty.close()


def test_a_migration_can_be_taken_back_and_run_again(database: Database) -> None:
    config = _config()
    with database.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
    assert current_version(database) == "0001"

    upgrade(database)

    assert current_version(database) == latest_version()


def test_a_migration_whose_session_ends_before_its_commit_is_taken_back_and_runs_again(database: Database) -> None:
    config = _config()
    with database.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.downgrade(config, "0048")
    ended: list[str] = []

    @event.listens_for(database.engine, "after_cursor_execute")
    def end(connection: Connection, cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE alembic_version") and not ended:
            ended.append(statement)
            if database.is_sqlite:
                raise KeyboardInterrupt
            session = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            other = Database(database.url)
            with other.write() as ending:
                ending.exec_driver_sql(f"SELECT pg_terminate_backend({session}, 10000)")
            other.close()

    with pytest.raises(KeyboardInterrupt if database.is_sqlite else TransientError):
        upgrade(database)
    event.remove(database.engine, "after_cursor_execute", end)
    assert (len(ended), current_version(database)) == (1, "0048")

    upgrade(database)

    assert current_version(database) == latest_version()
    test_the_migrated_tables_are_those_of_the_models(database)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    return config
