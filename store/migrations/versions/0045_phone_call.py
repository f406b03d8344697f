"""Calls to a hotline that a menu of ours answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0045"
down_revision = "0043"
branch_labels = None
depends_on = None

_DUE = sa.text("due_at IS NOT NULL")
_WISH = sa.text("wants_callback AND called_back_at IS NULL")
_FLAGS = ("danger", "wants_callback", "talked", "rejected", "backfill")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "phone_call",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("sid", sa.String(), nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("phase", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()) for name in _FLAGS),
        sa.Column("dial", sa.String(), nullable=False),
        sa.Column("recordings", sa.Text(), nullable=False),
        sa.Column("transcript", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("written", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.Column("called_back_at", UTCDateTime(), nullable=True),
        sa.Column("called_back_by", sa.String(), nullable=False),
        sa.UniqueConstraint("channel", "sid"),
    )
    op.create_index("ix_phone_call_caller", "phone_call", ["channel", "caller", "started_at"])
    op.create_index("ix_phone_call_due", "phone_call", ["due_at"], postgresql_where=_DUE, sqlite_where=_DUE)
    op.create_index("ix_phone_call_wish", "phone_call", ["started_at"], postgresql_where=_WISH, sqlite_where=_WISH)


def downgrade() -> None:
    """Take it back."""
    op.drop_table("phone_call")
