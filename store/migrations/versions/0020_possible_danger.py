"""Danger that a person decides about, what a released emergency becomes again, and pages that go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from store.db.views import create_views, drop_views
from store.tables.messages import Json

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_UNJUDGED = sa.text("confirmed IS NULL")
_POSSIBLE = sa.text("possible_danger")
_OF_EMERGENCY: tuple[Callable[[], sa.Column[Any]], ...] = (
    lambda: sa.Column("paged", Json, nullable=True),
    lambda: sa.Column("calm", Json, nullable=True),
    lambda: sa.Column("changed", Json, nullable=True),
    lambda: sa.Column("paged_by", sa.String(), nullable=False, server_default=""),
    lambda: sa.Column("steps", sa.Integer(), nullable=False, server_default="0"),
    lambda: sa.Column("stepped_at", UTCDateTime(), nullable=True),
    lambda: sa.Column("stepped_to", sa.String(), nullable=False, server_default=""),
)


def upgrade() -> None:
    """Add the columns, the table of questions and the indexes; the view gains a column at its end."""
    op.add_column("conversation", sa.Column("possible_danger", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("gate_tally", sa.Column("messages", sa.Integer(), nullable=False, server_default="0"))
    for column in _OF_EMERGENCY:
        op.add_column("emergency", column())
    op.create_table(
        "danger_question",
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), primary_key=True),
        sa.Column("inbound_id", sa.Uuid(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("evidence", Json, nullable=False),
        sa.Column("paged", Json, nullable=False),
        sa.Column("answer", sa.Boolean(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
    )
    op.create_index("ix_danger_question_at", "danger_question", ["at"])
    op.create_index("ix_emergency_unjudged", "emergency", ["at"], postgresql_where=_UNJUDGED, sqlite_where=_UNJUDGED)
    op.create_index(
        "ix_conversation_possible_danger",
        "conversation",
        ["status", "last_message_at", "id"],
        postgresql_where=_POSSIBLE,
        sqlite_where=_POSSIBLE,
    )
    create_views(op.get_bind())


def downgrade() -> None:
    """Take back what `upgrade` added."""
    drop_views(op.get_bind())
    op.drop_index("ix_conversation_possible_danger", "conversation")
    op.drop_index("ix_emergency_unjudged", "emergency")
    op.drop_table("danger_question")
    for column in _OF_EMERGENCY:
        op.drop_column("emergency", column().name)
    op.drop_column("gate_tally", "messages")
    op.drop_column("conversation", "possible_danger")
    create_views(op.get_bind())
