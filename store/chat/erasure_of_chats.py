"""Erase what visitors wrote in chats, and who they were."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, table_of
from store.db.engine import read_clock
from store.tables.chat import ChatLineRow, ChatSessionRow


def erase_chats(connection: Connection, cases: Collection[UUID]) -> None:
    """Empty the lines and the sessions of these conversations; no secret opens them any more."""
    table, line = table_of(ChatSessionRow), table_of(ChatLineRow)
    statement = sa.select(table.c.id).where(among(table.c.conversation_id, cases))
    for session_id in connection.execute(statement).scalars().all():
        nothing = dict.fromkeys(("name", "email", "address", "origin"), "")
        gone: dict[str, Any] = {
            "handle": f"erased-{session_id.hex}",
            "secret_hash": secrets.token_hex(32),
            "previous_hash": None,
        }
        # Open pages learn it at once.
        gone |= {"version": table.c.version + 1, "changed_at": read_clock(connection)}
        connection.execute(sa.update(table).where(table.c.id == session_id).values(**nothing, **gone))
        words = {"text": "", "files": [], "author": ""}
        connection.execute(sa.update(line).where(line.c.session_id == session_id).values(**words))
