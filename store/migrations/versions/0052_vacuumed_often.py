"""PostgreSQL vacuums what is read from indexes alone more often; and an index that is the beginning of another goes.

An index tells by itself which rows all can see only where a page was vacuumed since its last change. By default that
comes when a fifth of a table is new or changed: until then each entry of a new row costs a look at the table.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None
# No process names an index, and `ix_conversation_contact_activity` answers the same questions.
CONTRACTS = "0038"

_TABLES = ("conversation", "search_term")
_SHARES = ("autovacuum_vacuum_scale_factor", "autovacuum_vacuum_insert_scale_factor")
_OFTEN = 0.05


def upgrade() -> None:
    """Set the shares, and remove the index."""
    op.drop_index("ix_conversation_contact_id", "conversation")
    _alter("SET", [f"{name} = {_OFTEN}" for name in _SHARES])


def downgrade() -> None:
    """Set PostgreSQL's own, and make the index."""
    _alter("RESET", _SHARES)
    op.create_index("ix_conversation_contact_id", "conversation", ["contact_id"])


def _alter(verb: str, settings: list[str] | tuple[str, ...]) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in _TABLES:
        op.get_bind().execute(sa.text(f"ALTER TABLE {table} {verb} ({', '.join(settings)})"))
