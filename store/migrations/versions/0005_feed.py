"""The order in which events were written, for the publisher's numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_UNNUMBERED = sa.text("number IS NULL")
# Until now only their ids had an order.
_IN_ORDER = (
    "UPDATE event SET seq = o.place FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM event) o"
    " WHERE event.id = o.id"
)


def upgrade() -> None:
    """Add the column and, on PostgreSQL, its sequence; SQLite's row ids have the same order."""
    op.drop_index("ix_event_unnumbered", "event")
    op.add_column("event", sa.Column("seq", sa.BigInteger(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE event_seq OWNED BY event.seq")
        op.execute(_IN_ORDER)
        op.execute("SELECT setval('event_seq', (SELECT count(*) + 1 FROM event))")
        op.execute("ALTER TABLE event ALTER COLUMN seq SET DEFAULT nextval('event_seq')")
    op.create_index("ix_event_unnumbered", "event", ["seq"], postgresql_where=_UNNUMBERED, sqlite_where=_UNNUMBERED)


def downgrade() -> None:
    """Remove the column."""
    op.drop_index("ix_event_unnumbered", "event")
    op.drop_column("event", "seq")
    op.create_index("ix_event_unnumbered", "event", ["id"], postgresql_where=_UNNUMBERED, sqlite_where=_UNNUMBERED)
