"""What became of a visitor's line, for `explain`; and how many chats there are, for `status`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.hours.calendar import Calendar
from store.chat.chat_hours import waiting_now
from store.chat.queue import waiting_chats, waiting_in
from store.chat.slots import chats_by_agent
from store.db.bulk import among, table_of
from store.db.engine import read_clock
from store.tables.chat import ChatLineRow, ChatSessionRow, LineKind

_MOST: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLine:
    """A line in its chat. place: in the queue now.  answered_at, answered_by: of the next line of an agent.

    by_mail: that answer went out by mail, too.  ended_by: who ended the chat, if it is over.
    """

    seq: int
    place: int | None
    waiting_since: datetime | None
    answered_at: datetime | None
    answered_by: str
    by_mail: bool
    ended_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCounts:
    """waiting: visitors without a first answer.  longest_since: since when the first of them waits.

    open: chats that agents have.
    """

    waiting: int
    longest_since: datetime | None
    open: int


def count_chats(connection: Connection, *, hours: Callable[[], Mapping[str, Calendar]]) -> ChatCounts:
    """Count the chats of this moment.

    hours: returns those of the channels, and is called only if chats wait; what waits for the opening is not counted.
    """
    found = waiting_chats(connection, teams=None, limit=_MOST, urgent=True)
    waiting = waiting_now(found, hours=hours(), now=read_clock(connection)) if found else []
    longest = waiting[0].waiting_since if waiting else None
    return ChatCounts(waiting=len(waiting), longest_since=longest, open=sum(chats_by_agent(connection).values()))


def explained_lines(connection: Connection, inbound_ids: Collection[UUID]) -> dict[UUID, ExplainedLine]:
    """Return what became of the lines of these inbound rows; rows of other channels are left out."""
    line, session = table_of(ChatLineRow), table_of(ChatSessionRow)
    names = (session.c.channel, session.c.waiting_since, session.c.ended_by)
    found = sa.select(line.c.inbound_id, line.c.session_id, line.c.seq, *names)
    found = found.join(session, session.c.id == line.c.session_id).where(among(line.c.inbound_id, inbound_ids))
    explained: dict[UUID, ExplainedLine] = {}
    for row in connection.execute(found).all():
        following = sa.select(line.c.at, line.c.author, line.c.by_mail).where(
            line.c.session_id == row.session_id, line.c.seq > row.seq, line.c.kind == LineKind.AGENT
        )
        answer = connection.execute(following.order_by(line.c.seq).limit(1)).first()
        order = waiting_in(connection, row.channel)
        explained[row.inbound_id] = ExplainedLine(
            seq=row.seq,
            place=order.index(row.session_id) + 1 if row.session_id in order else None,
            waiting_since=row.waiting_since,
            answered_at=answer.at if answer else None,
            answered_by=answer.author if answer else "",
            by_mail=bool(answer and answer.by_mail),
            ended_by=row.ended_by,
        )
    return explained
