"""Make the release after this one: a copy of the code with one more migration, which only expands the tables."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from benchmarks.rig import ROOT
from store.db.open import latest_version
from store.db.releases import RELEASES

_ROOMS: Final = ("router", "connectors", "store", "workers", "api", "cli", "config")
_FILES: Final = ("Procfile", "pyproject.toml")
# As a release would: a column of each kind that old code does not write, an index, and a table of its own.
_MIGRATION: Final = '''"""What a release after this one might add."""

import sqlalchemy as sa
from alembic import op

revision = "{next}"
down_revision = "{latest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("inbound", "message", "conversation", "outbound", "contact", "event"):
        op.add_column(table, sa.Column("novelty", sa.Integer(), nullable=False, server_default="0"))
        op.add_column(table, sa.Column("novelty_note", sa.String(), nullable=True))
    op.create_index("ix_message_novelty", "message", ["novelty"])
    op.create_table("novelty", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("word", sa.String()))


def downgrade() -> None:
    op.drop_table("novelty")
    op.drop_index("ix_message_novelty", "message")
    for table in ("inbound", "message", "conversation", "outbound", "contact", "event"):
        op.drop_column(table, "novelty")
        op.drop_column(table, "novelty_note")
'''


def next_version() -> str:
    """Return the number of the next release's migration."""
    return f"{int(latest_version()) + 1:04}"


def make_next_release(folder: Path) -> Path:
    """Write the next release under `folder`, and return its place; run it with that as the working folder."""
    place = folder / "next-release"
    for room in _ROOMS:
        shutil.copytree(ROOT / room, place / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(ROOT / name, place / name)
    migration = _MIGRATION.format(next=next_version(), latest=latest_version())
    (place / "store" / "migrations" / "versions" / f"{next_version()}_novelty.py").write_text(migration)
    releases = place / "store" / "db" / "releases.py"
    # This release is out.
    known = tuple(sorted({*RELEASES, latest_version()}))
    lines = [
        f"RELEASES: Final = {known!r}" if line.startswith("RELEASES: Final") else line
        for line in releases.read_text(encoding="utf-8").splitlines()
    ]
    releases.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place
