"""Columns: the second approval of an outgoing message, a conversation's own team, the id of a picture in its page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("attachment", sa.Column("content_id", sa.String(), nullable=False, server_default=""))
    op.add_column("conversation", sa.Column("home_team", sa.String(), nullable=True))
    only = sa.text("home_team IS NOT NULL")
    op.create_index(
        "ix_conversation_home_team", "conversation", ["home_team"], postgresql_where=only, sqlite_where=only
    )
    op.add_column("outbound", sa.Column("approved_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    """Take them back."""
    op.drop_index("ix_conversation_home_team", table_name="conversation")
    op.drop_column("conversation", "home_team")
    op.drop_column("attachment", "content_id")
    op.drop_column("outbound", "approved_at")
