"""A release runs on the tables of the next one, so that a fleet is upgraded in turns; migrations only expand."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config

from benchmarks.fleet.next_release import make_next_release, next_version
from cli.commands.doctor import examine_database
from router.errors import ConfigError
from router.settings import read_settings
from store.db import open as opening
from store.db.engine import Database
from store.db.migrate import upgrade
from store.db.open import current_version, latest_version, require_current
from store.db.releases import RELEASES, leave_mark, read_mark, release_before
from tests.desk import Desk, envelope, text_in

_VERSIONS = Path(opening.__file__).parents[1] / "migrations" / "versions"


@pytest.fixture
def next_tables(database: Database, tmp_path: Path) -> Database:
    """A database that the release after this one has migrated by its own `omniyard migrate`."""
    place = make_next_release(tmp_path)
    (tmp_path / "next.toml").write_text(text_in(tmp_path).replace("[omniyard]", '[omniyard]\ndatabase = "env:NEXT"', 1))
    url = database.url.render_as_string(hide_password=False)
    environment = {**os.environ, "NEXT": url, "OMNIYARD_CONFIG": str(tmp_path / "next.toml")}
    command = [sys.executable, "-m", "cli", "migrate"]
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    assert f"version {next_version()}" in done.stdout, done.stderr
    return database


def test_a_release_works_on_the_tables_of_the_next_one(next_tables: Database, tmp_path: Path) -> None:
    assert current_version(next_tables) == next_version()
    require_current(next_tables)
    # Its own `omniyard up` and `omniyard migrate` leave them as they are.
    upgrade(next_tables)
    assert current_version(next_tables) == next_version()

    desk = Desk(next_tables, tmp_path)
    desk.route(envelope("1", text="My refund has not come"))

    with next_tables.read() as connection:
        row = connection.execute(sa.text("SELECT state, novelty FROM inbound")).one()
    assert tuple(row) == ("routed", 0)


def test_doctor_takes_the_tables_of_the_next_release(
    next_tables: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXT", next_tables.url.render_as_string(hide_password=False))
    settings = read_settings(text_in(tmp_path).replace("[omniyard]", '[omniyard]\ndatabase = "env:NEXT"', 1))
    assert "omniyard migrate" not in " ".join(examine_database(settings).findings)


def test_the_tables_of_the_release_after_the_next_one_are_refused(database: Database) -> None:
    _set_version(database, f"{int(latest_version()) + 9:04}")
    try:
        for oldest in ("9998", next_version()):
            with database.write() as connection:
                leave_mark(connection, oldest)
            for act in (require_current, upgrade):
                with pytest.raises(ConfigError, match="a newer Omniyard has migrated it"):
                    act(database)
    finally:
        _set_version(database, latest_version())


def test_a_migration_that_waits_for_a_lock_lets_the_others_pass_and_tries_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite's one lock waits for five seconds, and readers do not wait for it")
    tried: list[str] = []

    def change_the_messages(config: Config, _: str) -> None:
        tried.append("")
        config.attributes["connection"].execute(sa.text("LOCK TABLE message IN ACCESS EXCLUSIVE MODE"))

    monkeypatch.setattr("store.db.migrate.command.upgrade", change_the_messages)
    monkeypatch.setattr("store.db.migrate._PATIENCE_SECONDS", 1)
    _set_version(database, "0037")
    try:
        with database.engine.connect() as holder:
            holder.execute(sa.text("SELECT count(*) FROM message"))
            # The one that holds the lock ends after our first attempt.
            monkeypatch.setattr("store.db.migrate.sleep", lambda _: holder.rollback())
            upgrade(database)
    finally:
        _set_version(database, latest_version())
    assert len(tried) == 2


def _set_version(database: Database, version: str) -> None:
    with database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_a_mark_is_kept_on_both_kinds(database: Database) -> None:
    with database.write() as connection:
        leave_mark(connection, "0042")
    with database.read() as connection:
        assert read_mark(connection) == "0042"


def test_releases_are_migrations_in_their_order() -> None:
    numbers = {path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*.py")}
    assert set(RELEASES) <= numbers
    assert list(RELEASES) == sorted(RELEASES)
    assert release_before("0000") is None
    assert release_before("9999") == RELEASES[-1]


_CONTRACTING = {
    "drop_table", "drop_column", "drop_index", "rename_table", "alter_column", "create_unique_constraint",
    "create_check_constraint", "create_foreign_key",
}  # fmt: skip
_CONTRACTING_SQL = ("DROP INDEX ", "DROP TABLE ")


def contractions(text: str) -> list[str]:
    """Return what a migration's `upgrade` does that the release before could notice, unless it declares it.

    `CONTRACTS = "NNNN"` declares that the release with that last migration has already stopped to use it.
    """
    tree = ast.parse(text)
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CONTRACTS":
            return [] if ast.literal_eval(node.value) in RELEASES else ["CONTRACTS names no release"]
    body = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    found = [call.func.attr for call in calls if call.func.attr in _CONTRACTING]
    texts = [each.value for each in ast.walk(body) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    found += [text for text in texts if text.upper().startswith(_CONTRACTING_SQL)]
    return found + [f"{_column(call)} without a default" for call in calls if _needs_a_value(call)]


def _needs_a_value(call: ast.Call) -> bool:
    """Return whether a call adds a column that rows of old code would lack."""
    if call.func.attr != "add_column" or not isinstance(call.args[-1], ast.Call):
        return False
    keywords = {each.arg: each.value for each in call.args[-1].keywords}
    nullable = keywords.get("nullable")
    return isinstance(nullable, ast.Constant) and nullable.value is False and "server_default" not in keywords


def _column(call: ast.Call) -> str:
    return ast.unparse(call.args[-1].args[0])


@pytest.mark.parametrize(
    "path", [path for path in sorted(_VERSIONS.glob("[0-9]*.py")) if path.name[:4] > RELEASES[-1]] or [None]
)
def test_migrations_of_the_coming_release_only_expand(path: Path | None) -> None:
    if path is not None:
        assert contractions(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('op.drop_column("message", "x")', ["drop_column"]),
        ('op.add_column("m", sa.Column("x", sa.Integer(), nullable=False))', ["'x' without a default"]),
        ('op.add_column("m", sa.Column("x", sa.Integer(), nullable=False, server_default="0"))', []),
        ('op.create_index("ix", "m", ["x"])', []),
        ('op.drop_index("ix")', ["drop_index"]),
        ('op.execute(sa.text("DROP INDEX ix"))', ["DROP INDEX ix"]),
    ],
)
def test_what_the_release_before_would_notice_is_found(body: str, found: list[str]) -> None:
    text = f"def upgrade():\n    {body}\n"
    assert contractions(text) == found
    assert contractions(f'CONTRACTS = "{RELEASES[-1]}"\n{text}') == []
    assert contractions(f'CONTRACTS = "0000"\n{text}') == ["CONTRACTS names no release"]


def test_a_process_keeps_its_version_when_an_upgrade_replaces_the_files(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(database)
    require_current(database)

    (tmp_path / "9999_later.py").touch()
    monkeypatch.setattr(opening, "_MIGRATIONS", tmp_path)

    require_current(database)


# They have some hundred rows at most.
_SMALL_TABLES = {"agent"}


def delays(text: str) -> list[str]:
    """Return the indexes of a migration whose building holds up the writers of a large table.

    And what a migration does next to `add_index`: a migration that was stopped there runs again.
    """
    body = next(node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == "upgrade")
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    made = {_argument(call, 0) for call in calls if _name(call) == "create_table"}
    indexed = [_argument(call, 1) for call in calls if _name(call) == "create_index"]
    found = [f"an index of {table} without add_index" for table in indexed if table not in made | _SMALL_TABLES]
    texts = [each.value for each in ast.walk(body) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    found += [each for each in texts if each.upper().startswith(("CREATE INDEX ", "CREATE UNIQUE INDEX "))]
    if any(_name(call) == "add_index" for call in calls):
        found += [f"{_name(call)} next to add_index" for call in calls if _name(call) not in _ALLOWED_NEXT_TO_IT]
    return found


_ALLOWED_NEXT_TO_IT = {"add_index", "get_bind", "text"}


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def _argument(call: ast.Call, place: int) -> str:
    argument = call.args[place]
    return argument.value if isinstance(argument, ast.Constant) else ast.unparse(argument)


@pytest.mark.parametrize(
    "path", [path for path in sorted(_VERSIONS.glob("[0-9]*.py")) if path.name[:4] > RELEASES[-1]] or [None]
)
def test_migrations_of_the_coming_release_hold_up_no_writers(path: Path | None) -> None:
    if path is not None:
        assert delays(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('op.create_index("ix", "message", ["x"])', ["an index of message without add_index"]),
        ('op.create_table("m")\n    op.create_index("ix", "m", ["x"])', []),
        ('op.execute(sa.text("CREATE INDEX ix ON m (x)"))', ["CREATE INDEX ix ON m (x)"]),
        ('add_index("ix", "message", ["x"], postgresql_where=sa.text("x > 1"))', []),
        ('op.add_column("m", x)\n    add_index("ix", "m", ["x"])', ["add_column next to add_index"]),
    ],
)
def test_what_holds_up_writers_is_found(body: str, found: list[str]) -> None:
    assert delays(f"def upgrade():\n    {body}\n") == found
