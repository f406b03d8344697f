"""Customers' ratings of closed cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "rating",
        sa.Column("closing", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("rated_at", UTCDateTime(), nullable=True),
    )
    op.create_index("ix_rating_conversation_id", "rating", ["conversation_id"])
    op.create_index("ix_rating_contact", "rating", ["contact_id", "asked_at"])


def downgrade() -> None:
    """Forget it."""
    op.drop_table("rating")
