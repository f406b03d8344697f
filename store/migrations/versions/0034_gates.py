"""Files that are fetched after their message, changes of messages, further ids of ours, and contact points."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    """Add the tables of the gates, and what is known about changes of a message."""
    op.add_column("message", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("message", sa.Column("edited_at", UTCDateTime(), nullable=True))
    op.add_column("message", sa.Column("withdrawn_at", UTCDateTime(), nullable=True))
    op.create_table(
        "fetched_file",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("inbound_id", sa.Uuid(), sa.ForeignKey("inbound.id"), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("lease_until", UTCDateTime(), nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
    )
    op.create_index("ix_fetched_file_inbound_id", "fetched_file", ["inbound_id"])
    op.create_index("ix_fetched_file_due", "fetched_file", ["due_at"], postgresql_where=_WAITING, sqlite_where=_WAITING)
    op.create_table(
        "provider_id",
        sa.Column("channel", sa.String(), primary_key=True),
        sa.Column("provider_id", sa.String(), primary_key=True),
        sa.Column("outbound_id", sa.Uuid(), sa.ForeignKey("outbound.id"), nullable=False),
    )
    op.create_index("ix_provider_id_outbound_id", "provider_id", ["outbound_id"])
    op.create_table(
        "contact_point",
        sa.Column("contact_id", sa.Uuid(), sa.ForeignKey("contact.id"), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), primary_key=True),
        sa.Column("channel", sa.String(), primary_key=True),
        sa.Column("verified", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("said_at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_contact_point_value", "contact_point", ["value"])


def downgrade() -> None:
    """Take it back."""
    for table in ("contact_point", "provider_id", "fetched_file"):
        op.drop_table(table)
    for column in ("withdrawn_at", "edited_at", "revision"):
        op.drop_column("message", column)
