"""Blocked senders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0028"
down_revision = "0023"
branch_labels = None
depends_on = None

_BLOCKED = sa.text("blocked_at IS NOT NULL")


def upgrade() -> None:
    """Add the columns of a block."""
    op.add_column("contact", sa.Column("blocked_at", UTCDateTime()))
    op.add_column("contact", sa.Column("blocked_by", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_contact_blocked", "contact", ["id"], postgresql_where=_BLOCKED, sqlite_where=_BLOCKED)


def downgrade() -> None:
    """Take them back."""
    op.drop_index("ix_contact_blocked", "contact")
    op.drop_column("contact", "blocked_by")
    op.drop_column("contact", "blocked_at")
