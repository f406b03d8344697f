"""What visitors and agents say of answers: verdicts of the help centre, and proposed ways to ask."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "help_verdict",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_help_verdict_answer", "help_verdict", ["answer", "at"])
    op.create_table(
        "phrasing",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Uuid()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", UTCDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False, server_default=""),
        sa.Column("decided_at", UTCDateTime()),
    )
    op.create_index("ix_phrasing_conversation_id", "phrasing", ["conversation_id"])
    op.create_index("ix_phrasing_state", "phrasing", ["state", "proposed_at"])


def downgrade() -> None:
    """Take them back."""
    op.drop_table("phrasing")
    op.drop_table("help_verdict")
