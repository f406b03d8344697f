"""Ways to ask that agents propose, questions for which nothing was found, and visitors' verdicts on answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict, NotFound
from store.db.bulk import columns_of, insert_rows, table_of
from store.db.ids import new_id
from store.events.append import EventKind, NewEvent, append_events
from store.tables.self_service import AnswerGapRow, HelpVerdictRow, PhrasingRow, PhrasingState


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrasing:
    """See `store.tables.self_service.PhrasingRow`."""

    id: UUID
    answer: str
    text: str
    state: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerGap:
    """A question for which nothing was found. See `store.tables.self_service.AnswerGapRow`."""

    place: str
    language: str
    text: str
    at: datetime


def propose_phrasing(
    connection: Connection, *, answer: str, text: str, by: str, conversation_id: UUID | None, now: datetime
) -> UUID:
    """Keep a way to ask until a person approves it; return its id. text: masked."""
    row = {
        "id": new_id(),
        "answer": answer,
        "text": text,
        "conversation_id": conversation_id,
        "state": PhrasingState.PROPOSED,
        "proposed_by": by,
        "proposed_at": now,
    }
    insert_rows(connection, PhrasingRow, rows=[row])
    payload = {"phrasing_id": str(row["id"]), "answer": answer, "state": PhrasingState.PROPOSED, "by": by}
    append_events(connection, [NewEvent(EventKind.ANSWER_PHRASING, conversation_id, payload, at=now)])
    return UUID(str(row["id"]))


def decide_phrasing(connection: Connection, phrasing_id: UUID, *, approve: bool, by: str, now: datetime) -> None:
    """Approve or reject a proposed way to ask.

    Raises NotFound for an unknown id, Conflict when it was decided before.
    """
    table = table_of(PhrasingRow)
    state = PhrasingState.APPROVED if approve else PhrasingState.REJECTED
    statement = sa.update(table).where(table.c.id == phrasing_id, table.c.state == PhrasingState.PROPOSED)
    if not connection.execute(statement.values(state=state, decided_by=by, decided_at=now)).rowcount:
        if connection.execute(sa.select(table.c.id).where(table.c.id == phrasing_id)).first() is None:
            raise NotFound("there is no phrasing with that id")
        raise Conflict("it was decided before")
    payload = {"phrasing_id": str(phrasing_id), "state": state, "by": by}
    append_events(connection, [NewEvent(EventKind.ANSWER_PHRASING, None, payload, at=now)])


def phrasings(connection: Connection, *, state: PhrasingState, limit: int) -> list[Phrasing]:
    """Return ways to ask in a state, oldest first."""
    table = table_of(PhrasingRow)
    statement = sa.select(*columns_of(PhrasingRow, Phrasing)).where(table.c.state == state)
    rows = connection.execute(statement.order_by(table.c.proposed_at, table.c.id).limit(limit)).mappings()
    return [Phrasing(**row) for row in rows]


def note_gap(
    connection: Connection, *, text: str, place: str, language: str, now: datetime, conversation_id: UUID | None = None
) -> None:
    """Keep a question for which nothing was found. text: masked."""
    row = {
        "id": new_id(),
        "conversation_id": conversation_id,
        "place": place,
        "language": language,
        "text": text,
        "at": now,
    }
    insert_rows(connection, AnswerGapRow, rows=[row])


def gaps(connection: Connection, *, since: datetime, limit: int) -> list[AnswerGap]:
    """Return the newest questions for which nothing was found."""
    table = table_of(AnswerGapRow)
    statement = sa.select(*columns_of(AnswerGapRow, AnswerGap)).where(table.c.at >= since)
    rows = connection.execute(statement.order_by(table.c.at.desc(), table.c.id.desc()).limit(limit)).mappings()
    return [AnswerGap(**row) for row in rows]


def judge_help(connection: Connection, *, answer: str, language: str, helpful: bool, now: datetime) -> None:
    """Count a visitor's verdict on an answer of the help centre."""
    row = {"id": new_id(), "answer": answer, "language": language, "helpful": helpful, "at": now}
    insert_rows(connection, HelpVerdictRow, rows=[row])


def help_verdicts(connection: Connection, *, since: datetime) -> dict[str, tuple[int, int]]:
    """Return by answer how many visitors it helped, and how many it did not."""
    table = table_of(HelpVerdictRow)
    yes = sa.func.sum(sa.case((table.c.helpful, 1), else_=0))
    statement = sa.select(table.c.answer, yes, sa.func.count()).where(table.c.at >= since).group_by(table.c.answer)
    return {answer: (int(helped), count - int(helped)) for answer, helped, count in connection.execute(statement)}
