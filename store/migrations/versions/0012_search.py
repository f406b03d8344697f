"""The search index: FTS5 on SQLite, a GIN index on PostgreSQL; filled with the existing messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.conversations.search_index.indexed_words import index_messages

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_PAGE = 2_000
_TABLES = {
    "sqlite": (
        "CREATE TABLE search_entry (number INTEGER PRIMARY KEY, message_id CHAR(32) NOT NULL UNIQUE)",
        # No text and no positions: both would cost more than the index itself, and messages have the text. We make the
        # words and separate them by blanks; this tokenizer leaves characters beyond ASCII unchanged.
        "CREATE VIRTUAL TABLE search_words USING fts5 (words, content='', columnsize=0, detail=none, tokenize='ascii')",
    ),
    "postgresql": (
        "CREATE TABLE search_entry (message_id uuid PRIMARY KEY, words tsvector NOT NULL)",
        "CREATE INDEX ix_search_entry_words ON search_entry USING gin (words)",
    ),
}


def upgrade() -> None:
    """Create the tables and index the existing messages."""
    connection = op.get_bind()
    for statement in _TABLES[connection.dialect.name]:
        connection.execute(sa.text(statement))
    message = sa.table("message", *(sa.column(name, type_) for name, type_ in _COLUMNS))
    after = None
    while True:
        page = sa.select(message).order_by(message.c.id).limit(_PAGE)
        rows = connection.execute(page if after is None else page.where(message.c.id > after)).mappings().all()
        if not rows:
            break
        index_messages(connection, [dict(row) for row in rows])
        after = rows[-1]["id"]


_COLUMNS = (("id", sa.Uuid()), ("subject", sa.Text()), ("text", sa.Text()))


def downgrade() -> None:
    """Drop them."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        connection.execute(sa.text("DROP TABLE search_words"))
    connection.execute(sa.text("DROP TABLE search_entry"))
