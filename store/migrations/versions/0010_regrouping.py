"""Merges and splits, so that they can be undone; notes about contacts, and erased contacts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import UTCDateTime

from store.db.views import drop_views
from store.migrations.first_views import create_first_views

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and the table."""
    json = sa.JSON().with_variant(JSONB(), "postgresql")
    # SQLite cannot alter a table under a view.
    drop_views(op.get_bind())
    op.add_column("conversation", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column("contact", sa.Column("note", sa.Text(), nullable=False, server_default=""))
    op.add_column("contact", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column("contact", sa.Column("erased_at", UTCDateTime(), nullable=True))
    create_first_views(op.get_bind())
    op.create_table(
        "regrouping",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("moved", json, nullable=False),
        sa.Column("before", json, nullable=False),
        sa.Column("after", json, nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("undone_at", UTCDateTime(), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
    )
    for column in ("source_id", "target_id"):
        op.create_index(f"ix_regrouping_{column}", "regrouping", [column])


def downgrade() -> None:
    """Remove what `upgrade` added."""
    op.drop_table("regrouping")
    drop_views(op.get_bind())
    op.drop_column("conversation", "merged_into")
    for name in ("erased_at", "merged_into", "note"):
        op.drop_column("contact", name)
    create_first_views(op.get_bind())
