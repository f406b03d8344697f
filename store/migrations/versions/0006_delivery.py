"""Deliveries of events to webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_delivery_queue", ["target", "number"], "state = 'queued'"),
    ("ix_delivery_conversation", ["target", "conversation_id", "number"], "state = 'queued'"),
    ("ix_delivery_dead", ["id"], "state = 'dead'"),
)


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("tried_since", UTCDateTime(), nullable=True),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.UniqueConstraint("target", "number"),
    )
    for name, columns, where in _INDEXES:
        some = sa.text(where)
        op.create_index(name, "delivery", columns, postgresql_where=some, sqlite_where=some)


def downgrade() -> None:
    """Forget them."""
    op.drop_table("delivery")
