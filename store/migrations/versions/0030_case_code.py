"""One-time codes of the customers' case pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0030"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of codes."""
    op.create_table(
        "case_code",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("used_at", UTCDateTime(), nullable=True),
    )
    op.create_index("ix_case_code_conversation_id", "case_code", ["conversation_id"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_case_code_conversation_id", "case_code")
    op.drop_table("case_code")
