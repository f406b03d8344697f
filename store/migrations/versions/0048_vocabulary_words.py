"""SQLite's index of words, word by word: the other view of it counts each word's messages, which takes ever longer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the virtual table; it stores nothing of its own."""
    if op.get_bind().dialect.name == "sqlite":
        statement = "CREATE VIRTUAL TABLE search_vocabulary_words USING fts5vocab (search_words, 'instance')"
        op.get_bind().execute(sa.text(statement))


def downgrade() -> None:
    """Drop it."""
    if op.get_bind().dialect.name == "sqlite":
        op.get_bind().execute(sa.text("DROP TABLE search_vocabulary_words"))
