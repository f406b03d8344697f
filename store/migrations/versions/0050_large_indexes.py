"""Indexes of large tables: what is urgent, chats that have not ended, and words with the time of their message.

By the last one the newest messages with a word are found without the others, on PostgreSQL.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.migrations.large_tables import add_index

revision = "0050"
down_revision = "0048"
branch_labels = None
depends_on = None

# As in `store.conversations.search_index.postgresql_candidates`: the first digits of an id are its time, in three days.
_EXPRESSION = "(words || array_to_tsvector(ARRAY['@' || substr(CAST(message_id AS text), 1, 5)]))"
# In kB: each search reads all that waits to be sorted into the index, and then 4 MB of it, PostgreSQL's default, would
# take longer than the index itself.
_FEW_WAIT = {"gin_pending_list_limit": 64}


def upgrade() -> None:
    """Make them. The index of words before, `ix_search_entry_words`, stays.

    Processes of the release before search by it; the release after this one removes it (`CONTRACTS`).
    """
    add_index(
        "ix_inbound_urgent",
        "inbound",
        ["due_at"],
        postgresql_where=sa.text("state = 'received' AND urgent"),
        sqlite_where=sa.text("state = 'received' AND urgent = 1"),
    )
    live = sa.text("ended_at IS NULL")
    add_index("ix_chat_session_live", "chat_session", ["conversation_id"], postgresql_where=live, sqlite_where=live)
    if op.get_bind().dialect.name == "postgresql":
        add_index(
            "ix_search_entry_recent",
            "search_entry",
            [sa.text(_EXPRESSION)],
            postgresql_using="gin",
            postgresql_with=_FEW_WAIT,
        )


def downgrade() -> None:
    """Remove them."""
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().execute(sa.text("DROP INDEX ix_search_entry_recent"))
    op.drop_index("ix_chat_session_live", "chat_session")
    op.drop_index("ix_inbound_urgent", "inbound")
