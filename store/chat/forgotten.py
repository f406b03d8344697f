"""Delete chats that have been quiet for so long that their secrets have expired.

The case keeps its masked messages, as on every channel; the visitor's copy and the session are deleted.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.db.bulk import among, table_of
from store.tables.chat import ChatLineRow, ChatSessionRow
from store.tables.messages import ConversationRow

# Stands in place of a secret's hash; no hash begins so.
_NONE: Final = "none-"


def forget_chats(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete up to `limit` sessions of resolved cases, with their lines, unchanged since `before`; return how many.

    While a case is open, its session keeps name and mail, so that an answer still finds its visitor.
    """
    table, case = table_of(ChatSessionRow), table_of(ConversationRow)
    open_case = sa.select(case.c.id).where(case.c.id == table.c.conversation_id, case.c.status != Status.RESOLVED)
    old = sa.select(table.c.id).where(table.c.changed_at < before)
    over = old.where(~open_case.exists()).order_by(table.c.changed_at).limit(limit)
    ids = list(connection.execute(over).scalars())
    delete_sessions(connection, ids)
    waiting = old.where(open_case.exists(), ~table.c.secret_hash.startswith(_NONE)).limit(limit)
    for session_id in connection.execute(waiting).scalars().all():
        nothing = {"previous_hash": None, "previous_until": None, "address": "", "origin": "", "here_until": None}
        gone = {"secret_hash": f"{_NONE}{secrets.token_hex(16)}", **nothing}
        connection.execute(sa.update(table).where(table.c.id == session_id).values(**gone))
    return len(ids)


def delete_sessions(connection: Connection, ids: Collection[UUID]) -> None:
    """Delete sessions with their lines."""
    table, line = table_of(ChatSessionRow), table_of(ChatLineRow)
    if ids:
        connection.execute(sa.delete(line).where(among(line.c.session_id, ids)))
        connection.execute(sa.delete(table).where(among(table.c.id, ids)))
