"""The two views: the public SQL interface for tools and BI; `docs/sql-views.md` describes their columns.

A column may only be added at the end; none is renamed, moved or dropped.
"""

from __future__ import annotations

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
       c.due_at, c.linked_to, c.version
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

# Columns of messages that came after the view, in the order in which they came.
_LATER: Final = ("sender_proof",)


def create_views(connection: Connection) -> None:
    """Create both views, replacing older ones; the tables must exist.

    Older migrations call this too: a column that a later one adds is shown from then on.
    """
    columns = {column["name"] for column in sa.inspect(connection).get_columns("message")}
    later = "".join(f", m.{name}" for name in _LATER if name in columns)
    create = "CREATE OR REPLACE VIEW"
    if connection.dialect.name == "sqlite":
        create = "CREATE VIEW"
        drop_views(connection)
    # Replacing a view keeps its grants on PostgreSQL; dropping it would remove them.
    for view in (_CONVERSATIONS, _MESSAGES):
        connection.execute(sa.text(view.format(create=create, later=later)))


def drop_views(connection: Connection) -> None:
    """Drop both views, if they exist: SQLite cannot alter a table under a view."""
    for view in reversed(VIEWS):
        connection.execute(sa.text(f"DROP VIEW IF EXISTS {view}"))
