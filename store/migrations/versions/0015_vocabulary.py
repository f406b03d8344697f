"""SQLite's list of the indexed words, for searching by the beginning of a word."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the virtual table; it stores nothing of its own."""
    if op.get_bind().dialect.name == "sqlite":
        op.get_bind().execute(sa.text("CREATE VIRTUAL TABLE search_vocabulary USING fts5vocab (search_words, 'row')"))


def downgrade() -> None:
    """Drop it."""
    if op.get_bind().dialect.name == "sqlite":
        op.get_bind().execute(sa.text("DROP TABLE search_vocabulary"))
