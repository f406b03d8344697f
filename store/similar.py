"""Cases like this one: conversations of other customers in which the same was said."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.bulk import table_of
from store.models import Conversation, Message

# What was answered longer ago was perhaps answered otherwise.
_SINCE: Final = timedelta(days=90)
# A burst of thousands says nothing more than its newest.
_MOST: Final = 200


def similar_to(
    connection: Connection,
    conversation_id: UUID,
    *,
    now: datetime,
    only_teams: Collection[str] | None = None,
    limit: int = 5,
) -> set[UUID]:
    """Return the newest conversations of other customers that say in other hands what this one says.

    only_teams: those that the reader sees; None is all.
    """
    theirs, said, case = table_of(Message).alias("theirs"), table_of(Message), table_of(Conversation)
    echoes = sa.select(said.c.echo).where(said.c.conversation_id == conversation_id, said.c.echo != "").limit(_MOST)
    newest = (
        sa.select(theirs.c.conversation_id)
        .where(theirs.c.echo.in_(echoes), theirs.c.echo != sa.literal_column("''"))
        .where(theirs.c.received_at >= now - _SINCE, theirs.c.conversation_id != conversation_id)
        .order_by(theirs.c.received_at.desc())
        .limit(_MOST)
        .subquery()
    )
    statement = sa.select(case.c.id).where(case.c.id.in_(sa.select(newest.c.conversation_id)))
    if only_teams is not None:
        statement = statement.where(case.c.team.in_(list(only_teams)))
    ordered = statement.order_by(case.c.last_message_at.desc(), case.c.id).limit(limit)
    return set(connection.execute(ordered).scalars())
