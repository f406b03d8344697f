"""Similar cases: conversations of other customers with the same text, for an agent to judge.

Different people write alike, so nothing is merged automatically. The search runs when an agent opens a conversation:
routing does not pay for it, and a suggestion is never outdated.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.threads.cross_channel import find_alike
from store.conversations.lists import IS_UNRESOLVED
from store.db.bulk import among_bound, table_of
from store.db.plain_rows import KnownRows, PlainStatement
from store.tables.messages import ConversationRow, MessageRow

# An older answer may be outdated.
_SINCE: Final = timedelta(days=90)
# The newest of a burst are enough.
_MOST: Final = 200


# How many open conversations of just before and just after it are compared, and how many characters of each.
_NEAREST: Final = 300
# How many of these texts are remembered.
_REMEMBERED: Final = 1_000
_LONGEST: Final = 4_000
# Texts are not compared when one is longer than the other by more than this factor.
_AS_LONG: Final = 1.5
# How far from its opening: equal texts of one day have one cause.
_AROUND: Final = timedelta(days=1)


class Similarity(StrEnum):
    """How sure the match is. EQUAL: the same normalised text.  NEAR: slightly different wording; the numbers agree."""

    EQUAL = "equal"
    NEAR = "near"


@dataclass(frozen=True, slots=True)
class _Opening:
    """The text that opened a conversation. text: masked."""

    contact_id: UUID
    opened_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Similar:
    """A conversation of another customer with the same text."""

    conversation_id: UUID
    sign: Similarity


def similar_to(
    connection: Connection,
    conversation_id: UUID,
    *,
    now: datetime,
    only_teams: Collection[str] | None = None,
    limit: int = 5,
) -> list[Similar]:
    """Return other customers' conversations with the same text: equal ones, then open ones that are nearly equal.

    only_teams: the teams that the reader may see; None means all.
    """
    equal = _equal(connection, conversation_id, now=now, only_teams=only_teams, limit=limit)
    found = [Similar(each, Similarity.EQUAL) for each in equal]
    if len(found) < limit:
        near = _near(connection, conversation_id, only_teams=only_teams)
        found += [Similar(each, Similarity.NEAR) for each in near if each not in equal]
    return found[:limit]


def _near(connection: Connection, conversation_id: UUID, *, only_teams: Collection[str] | None) -> list[UUID]:
    row = connection.execute(_opening(), {"conversation": conversation_id}).mappings().first()
    if row is None:
        return []
    ours = _Opening(**row)
    length = len(ours.text)
    values = {
        "contact": ours.contact_id,
        "at": ours.opened_at,
        "shortest": length / _AS_LONG,
        "longest": length * _AS_LONG,
        "only_teams": only_teams,
    }
    others: list[tuple[UUID, str]] = []
    for later in (False, True):
        around = {"since": ours.opened_at, "until": ours.opened_at + _AROUND}
        if not later:
            around = {"since": ours.opened_at - _AROUND, "until": ours.opened_at}
        statement = _openings(later=later, is_limited=only_teams is not None)
        others += _KNOWN_OPENINGS(connection, statement.rows(connection, values | around))
    return find_alike(ours.text, others)


def _identified(row: Sequence[Any]) -> tuple[UUID, str]:
    row_id, text = row
    return row_id, text


@cache
def _opening() -> sa.Select[Any]:
    case, message = table_of(ConversationRow).c, table_of(MessageRow).c
    opening = sa.select(case.contact_id, case.opened_at, sa.func.substr(message.text, 1, _LONGEST).label("text"))
    opening = opening.join_from(
        table_of(ConversationRow), table_of(MessageRow), message.inbound_id == case.opened_by_inbound
    )
    return opening.where(case.id == sa.bindparam("conversation"))


@cache
def _openings(*, later: bool, is_limited: bool) -> PlainStatement:
    """Return the query for the opening texts of other customers' open conversations, nearest in time first."""
    case, message = table_of(ConversationRow), table_of(MessageRow)
    at = case.c.opened_at
    # The limit comes before all other conditions but the index's own, so the cost does not depend on the size of the
    # desk; and around an old conversation hardly any other is still open.
    around = at.between(sa.bindparam("since"), sa.bindparam("until"))
    names = (case.c.id, case.c.contact_id, case.c.team, case.c.opened_by_inbound)
    nearest = sa.select(*names).where(around, IS_UNRESOLVED).order_by(at.asc() if later else at.desc())
    other = nearest.limit(_NEAREST).subquery().c
    statement = sa.select(other.id, message.c.text).join(message, message.c.inbound_id == other.opened_by_inbound)
    statement = statement.where(other.contact_id != sa.bindparam("contact"))
    length = sa.func.length(message.c.text)
    shortest, longest = (sa.bindparam(name, type_=sa.Float()) for name in ("shortest", "longest"))
    statement = statement.where(length.between(shortest, longest))
    return PlainStatement(statement.where(among_bound(other.team, "only_teams")) if is_limited else statement)


# Conversations that are opened one after the other have the same neighbours.
_KNOWN_OPENINGS: Final = KnownRows(
    [table_of(ConversationRow).c.id.type, table_of(MessageRow).c.text.type], _identified, most=_REMEMBERED
)


def _equal(
    connection: Connection, conversation_id: UUID, *, now: datetime, only_teams: Collection[str] | None, limit: int
) -> list[UUID]:
    values = {"conversation": conversation_id, "since": now - _SINCE, "only_teams": only_teams, "most": limit}
    is_sqlite = connection.dialect.name == "sqlite"
    statement = _echoing(is_limited=only_teams is not None, is_sqlite=is_sqlite)
    return list(connection.execute(statement, values).scalars())


@cache
def _echoing(*, is_limited: bool, is_sqlite: bool) -> sa.Select[Any]:
    newest, case = _newest_echoes(is_sqlite=is_sqlite), table_of(ConversationRow)
    statement = sa.select(case.c.id).where(case.c.id.in_(newest))
    if is_limited:
        statement = statement.where(among_bound(case.c.team, "only_teams"))
    ordered = statement.order_by(case.c.last_message_at.desc(), case.c.id)
    return ordered.limit(sa.bindparam("most", type_=sa.Integer()))


def _newest_echoes(*, is_sqlite: bool) -> sa.Select[Any]:
    """Return the query for the conversations of the newest messages with one of our texts."""
    said, theirs = table_of(MessageRow).c, table_of(MessageRow).alias("theirs")
    ours = sa.bindparam("conversation", type_=said.conversation_id.type)
    echoes = sa.select(said.echo).where(said.conversation_id == ours, said.echo != "").limit(_MOST)
    newest = (
        sa.select(theirs.c.conversation_id, theirs.c.received_at)
        .where(theirs.c.echo != sa.literal_column("''"), theirs.c.conversation_id != ours)
        .where(theirs.c.received_at >= sa.bindparam("since"))
        .order_by(theirs.c.received_at.desc())
        .limit(_MOST)
    )
    if is_sqlite:
        return sa.select(newest.where(theirs.c.echo.in_(echoes)).subquery().c.conversation_id)
    # PostgreSQL would read all messages with these texts and then sort; of one text, its index has the newest first.
    each = echoes.distinct().subquery("each")
    found = newest.where(theirs.c.echo == each.c.echo).lateral("found")
    of_all = sa.select(found.c.conversation_id).select_from(each.join(found, sa.true()))
    return sa.select(of_all.order_by(found.c.received_at.desc()).limit(_MOST).subquery().c.conversation_id)
