"""What a case becomes by the first message with a matter, after a greeting or a call for a person opened it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.remarks.our_question import is_question
from router.remarks.remark_kind import NO_QUESTION_YET
from store.db.bulk import among, among_bound, table_of
from store.tables.messages import ConversationRow, Direction, MessageRow
from store.tables.operations import REPLY, OutboundRow
from store.tables.outbound_state import LEFT


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstWords:
    """What the first words of a matter say. labels: of the route; they are added.  subject: empty leaves it.

    held_until: until the channel opens, if the route holds the case; None if not.
    """

    category: str | None
    language: str
    subject: str
    team: str
    priority: str
    route: str
    sla: str | None
    labels: tuple[str, ...]
    held_until: datetime | None = None


def settle_first_words(connection: Connection, words: Mapping[UUID, FirstWords]) -> None:
    """Give cases their category; those that no agent has got, their queue and promise too."""
    table = table_of(ConversationRow)
    for conversation_id, said in sorted(words.items()):
        statement = sa.select(table.c.labels, table.c.assignee, table.c.subject)
        row = connection.execute(statement.where(table.c.id == conversation_id).with_for_update()).one()
        kept = [label for label in row.labels if label != NO_QUESTION_YET]
        values: dict[str, Any] = {"category": said.category, "language": said.language}
        values |= {"labels": [*dict.fromkeys((*kept, *said.labels))], "subject": said.subject or row.subject}
        if row.assignee is None:
            values |= {"team": said.team, "priority": said.priority, "route": said.route, "sla": said.sla}
            held = {"status": Status.SNOOZED, "held_until": said.held_until}
            values |= held if said.held_until else {}
        connection.execute(sa.update(table).where(table.c.id == conversation_id).values(**values))


def add_labels(connection: Connection, labels: Mapping[UUID, str]) -> None:
    """Add one label each to conversations."""
    table = table_of(ConversationRow)
    for conversation_id, label in sorted(labels.items()):
        statement = sa.select(table.c.labels).where(table.c.id == conversation_id).with_for_update()
        known = connection.execute(statement).scalar_one()
        if label not in known:
            values = {"labels": [*known, label]}
            connection.execute(sa.update(table).where(table.c.id == conversation_id).values(**values))


def asked_last(connection: Connection, conversation_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of these conversations in which the last word of ours asks the customer something."""
    if not conversation_ids:
        return frozenset()
    found = connection.execute(_last_words(), {"ids": conversation_ids})
    return frozenset(row.conversation_id for row in found if is_question(row.text))


def answered_last(connection: Connection, conversation_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of these conversations whose last message is an agent's answer.

    Notes do not count, nor what has not left: a planned answer that was cancelled has reached no one.
    """
    if not conversation_ids:
        return frozenset()
    return frozenset(connection.execute(_last_sides(), {"ids": conversation_ids}).scalars())


@cache
def _last_sides() -> sa.Select[Any]:
    columns = table_of(MessageRow).c
    place = sa.func.row_number().over(
        partition_by=columns.conversation_id, order_by=(columns.received_at.desc(), columns.id.desc())
    )
    sent = table_of(OutboundRow).c
    left = sa.and_(sent.kind == REPLY, among(sent.state, [state.value for state in LEFT]))
    heard = sa.or_(columns.direction == Direction.INCOMING, columns.outbound_id.is_(None), left)
    said = (among_bound(columns.conversation_id, "ids"), columns.direction != Direction.NOTE, heard)
    found = sa.select(columns.conversation_id, columns.direction, place.label("place"))
    ranked = found.join(table_of(OutboundRow), sent.id == columns.outbound_id, isouter=True).where(*said).subquery()
    ours = (ranked.c.place == 1, ranked.c.direction == Direction.OUTGOING)
    return sa.select(ranked.c.conversation_id).where(*ours)


@cache
def _last_words() -> sa.Select[Any]:
    columns = table_of(MessageRow).c
    place = sa.func.row_number().over(
        partition_by=columns.conversation_id, order_by=(columns.received_at.desc(), columns.id.desc())
    )
    ours = (among_bound(columns.conversation_id, "ids"), columns.direction == Direction.OUTGOING)
    ranked = sa.select(columns.conversation_id, columns.text, place.label("place")).where(*ours).subquery()
    return sa.select(ranked.c.conversation_id, ranked.c.text).where(ranked.c.place == 1)
