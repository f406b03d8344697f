"""What agents write with: ready texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

from store.tables.messages import Json

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "ready_text",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("texts", Json, nullable=False),
        sa.Column("actions", Json, nullable=True),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("ready_text")
