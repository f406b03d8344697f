"""What is proven about the sender of each message."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.db.views import create_views, drop_views

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, and show it in the view."""
    op.add_column("message", sa.Column("sender_proof", sa.String(), nullable=False, server_default=""))
    create_views(op.get_bind())


def downgrade() -> None:
    """Take it back."""
    drop_views(op.get_bind())
    op.drop_column("message", "sender_proof")
    create_views(op.get_bind())
