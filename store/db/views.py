"""The two views: the public SQL interface for tools and BI; `docs/sql-views.md` describes their columns.

A column may only be added at the end; none is renamed, moved or dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

VIEWS: Final = ("inbox_conversations", "inbox_messages")

# One row per conversation. The handle is a scalar subquery, so a contact with two handles is still one row.
_CONVERSATIONS: Final = """
{create} inbox_conversations AS
SELECT c.id, c.reference, c.status, c.subject, c.channel, c.category, c.emergency, c.team, c.assignee, c.priority,
       c.labels, c.language, c.route, c.sla, c.contact_id, p.name AS contact_name,
       (SELECT i.handle FROM identity i WHERE i.contact_id = c.contact_id ORDER BY i.created_at, i.id LIMIT 1)
           AS contact_handle,
       c.opened_at, c.last_message_at, c.first_reply_due_at, c.next_reply_due_at, c.resolve_due_at,
       c.due_at, c.linked_to, c.version{later}
FROM conversation c JOIN contact p ON p.id = c.contact_id
"""

# One row per message. Original bytes and traces are left out: the API protects the first and explains the second.
_MESSAGES: Final = """
{create} inbox_messages AS
SELECT m.id, m.conversation_id, c.reference, m.contact_id, m.direction, m.channel, m.sender_handle, m.sender_name,
       m.subject, m.text, m.quoted, m.origin, m.rfc_message_id, m.sent_at, m.received_at,
       (SELECT count(*) FROM attachment a WHERE a.message_id = m.id) AS attachments{later}
FROM message m JOIN conversation c ON c.id = m.conversation_id
"""

# Columns that came after the views, in the order in which they came.
_LATER_OF_CONVERSATIONS: Final = ("possible_danger",)
_LATER_OF_MESSAGES: Final = ("sender_proof",)


def create_views(connection: Connection) -> None:
    """Create both views, replacing older ones; the tables must exist.

    Older migrations call this too: a column that a later one adds is shown from then on.
    """
    later = {
        _CONVERSATIONS: _later(connection, "conversation", alias="c", names=_LATER_OF_CONVERSATIONS),
        _MESSAGES: _later(connection, "message", alias="m", names=_LATER_OF_MESSAGES),
    }
    create = "CREATE OR REPLACE VIEW"
    if connection.dialect.name == "sqlite":
        create = "CREATE VIEW"
        drop_views(connection)
    # Replacing a view keeps its grants on PostgreSQL; dropping it would remove them.
    for view, columns in later.items():
        connection.execute(sa.text(view.format(create=create, later=columns)))


def _later(connection: Connection, table: str, *, alias: str, names: Sequence[str]) -> str:
    there = {column["name"] for column in sa.inspect(connection).get_columns(table)}
    return "".join(f", {alias}.{name}" for name in names if name in there)


def drop_views(connection: Connection) -> None:
    """Drop both views, if they exist: SQLite cannot alter a table under a view."""
    for view in reversed(VIEWS):
        connection.execute(sa.text(f"DROP VIEW IF EXISTS {view}"))
