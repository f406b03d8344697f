"""The conversation as its customer may read it: their messages and our answers, never notes or what is not sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, table_of
from store.tables.messages import AttachmentRow, Direction, MessageRow
from store.tables.operations import OutboundRow, OutboundState

_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class StoryFile:
    """A file of a message."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class StoryMessage:
    """One message, masked. is_ours: an agent wrote it.  author: the agent's name, or the customer's."""

    id: UUID
    is_ours: bool
    author: str
    text: str
    at: datetime
    files: Sequence[StoryFile] = ()


def read_story(connection: Connection, conversation_id: UUID, *, contact_id: UUID) -> list[StoryMessage]:
    """Return the newest messages, oldest first.

    contact_id: the customer; what others wrote in the case, a forged sender or a colleague in copy, is left out.
    """
    message, sent = table_of(MessageRow), table_of(OutboundRow)
    theirs = sa.and_(
        message.c.direction == Direction.INCOMING,
        message.c.contact_id == contact_id,
        message.c.sender_proof != "failed",
    )
    # A planned answer may still be withdrawn, and one that failed was never said. What a colleague sent by a mail
    # program has no row in the ledger.
    is_said = sa.or_(message.c.outbound_id.is_(None), sent.c.state == OutboundState.SENT)
    ours = sa.and_(message.c.direction == Direction.OUTGOING, is_said)
    columns = [message.c[name] for name in ("id", "direction", "sender_name", "text", "received_at")]
    query = (
        sa.select(*columns)
        .select_from(sa.outerjoin(message, sent, sent.c.id == message.c.outbound_id))
        .where(message.c.conversation_id == conversation_id, sa.or_(theirs, ours), message.c.duplicate_of.is_(None))
        .order_by(message.c.received_at.desc(), message.c.id.desc())
        .limit(_MOST)
    )
    rows = connection.execute(query).all()[::-1]
    files = _files(connection, [row.id for row in rows])
    return [
        StoryMessage(
            id=row.id,
            is_ours=row.direction == Direction.OUTGOING,
            author=row.sender_name,
            text=row.text,
            at=row.received_at,
            files=files.get(row.id, ()),
        )
        for row in rows
    ]


def _files(connection: Connection, messages: Sequence[UUID]) -> dict[UUID, list[StoryFile]]:
    table = table_of(AttachmentRow)
    query = sa.select(table.c.message_id, table.c.name, table.c.size).where(among(table.c.message_id, messages))
    found: dict[UUID, list[StoryFile]] = {}
    for row in connection.execute(query.order_by(table.c.id)):
        found.setdefault(row.message_id, []).append(StoryFile(row.name, row.size))
    return found
