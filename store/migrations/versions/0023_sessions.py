"""Sessions that end on the server."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of ended sessions, and the number by which all sessions of an agent end."""
    op.add_column("agent", sa.Column("session_epoch", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "ended_session",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("ended_at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_ended_session_ended_at", "ended_session", ["ended_at"])


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_ended_session_ended_at", "ended_session")
    op.drop_table("ended_session")
    op.drop_column("agent", "session_epoch")
