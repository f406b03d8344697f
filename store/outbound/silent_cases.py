"""The cases whose customer says nothing more: found by how long they wait, closed by the desk with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.remarks.remark_kind import NO_QUESTION_YET
from store.conversations.sla import change_status
from store.db.bulk import table_of
from store.db.sql_functions import json_holds
from store.events.append import EventKind
from store.tables.desk import PauseRow
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow, OutboundRow, OutboundState


class SilenceKind(StrEnum):
    """no_question: the customer has only greeted.  no_answer: our last word awaits theirs."""

    NO_QUESTION = "no_question"
    NO_ANSWER = "no_answer"


def is_any_silent(connection: Connection, kind: SilenceKind, *, before: datetime) -> bool:
    """Return whether a case has waited for its customer since `before`."""
    return connection.execute(_silent(kind, before=before).limit(1)).first() is not None


def take_silent(connection: Connection, kind: SilenceKind, *, before: datetime, limit: int) -> Sequence[UUID]:
    """Lock and return cases that have waited for their customer since `before`, the longest first.

    What others have locked is skipped.
    """
    table = table_of(ConversationRow)
    oldest = _silent(kind, before=before).order_by(table.c.last_message_at, table.c.id).limit(limit)
    return list(connection.execute(oldest.with_for_update(of=table, skip_locked=True)).scalars())


def _silent(kind: SilenceKind, *, before: datetime) -> sa.Select[Any]:
    """Return the query for them: none where someone may be in danger, nor where the customer may not have heard us."""
    table, pause, sent = table_of(ConversationRow), table_of(PauseRow), table_of(OutboundRow)
    greeted = json_holds(table.c.labels, sa.literal(NO_QUESTION_YET))
    # An agent may have set it to pending long after the last message.
    waits_since = (pause.c.conversation_id == table.c.id, pause.c.until.is_(None), pause.c.since > before)
    is_out = sent.c.state.in_((OutboundState.SENT, OutboundState.CANCELLED))
    on_the_way = (sent.c.conversation_id == table.c.id, sa.not_(is_out))
    return sa.select(table.c.id).where(
        table.c.status == Status.PENDING,
        table.c.last_message_at <= before,
        table.c.merged_into.is_(None),
        sa.not_(sa.or_(table.c.emergency, table.c.possible_danger)),
        greeted if kind is SilenceKind.NO_QUESTION else sa.not_(greeted),
        sa.not_(sa.select(pause.c.id).where(*waits_since).exists()),
        sa.not_(sa.select(sent.c.id).where(*on_the_way).exists()),
    )


def close_silent(connection: Connection, conversation_ids: Sequence[UUID], *, kind: SilenceKind, at: datetime) -> None:
    """Resolve cases, and say why in their events."""
    for conversation_id in conversation_ids:
        change_status(connection, conversation_id=conversation_id, status=Status.RESOLVED, at=at, why=kind)


def why_closed(connection: Connection, conversation_id: UUID) -> SilenceKind | None:
    """Return why the desk closed a resolved case by itself; None if a person did, or an older version."""
    table = table_of(EventRow)
    which = (table.c.conversation_id == conversation_id, table.c.kind == EventKind.CONVERSATION_STATUS_CHANGED)
    statement = sa.select(table.c.payload).where(*which).order_by(table.c.at.desc(), table.c.id.desc()).limit(1)
    payload = connection.execute(statement).scalar()
    said = str(payload.get("why", "")) if payload else ""
    return SilenceKind(said) if said in {*SilenceKind} else None
