"""How many visitors each agent talks to now, and which conversations have a visitor who is there.

A chat takes a place of its agent until it ends, its case is resolved, or its visitor has been gone for ten minutes:
then it is like a mail, and is answered by mail.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from store.chat.queue import KEEPS_PLACE, FirstAnswer, was_here
from store.db.bulk import among, among_bound, columns_of, table_of
from store.db.engine import read_clock
from store.tables.chat import ChatSessionRow
from store.tables.messages import ConversationRow

_MOST_WAITS: Final = 10_000


def chats_by_agent(connection: Connection) -> dict[str, int]:
    """Return how many visitors each agent talks to now; agents without one are left out."""
    rows = connection.execute(_counted(), {"since": read_clock(connection) - KEEPS_PLACE})
    return {row[0]: row[1] for row in rows}


@cache
def _counted() -> sa.Select[Any]:
    live = _live().subquery()
    counted = sa.select(live.c.assignee, sa.func.count()).where(live.c.assignee.is_not(None))
    return counted.group_by(live.c.assignee)


def live_cases(connection: Connection, cases: Collection[UUID]) -> set[UUID]:
    """Return which of these conversations have a visitor who is there, or was a moment ago."""
    if not cases:
        return set()
    values = {"since": read_clock(connection) - KEEPS_PLACE, "cases": cases}
    return set(connection.execute(_live_among(), values).scalars())


@cache
def _live_among() -> sa.Select[Any]:
    live = _live().subquery()
    return sa.select(live.c.case_id).where(among_bound(live.c.case_id, "cases"))


def answers_since(connection: Connection, since: datetime, *, teams: Collection[str] | None) -> list[FirstAnswer]:
    """Return the first answers that visitors got since then. teams: None means all."""
    table, case = table_of(ChatSessionRow), table_of(ConversationRow)
    statement = sa.select(*columns_of(ChatSessionRow, FirstAnswer)).join(case, case.c.id == table.c.conversation_id)
    statement = statement.where(table.c.answered_at >= since, table.c.asked_at.is_not(None))
    if teams is not None:
        statement = statement.where(among(case.c.team, teams))
    rows = connection.execute(statement.order_by(table.c.answered_at.desc()).limit(_MOST_WAITS)).mappings()
    return [FirstAnswer(**row) for row in rows]


def _live() -> sa.Select[Any]:
    """Return one row for each conversation with a visitor; a merged one counts as the one that it is part of.

    Since when a visitor was there is bound under the name "since".
    """
    table, case = table_of(ChatSessionRow), table_of(ConversationRow).alias("chat_case")
    own = table_of(ConversationRow)
    about = sa.func.coalesce(own.c.merged_into, own.c.id)
    found = sa.select(case.c.id.label("case_id"), case.c.assignee).distinct()
    found = found.select_from(table).join(own, own.c.id == table.c.conversation_id).join(case, case.c.id == about)
    here = was_here(sa.bindparam("since", type_=table.c.here_until.type))
    return found.where(table.c.ended_at.is_(None), here, case.c.status != Status.RESOLVED)
