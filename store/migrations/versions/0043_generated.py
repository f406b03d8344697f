"""Texts that a model wrote for agents, and what was spent of each day's budget."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from store.tables.messages import Json

revision = "0043"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "generated_text",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("message_id", sa.Uuid()),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("flaws", Json, nullable=False),
        sa.Column("sources", Json, nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer()),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("agent_id", sa.Uuid()),
        sa.Column("at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_generated_text_case", "generated_text", ["conversation_id", "purpose", "at"])
    op.create_table(
        "model_day",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("texts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("refused", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failed", sa.Integer(), nullable=False, server_default="0"),
    )


def downgrade() -> None:
    """Take them back."""
    op.drop_table("model_day")
    op.drop_table("generated_text")
