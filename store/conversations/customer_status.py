"""A case's state and times for a customer without a login: never any text of a message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.errors import NotFound
from router.origin.verdicts import OriginKind
from store.db.bulk import table_of
from store.tables.messages import ConversationRow, Direction, InboundRow, InboundState, MessageRow

# How many merges to follow from a case that was merged into another, which was merged again.
_MOST_MERGES: Final = 10


class Phase(StrEnum):
    """The state of a case, as customers see it."""

    RECEIVED = "received"
    WAITING = "waiting"
    IN_HAND = "in_hand"
    ANSWERED = "answered"
    ASLEEP = "asleep"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStatus:
    """One case. conversation_id: None before the message is routed.  held_until: when the desk opens."""

    phase: Phase
    conversation_id: UUID | None = None
    contact_id: UUID | None = None
    reference: str = ""
    channel: str = ""
    opened_at: datetime
    changed_at: datetime
    answers: int = 0
    held_until: datetime | None = None


def case_of_inbound(connection: Connection, inbound_id: UUID) -> CaseStatus:
    """Return the case that a message opened, joined or duplicated.

    Raises NotFound when there is no such message.
    """
    inbound, message = table_of(InboundRow), table_of(MessageRow)
    row = connection.execute(sa.select(inbound).where(inbound.c.id == inbound_id)).mappings().first()
    if row is None:
        raise NotFound("there is no message with that id")
    routed = row["duplicate_of"] if row["state"] == InboundState.DUPLICATE and row["duplicate_of"] else inbound_id
    statement = sa.select(message.c.conversation_id).where(message.c.inbound_id == routed)
    conversation_id: UUID | None = connection.execute(statement).scalar_one_or_none()
    if conversation_id is not None:
        return case_of(connection, conversation_id)
    return CaseStatus(phase=Phase.RECEIVED, opened_at=row["accepted_at"], changed_at=row["accepted_at"])


def case_of(connection: Connection, conversation_id: UUID, *, followed: int = 0) -> CaseStatus:
    """Return the case, or the one that it was merged into. followed: how many merges were followed already.

    Raises NotFound when there is no such conversation.
    """
    table, message = table_of(ConversationRow), table_of(MessageRow)
    row = connection.execute(sa.select(table).where(table.c.id == conversation_id)).mappings().first()
    if row is None:
        raise NotFound("there is no conversation with that id")
    if row["merged_into"] is not None and followed < _MOST_MERGES:
        return case_of(connection, row["merged_into"], followed=followed + 1)
    statement = sa.select(sa.func.count(), sa.func.max(message.c.received_at)).where(
        message.c.conversation_id == conversation_id,
        message.c.direction == Direction.OUTGOING,
        message.c.origin != OriginKind.AUTO_REPLIED,
    )
    count, answered_at = connection.execute(statement).one()
    return CaseStatus(
        phase=_phase(row),
        conversation_id=conversation_id,
        contact_id=row["contact_id"],
        reference=row["reference"],
        channel=row["channel"],
        opened_at=row["opened_at"],
        changed_at=max(filter(None, (row["last_message_at"], answered_at))),
        answers=count,
        held_until=row["held_until"],
    )


def _phase(row: sa.RowMapping) -> Phase:
    if row["status"] == Status.OPEN:
        return Phase.IN_HAND if row["assignee"] else Phase.WAITING
    phases = {Status.PENDING: Phase.ANSWERED, Status.SNOOZED: Phase.ASLEEP, Status.RESOLVED: Phase.CLOSED}
    return phases[Status(row["status"])]
