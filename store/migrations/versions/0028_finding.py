"""Blocked senders; words of people and files; saved views; the index of words in one form of Chinese, with amounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from store.conversations.search_index.indexed_words import index_messages
from store.desk.names_index import index_files, index_people

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_PAGE = 2_000
_BLOCKED = sa.text("blocked_at IS NOT NULL")
_TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
_MESSAGE = sa.table("message", sa.column("id", sa.Uuid()), sa.column("subject"), sa.column("text"))
_FILE = sa.table("attachment", sa.column("id", sa.Uuid()), sa.column("name"))
_IDENTITY = sa.table("identity", sa.column("id", sa.Uuid()), sa.column("contact_id", sa.Uuid()), sa.column("handle"))
_CONTACT = sa.table("contact", sa.column("id", sa.Uuid()), sa.column("name"))


def upgrade() -> None:
    """Add columns and tables, and fill the indexes from what is stored."""
    op.add_column("contact", sa.Column("blocked_at", UTCDateTime()))
    op.add_column("contact", sa.Column("blocked_by", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_contact_blocked", "contact", ["id"], postgresql_where=_BLOCKED, sqlite_where=_BLOCKED)
    op.create_table(
        "search_term",
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("word", _TEXT, primary_key=True),
        sa.Column("object_id", sa.Uuid(), primary_key=True),
    )
    op.create_index("ix_search_term_object_id", "search_term", ["object_id"])
    op.create_table(
        "saved_view",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("agent_id", sa.Uuid()),
        sa.Column("team", sa.String()),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_saved_view_agent_id", "saved_view", ["agent_id"])
    op.create_index("ix_saved_view_team", "saved_view", ["team"])
    _fill(op.get_bind())


def _fill(connection: Any) -> None:  # noqa: ANN401  (alembic's)
    if connection.dialect.name == "sqlite":
        # Without the old words, which its index needs to forget a text, it is made again.
        connection.execute(sa.text("INSERT INTO search_words (search_words) VALUES ('delete-all')"))
    connection.execute(sa.text("DELETE FROM search_entry"))
    for rows in _pages(connection, _MESSAGE):
        index_messages(connection, rows)
    for rows in _pages(connection, _FILE):
        index_files(connection, {row["id"]: row["name"] for row in rows})
    for rows in _pages(connection, _IDENTITY):
        ids = [row["contact_id"] for row in rows]
        found = connection.execute(sa.select(_CONTACT).where(_CONTACT.c.id.in_(ids))).all()
        names = {row.id: row.name for row in found}
        people: dict[Any, list[str]] = {}
        for row in rows:
            people.setdefault(row["contact_id"], [names[row["contact_id"]]]).append(row["handle"])
        index_people(connection, people)


def _pages(connection: Any, table: Any) -> Iterator[Sequence[dict[str, Any]]]:  # noqa: ANN401
    after = None
    while True:
        page = sa.select(table).order_by(table.c.id).limit(_PAGE)
        rows = connection.execute(page if after is None else page.where(table.c.id > after)).mappings().all()
        if not rows:
            return
        yield [dict(row) for row in rows]
        after = rows[-1]["id"]


def downgrade() -> None:
    """Take it back; the index of words stays in the newer form, which an older version searches too."""
    op.drop_table("saved_view")
    op.drop_table("search_term")
    op.drop_index("ix_contact_blocked", "contact")
    op.drop_column("contact", "blocked_by")
    op.drop_column("contact", "blocked_at")
