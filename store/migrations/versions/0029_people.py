"""Absence, passwords and second factors of agents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_COLUMNS = ("away_from", "away_until", "password_hash", "password_at", "totp_secret", "totp_step")


def upgrade() -> None:
    """Add the columns."""
    op.add_column("agent", sa.Column("away_from", UTCDateTime()))
    op.add_column("agent", sa.Column("away_until", UTCDateTime()))
    op.add_column("agent", sa.Column("password_hash", sa.String(), nullable=False, server_default=""))
    op.add_column("agent", sa.Column("password_at", UTCDateTime()))
    op.add_column("agent", sa.Column("totp_secret", sa.Text(), nullable=False, server_default=""))
    op.add_column("agent", sa.Column("totp_step", sa.BigInteger()))


def downgrade() -> None:
    """Take them back."""
    for name in reversed(_COLUMNS):
        op.drop_column("agent", name)
