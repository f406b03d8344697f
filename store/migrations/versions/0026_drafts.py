"""What agents write and have not sent, or can still take back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from store.tables.messages import Json

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of drafts, and what a reply does when it leaves."""
    op.create_table(
        "draft",
        sa.Column("agent_id", sa.Uuid(), sa.ForeignKey("agent.id"), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column("copies", Json, nullable=True),
        sa.Column("blind_copies", Json, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("saved_at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_draft_conversation_id", "draft", ["conversation_id"])
    op.add_column("outbound", sa.Column("undo_until", UTCDateTime(), nullable=True))
    op.add_column("outbound", sa.Column("then_status", sa.String(), nullable=True))
    op.add_column("outbound", sa.Column("version_before", sa.Integer(), nullable=True))
    op.add_column("outbound", sa.Column("version_after", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    for name in ("version_after", "version_before", "then_status", "undo_until"):
        op.drop_column("outbound", name)
    op.drop_table("draft")
