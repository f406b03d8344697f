"""Whether sending has replaced an outgoing text by its masked form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Of what failed after it was sent, only the stars say that its text is the masked one."""
    op.add_column("outbound", sa.Column("masked", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE outbound SET masked = true WHERE sent_at IS NOT NULL AND text LIKE '%****%'")


def downgrade() -> None:
    """Take it back."""
    op.drop_column("outbound", "masked")
