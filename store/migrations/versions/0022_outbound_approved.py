"""When a person decided again that an outgoing message may leave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0022"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("outbound", sa.Column("approved_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    """Take it back."""
    op.drop_column("outbound", "approved_at")
