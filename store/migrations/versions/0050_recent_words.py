"""PostgreSQL's index of words also says when a message came: the newest with a word are found without the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0048"
branch_labels = None
depends_on = None

# As in `store.conversations.search`: the first digits of an id are its time, in three days.
_EXPRESSION = "words || array_to_tsvector(ARRAY['@' || substr(CAST(message_id AS text), 1, 5)])"


def upgrade() -> None:
    """Make the index. The one before, `ix_search_entry_words`, stays.

    Processes of the release before search by it; the release after this one removes it (`CONTRACTS`).
    """
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().execute(
            sa.text(f"CREATE INDEX ix_search_entry_recent ON search_entry USING gin (({_EXPRESSION}))")
        )


def downgrade() -> None:
    """Remove the index."""
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().execute(sa.text("DROP INDEX ix_search_entry_recent"))
