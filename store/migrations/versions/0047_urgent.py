"""Which waiting messages may be emergencies: they do not wait behind others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark, and an index of those that wait."""
    op.add_column("inbound", sa.Column("urgent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index(
        "ix_inbound_urgent",
        "inbound",
        ["due_at"],
        postgresql_where=sa.text("state = 'received' AND urgent"),
        sqlite_where=sa.text("state = 'received' AND urgent = 1"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_index("ix_inbound_urgent", "inbound")
    op.drop_column("inbound", "urgent")
