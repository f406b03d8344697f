"""What customers and agents say of the automatic answers that were given."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import table_of
from store.events.append import EventKind, NewEvent, append_events
from store.outbound.given_answers import GivenAnswer
from store.tables.self_service import AnswerVerdict, AutoAnswerRow


def note_verdict(connection: Connection, given: GivenAnswer, *, verdict: AnswerVerdict, by: str, now: datetime) -> bool:
    """Write down what was said of an answer; return False if the same was said before. by: empty for the customer."""
    table = table_of(AutoAnswerRow)
    statement = sa.update(table).where(table.c.id == given.id, table.c.verdict != verdict)
    if not connection.execute(statement.values(verdict=verdict, verdict_at=now, verdict_by=by)).rowcount:
        return False
    payload = {"answer_id": str(given.id), "answer": given.answer, "verdict": str(verdict), "by": by}
    append_events(connection, [NewEvent(EventKind.ANSWER_JUDGED, given.conversation_id, payload, at=now)])
    return True
