"""Indexes of conversations: of those that are not resolved, and of each contact's by their activity.

The first has what the counts next to the list need, and those that were opened around a moment; the second when a
contact was last active, without a look at the rows.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.migrations.large_tables import add_index

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    waiting = sa.text("status <> 'resolved'")
    columns = ["opened_at", "team", "status", "assignee", "emergency", "due_at"]
    add_index("ix_conversation_waiting", "conversation", columns, postgresql_where=waiting, sqlite_where=waiting)
    add_index("ix_conversation_contact_activity", "conversation", ["contact_id", "last_message_at", "team"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_conversation_contact_activity", "conversation")
    op.drop_index("ix_conversation_waiting", "conversation")
