"""What was kept twice is kept once: the index of emergencies, and how the due time of a conversation is computed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.migrations.first_views import create_due_views, create_first_views

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INDEX = "ix_conversation_emergency"


def upgrade() -> None:
    """Drop the second index, which is `ix_conversation_emergencies` again, and let the view read `due_at`."""
    op.drop_index(_INDEX, "conversation")
    create_due_views(op.get_bind())


def downgrade() -> None:
    """Take it back."""
    create_first_views(op.get_bind())
    op.create_index(
        _INDEX,
        "conversation",
        ["status", "last_message_at", "id"],
        postgresql_where=sa.text("emergency"),
        sqlite_where=sa.text("emergency = 1"),
    )
