"""How much of each message must be read, so that heavy ones are routed after light ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what waits weighs at most as much as its bytes."""
    op.add_column("inbound", sa.Column("weight", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE inbound SET weight = size WHERE state = 'received'")


def downgrade() -> None:
    """Take it back."""
    op.drop_column("inbound", "weight")
