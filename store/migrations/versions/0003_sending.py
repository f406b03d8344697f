"""The state of outgoing messages, and stored answers for repeated requests."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_JSON: Final = sa.JSON().with_variant(JSONB(), "postgresql")
_NAMES: Final = (
    *("author", "copies", "ancestors", "template", "variables", "dated_at", "claimed_at"),
    *("unknown_at", "looks", "repeats", "provider_id", "sent_at", "delivery", "delivery_at"),
)
_MOMENTS: Final = ("dated_at", "claimed_at", "unknown_at", "sent_at", "delivery_at")
# Name, columns, condition, unique.
_INDEXES: Final = (
    (
        "ix_outbound_underway",
        ["conversation_id", "id"],
        "(state = 'sending' OR (state = 'queued' AND attempts > 0))",
        False,
    ),
    ("ix_outbound_sending", ["lease_until"], "state = 'sending'", False),
    ("ix_outbound_unknown", ["due_at"], "state = 'unknown'", False),
    ("ix_outbound_needs_person", ["id"], "state = 'needs_person'", False),
    ("ix_outbound_failed", ["id"], "state = 'failed'", False),
    ("ix_outbound_automatic_channel", ["channel", "dated_at"], "kind = 'auto_reply'", False),
    ("ix_outbound_automatic_customer", ["recipient", "dated_at"], "kind = 'auto_reply'", False),
    ("ix_outbound_provider", ["channel", "provider_id"], "provider_id IS NOT NULL", True),
)


def upgrade() -> None:
    """Add the columns, their indexes and the table of answers."""
    _add_columns()
    for name, columns, where, unique in _INDEXES:
        some = sa.text(where)
        op.create_index(name, "outbound", columns, unique=unique, postgresql_where=some, sqlite_where=some)
    op.create_index("ix_outbound_rfc_message_id", "outbound", ["rfc_message_id"])
    # A backlog is read from the front, channel by channel, without sorting.
    op.drop_index("ix_outbound_due", "outbound")
    _create_due(["channel", "due_at", "id"])
    op.create_table(
        "idempotency",
        sa.Column("agent_id", sa.Uuid(), primary_key=True),
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
    )


def _add_columns() -> None:
    for name in _MOMENTS:
        op.add_column("outbound", sa.Column(name, UTCDateTime(), nullable=True))
    for name in ("template", "provider_id"):
        op.add_column("outbound", sa.Column(name, sa.String(), nullable=True))
    for name in ("copies", "ancestors", "variables"):
        op.add_column("outbound", sa.Column(name, _JSON, nullable=True))
    for name in ("looks", "repeats"):
        op.add_column("outbound", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    for name in ("author", "delivery"):
        op.add_column("outbound", sa.Column(name, sa.String(), nullable=False, server_default=""))


def _create_due(columns: list[str]) -> None:
    queued = sa.text("state = 'queued'")
    op.create_index("ix_outbound_due", "outbound", columns, postgresql_where=queued, sqlite_where=queued)


def downgrade() -> None:
    """Remove what `upgrade` added."""
    op.drop_index("ix_outbound_due", "outbound")
    _create_due(["due_at"])
    op.drop_table("idempotency")
    op.drop_index("ix_outbound_rfc_message_id", "outbound")
    for name, *_ in _INDEXES:
        op.drop_index(name, "outbound")
    for name in _NAMES:
        op.drop_column("outbound", name)
