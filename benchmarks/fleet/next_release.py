"""Make the release after this one: a copy of the code with two more migrations, which only expand the tables."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from benchmarks.rig import ROOT
from store.db.open import latest_version
from store.db.releases import RELEASES

_ROOMS: Final = ("router", "connectors", "store", "workers", "api", "cli", "config")
_FILES: Final = ("Procfile", "pyproject.toml")
# As a release would: a column of each kind that old code does not write, and a table of its own.
_EXPANSION: Final = '''"""What a release after this one might add."""

import sqlalchemy as sa
from alembic import op

revision = "{version}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("inbound", "message", "conversation", "outbound", "contact", "event"):
        op.add_column(table, sa.Column("novelty", sa.Integer(), nullable=False, server_default="0"))
        op.add_column(table, sa.Column("novelty_note", sa.String(), nullable=True))
    op.create_table("novelty", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("word", sa.String()))


def downgrade() -> None:
    op.drop_table("novelty")
    for table in ("inbound", "message", "conversation", "outbound", "contact", "event"):
        op.drop_column(table, "novelty")
        op.drop_column(table, "novelty_note")
'''
# And an index of each large table that is written all the time, built while the processes before write there.
_INDEXES: Final = '''"""Indexes of what the migration before this one has added."""

from alembic import op

from store.migrations.large_tables import add_index

revision = "{version}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("inbound", "message", "event"):
        add_index(f"ix_{{table}}_novelty", table, ["novelty"])


def downgrade() -> None:
    for table in ("inbound", "message", "event"):
        op.drop_index(f"ix_{{table}}_novelty", table)
'''
_MIGRATIONS: Final = (("novelty", _EXPANSION), ("novelty_indexes", _INDEXES))


def next_version() -> str:
    """Return the number of the next release's last migration."""
    return _number(len(_MIGRATIONS))


def _number(more: int) -> str:
    return f"{int(latest_version()) + more:04}"


def make_next_release(folder: Path) -> Path:
    """Write the next release under `folder`, and return its place; run it with that as the working folder."""
    place = folder / "next-release"
    for room in _ROOMS:
        shutil.copytree(ROOT / room, place / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(ROOT / name, place / name)
    for number, (name, migration) in enumerate(_MIGRATIONS, start=1):
        version, before = _number(number), _number(number - 1)
        file = place / "store" / "migrations" / "versions" / f"{version}_{name}.py"
        file.write_text(migration.format(version=version, before=before), encoding="utf-8")
    releases = place / "store" / "db" / "releases.py"
    # This release is out.
    known = tuple(sorted({*RELEASES, latest_version()}))
    lines = [
        f"RELEASES: Final = {known!r}" if line.startswith("RELEASES: Final") else line
        for line in releases.read_text(encoding="utf-8").splitlines()
    ]
    releases.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place
