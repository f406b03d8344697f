"""Remove duplicates: the index on emergencies, and the computation of a conversation's due time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.db.views import create_views
from store.migrations.first_views import create_first_views

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INDEX = "ix_conversation_emergency"


def upgrade() -> None:
    """Drop the second index, which equals `ix_conversation_emergencies`, and let the view read `due_at`."""
    op.drop_index(_INDEX, "conversation")
    create_views(op.get_bind())


def downgrade() -> None:
    """Restore both."""
    create_first_views(op.get_bind())
    op.create_index(
        _INDEX,
        "conversation",
        ["status", "last_message_at", "id"],
        postgresql_where=sa.text("emergency"),
        sqlite_where=sa.text("emergency = 1"),
    )
