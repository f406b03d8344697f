"""Findings about several messages: emergencies, bursts of equal texts, and repeated messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SAID = sa.text("echo <> ''")


def upgrade() -> None:
    """Add the columns, their index and the tables."""
    op.add_column("message", sa.Column("echo", sa.String(), nullable=False, server_default=""))
    op.add_column("message", sa.Column("duplicate_of", sa.Uuid(), nullable=True))
    op.create_index("ix_message_echo", "message", ["echo", "received_at"], postgresql_where=_SAID, sqlite_where=_SAID)
    op.create_table(
        "emergency",
        sa.Column("conversation_id", sa.Uuid(), sa.ForeignKey("conversation.id"), primary_key=True),
        sa.Column("inbound_id", sa.Uuid(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("evidence", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
    )
    op.create_index("ix_emergency_at", "emergency", ["at"])
    op.create_table(
        "outage",
        sa.Column("echo", sa.String(), primary_key=True),
        sa.Column("first_at", UTCDateTime(), nullable=False),
        sa.Column("last_at", UTCDateTime(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
    )
    op.create_index("ix_outage_first_at", "outage", ["first_at"])


def downgrade() -> None:
    """Remove what `upgrade` added."""
    for table in ("outage", "emergency"):
        op.drop_table(table)
    op.drop_index("ix_message_echo", "message")
    for name in ("duplicate_of", "echo"):
        op.drop_column("message", name)
