"""The public views as revisions 0001 to 0017 made them: `conversation.due_at` is younger than the first of these.

A migration that makes views keeps its own words, because `store.db.views` has those of today.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.views import drop_views

# SQLite's scalar min() is NULL as soon as one argument is; PostgreSQL's LEAST passes NULLs over.
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
       {due} AS due_at,
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
    """Create both views as before revision 0017, replacing others; the tables must be there."""
    earliest = _EARLIEST[connection.dialect.name]
    _create(connection, due=f"CASE WHEN c.status = 'resolved' THEN NULL ELSE {earliest} END")


def create_due_views(connection: Connection) -> None:
    """Create both views as revision 0017 made them: they read `conversation.due_at`."""
    if connection.dialect.name == "sqlite":
        _create(connection, due="c.due_at")
        return
    # PostgreSQL keeps who may read a view that is replaced.
    for view in (_CONVERSATIONS.format(due="c.due_at"), _MESSAGES):
        connection.execute(sa.text(view.replace("CREATE VIEW", "CREATE OR REPLACE VIEW")))


def _create(connection: Connection, *, due: str) -> None:
    drop_views(connection)
    connection.execute(sa.text(_CONVERSATIONS.format(due=due)))
    connection.execute(sa.text(_MESSAGES))
