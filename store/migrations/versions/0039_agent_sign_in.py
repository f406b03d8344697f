"""Agents' mail addresses, their accounts at the sign-in provider, and the recovery codes of the second factor."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_HAS_EMAIL = sa.text("email <> ''")
_BOUND = sa.text("provider_subject <> ''")


def upgrade() -> None:
    """Add them, empty."""
    op.add_column("agent", sa.Column("email", sa.String(), nullable=False, server_default=""))
    op.add_column("agent", sa.Column("provider_subject", sa.String(), nullable=False, server_default=""))
    op.create_index(
        "ux_agent_email", "agent", ["email"], unique=True, postgresql_where=_HAS_EMAIL, sqlite_where=_HAS_EMAIL
    )
    op.create_index(
        "ux_agent_subject", "agent", ["provider_subject"], unique=True, postgresql_where=_BOUND, sqlite_where=_BOUND
    )
    op.create_table(
        "recovery_code",
        sa.Column("agent_id", sa.Uuid(), sa.ForeignKey("agent.id"), primary_key=True),
        sa.Column("code_hash", sa.String(), primary_key=True),
        sa.Column("made_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("recovery_code")
    op.drop_index("ux_agent_subject", "agent")
    op.drop_index("ux_agent_email", "agent")
    op.drop_column("agent", "provider_subject")
    op.drop_column("agent", "email")
