"""Agents' work: corrections, read markers, who snoozed, tokens that expire, and lists in every order."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import UTCDateTime

from store.db.views import drop_views
from store.migrations.first_views import create_first_views

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SOONER = (
    "CASE WHEN next_reply_due_at IS NULL OR first_reply_due_at <= next_reply_due_at"
    " THEN coalesce(first_reply_due_at, next_reply_due_at) ELSE next_reply_due_at END"
)
_DUE_AT = (
    f"CASE WHEN status = 'resolved' THEN NULL WHEN resolve_due_at IS NULL OR ({_SOONER}) <= resolve_due_at"
    f" THEN coalesce(({_SOONER}), resolve_due_at) ELSE resolve_due_at END"
)
# Name, columns, and condition.
_INDEXES = (
    ("ix_conversation_status_priority", ["status", "priority", "last_message_at", "id"], None),
    ("ix_conversation_status_due", ["status", "due_at", "id"], "due_at IS NOT NULL"),
    ("ix_conversation_assignee_activity", ["assignee", "status", "last_message_at", "id"], "assignee IS NOT NULL"),
    ("ix_conversation_nobodys", ["status", "last_message_at", "id"], "assignee IS NULL"),
)
_AGENT = (
    ("scopes", sa.JSON().with_variant(JSONB(), "postgresql")),
    ("expires_at", UTCDateTime()),
    ("previous_hash", sa.String()),
    ("previous_until", UTCDateTime()),
)


def upgrade() -> None:
    """Add the columns, the indexes and the tables."""
    # SQLite cannot alter a table under a view.
    drop_views(op.get_bind())
    op.add_column("conversation", sa.Column("snoozed_by", sa.String(), nullable=True))
    # SQLite can only add a column that is computed at each reading; an index on it stores the values.
    kept = True if op.get_bind().dialect.name == "postgresql" else None
    due_at: sa.Column[Any] = sa.Column("due_at", UTCDateTime(), sa.Computed(_DUE_AT, persisted=kept), nullable=True)
    op.add_column("conversation", due_at)
    for name, columns, where in _INDEXES:
        some = sa.text(where) if where else None
        op.create_index(name, "conversation", columns, postgresql_where=some, sqlite_where=some)
    for name, type_ in _AGENT:
        op.add_column("agent", sa.Column(name, type_, nullable=True))
    _create_tables()
    create_first_views(op.get_bind())


def _create_tables() -> None:
    op.create_table(
        "correction",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("message_id", sa.Uuid(), sa.ForeignKey("message.id"), nullable=True),
        sa.Column("old_category", sa.String(), nullable=True),
        sa.Column("new_category", sa.String(), nullable=True),
        sa.Column("sub_intent", sa.String(), nullable=True),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
    )
    for column in ("conversation_id", "message_id", "at"):
        op.create_index(f"ix_correction_{column}", "correction", [column])
    op.create_table(
        "read_marker",
        sa.Column("agent_id", sa.Uuid(), sa.ForeignKey("agent.id"), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), primary_key=True),
        sa.Column("read_to", UTCDateTime(), nullable=False),
    )


def downgrade() -> None:
    """Remove what `upgrade` added."""
    drop_views(op.get_bind())
    for table in ("read_marker", "correction"):
        op.drop_table(table)
    for name, _, _ in _INDEXES:
        op.drop_index(name, "conversation")
    for name in ("due_at", "snoozed_by"):
        op.drop_column("conversation", name)
    for name, _ in _AGENT:
        op.drop_column("agent", name)
    create_first_views(op.get_bind())
