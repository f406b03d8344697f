"""Presence of agents, and the indexes of the queues' page and the supervisor's page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table and the indexes."""
    op.create_table(
        "presence",
        sa.Column("conversation_id", sa.Uuid(), primary_key=True),
        sa.Column("agent_id", sa.Uuid(), primary_key=True),
        sa.Column("writing", sa.Boolean(), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
    )
    op.create_index(
        "ix_conversation_emergency",
        "conversation",
        ["status", "last_message_at", "id"],
        postgresql_where=sa.text("emergency"),
        sqlite_where=sa.text("emergency = 1"),
    )
    op.create_index("ix_conversation_opened", "conversation", ["opened_at"])


def downgrade() -> None:
    """Remove what `upgrade` added."""
    for name in ("ix_conversation_opened", "ix_conversation_emergency"):
        op.drop_index(name, "conversation")
    op.drop_table("presence")
