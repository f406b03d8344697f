"""Answers by themselves: questions with what became of them, and those for which nothing was found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from store.tables.messages import Json

revision = "0032"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "auto_answer",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("message_id", sa.Uuid(), sa.ForeignKey("message.id"), nullable=False, unique=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("decided_at", UTCDateTime()),
        sa.Column("answer", sa.String(), nullable=False, server_default=""),
        sa.Column("outbound_id", sa.Uuid(), unique=True),
        sa.Column("trace", Json),
        sa.Column("verdict", sa.String(), nullable=False, server_default=""),
        sa.Column("verdict_at", UTCDateTime()),
        sa.Column("verdict_by", sa.String(), nullable=False, server_default=""),
    )
    op.create_index("ix_auto_answer_conversation_id", "auto_answer", ["conversation_id"])
    op.create_index("ix_auto_answer_decided", "auto_answer", ["decided_at"])
    waiting = sa.text("state = 'waiting'")
    op.create_index("ix_auto_answer_waiting", "auto_answer", ["due_at"], postgresql_where=waiting, sqlite_where=waiting)
    op.create_table(
        "answer_gap",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid()),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_answer_gap_at", "answer_gap", ["at"])
    op.create_index("ix_answer_gap_conversation_id", "answer_gap", ["conversation_id"])


def downgrade() -> None:
    """Take them back."""
    op.drop_table("answer_gap")
    op.drop_table("auto_answer")
