"""The two views that are the public SQL contract for agents' tools and BI; `docs/sql-views.md` tells their columns.

Their columns only grow: one may be added at the end, none renamed, moved or dropped.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

VIEWS: Final = ("inbox_conversations", "inbox_messages")

# One row a conversation. The handle is a scalar subquery so that a contact with two handles stays one row.
_CONVERSATIONS: Final = """
{create} inbox_conversations AS
SELECT c.id, c.reference, c.status, c.subject, c.channel, c.category, c.emergency, c.team, c.assignee, c.priority,
       c.labels, c.language, c.route, c.sla, c.contact_id, p.name AS contact_name,
       (SELECT i.handle FROM identity i WHERE i.contact_id = c.contact_id ORDER BY i.created_at, i.id LIMIT 1)
           AS contact_handle,
       c.opened_at, c.last_message_at, c.first_reply_due_at, c.next_reply_due_at, c.resolve_due_at,
       c.due_at, c.linked_to, c.version, c.possible_danger
FROM conversation c JOIN contact p ON p.id = c.contact_id
"""

# One row a message. Original bytes and traces are left out: the API guards the first and explains the second.
_MESSAGES: Final = """
{create} inbox_messages AS
SELECT m.id, m.conversation_id, c.reference, m.contact_id, m.direction, m.channel, m.sender_handle, m.sender_name,
       m.subject, m.text, m.quoted, m.origin, m.rfc_message_id, m.sent_at, m.received_at,
       (SELECT count(*) FROM attachment a WHERE a.message_id = m.id) AS attachments
FROM message m JOIN conversation c ON c.id = m.conversation_id
"""


def create_views(connection: Connection) -> None:
    """Create both views, replacing older ones; the tables must be there."""
    create = "CREATE OR REPLACE VIEW"
    if connection.dialect.name == "sqlite":
        create = "CREATE VIEW"
        drop_views(connection)
    # PostgreSQL keeps who may read a view that is replaced; one that is dropped would take the grants with it.
    for view in (_CONVERSATIONS, _MESSAGES):
        connection.execute(sa.text(view.format(create=create)))


def drop_views(connection: Connection) -> None:
    """Drop both views, if they are there: SQLite cannot alter a table under a view."""
    for view in reversed(VIEWS):
        connection.execute(sa.text(f"DROP VIEW IF EXISTS {view}"))
