"""Customers who want no more messages on a channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "suppression",
        sa.Column("channel", sa.String(), primary_key=True),
        sa.Column("handle", sa.String(), primary_key=True),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("said_at", UTCDateTime(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_table("suppression")
