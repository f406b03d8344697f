"""The public views of revisions 0001 to 0016: `conversation.due_at` did not exist in the first of these.

A migration that creates views has its own SQL, because `store.db.views` has the current one.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.views import drop_views

# SQLite's scalar min() is NULL if one argument is; PostgreSQL's LEAST ignores NULLs.
_EARLIEST: Final = {
    "postgresql": "LEAST(c.first_reply_due_at, c.next_reply_due_at, c.resolve_due_at)",
    "sqlite": (
        "NULLIF(MIN(COALESCE(c.first_reply_due_at, '~'), COALESCE(c.next_reply_due_at, '~'),"
        " COALESCE(c.resolve_due_at, '~')), '~')"
    ),
}
_CONVERSATIONS: Final = """
CREATE VIEW inbox_conversations AS
SELECT c.id, c.reference, c.status, c.subject, c.channel, c.category, c.emergency, c.team, c.assignee, c.priority,
       c.labels, c.language, c.route, c.sla, c.contact_id, p.name AS contact_name,
       (SELECT i.handle FROM identity i WHERE i.contact_id = c.contact_id ORDER BY i.created_at, i.id LIMIT 1)
           AS contact_handle,
       c.opened_at, c.last_message_at, c.first_reply_due_at, c.next_reply_due_at, c.resolve_due_at,
       CASE WHEN c.status = 'resolved' THEN NULL ELSE {earliest} END AS due_at,
       c.linked_to, c.version
FROM conversation c JOIN contact p ON p.id = c.contact_id
"""
_MESSAGES: Final = """
CREATE VIEW inbox_messages AS
SELECT m.id, m.conversation_id, c.reference, m.contact_id, m.direction, m.channel, m.sender_handle, m.sender_name,
       m.subject, m.text, m.quoted, m.origin, m.rfc_message_id, m.sent_at, m.received_at,
       (SELECT count(*) FROM attachment a WHERE a.message_id = m.id) AS attachments
FROM message m JOIN conversation c ON c.id = m.conversation_id
"""


def create_first_views(connection: Connection) -> None:
    """Create both views, replacing others; the tables must exist."""
    drop_views(connection)
    connection.execute(sa.text(_CONVERSATIONS.format(earliest=_EARLIEST[connection.dialect.name])))
    connection.execute(sa.text(_MESSAGES))
