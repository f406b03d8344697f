"""Partial indexes on the few conversations that have a label, or are emergencies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_conversation_labelled", ["status", "last_message_at", "id"], "labels <> '[]'"),
    ("ix_conversation_emergencies", ["status", "last_message_at", "id"], "emergency"),
)


def upgrade() -> None:
    """Add them."""
    for name, columns, where in _INDEXES:
        some = sa.text(where)
        op.create_index(name, "conversation", columns, postgresql_where=some, sqlite_where=some)


def downgrade() -> None:
    """Drop them."""
    for name, _, _ in _INDEXES:
        op.drop_index(name, "conversation")
