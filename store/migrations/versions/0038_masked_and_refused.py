"""Whether sending has replaced an outgoing text by its masked form; and what a listener refused, by the hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0038"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both. Of what failed after it was sent, only the stars say that its text is the masked one."""
    op.add_column("outbound", sa.Column("masked", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE outbound SET masked = true WHERE sent_at IS NOT NULL AND text LIKE '%****%'")
    op.create_table(
        "refusal",
        sa.Column("channel", sa.String(), primary_key=True),
        sa.Column("bound", sa.String(), primary_key=True),
        sa.Column("hour", UTCDateTime(), primary_key=True),
        sa.Column("refused", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("refusal")
    op.drop_column("outbound", "masked")
