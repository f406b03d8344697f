"""What agents found of alarms and of possible danger: customers' texts, as training data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import table_of
from store.tables.emergencies import DangerQuestionRow, EmergencyRow
from store.tables.messages import ConversationRow, MessageRow

# As for corrections: older verdicts add little to the newest of these.
_MOST: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedText:
    """A customer's text, masked, about which an agent said whether it reports a danger.

    danger: True for a confirmed alarm and for possible danger that an agent paged; False for a released alarm and for
    possible danger that an agent denied.  category: of the conversation now; None for off topic.
    """

    message_id: UUID
    subject: str
    text: str
    danger: bool
    category: str | None


def judged_texts(connection: Connection) -> list[JudgedText]:
    """Return each text with a verdict, the oldest verdict first. An alarm counts before the question that led to it."""
    alarm, question = table_of(EmergencyRow), table_of(DangerQuestionRow)
    verdicts = sa.union_all(
        sa.select(alarm.c.conversation_id, alarm.c.inbound_id, alarm.c.at, alarm.c.confirmed.label("danger")).where(
            alarm.c.confirmed.is_not(None)
        ),
        sa.select(question.c.conversation_id, question.c.inbound_id, question.c.at, question.c.answer).where(
            question.c.answer.is_not(None),
            ~sa.exists().where(alarm.c.inbound_id == question.c.inbound_id),
        ),
    ).subquery()
    return [JudgedText(**row) for row in reversed(connection.execute(_with_texts(verdicts)).mappings().all())]


def _with_texts(verdicts: sa.Subquery) -> sa.Select[tuple[object, ...]]:
    message, case = table_of(MessageRow), table_of(ConversationRow)
    return (
        sa.select(
            message.c.id.label("message_id"), message.c.subject, message.c.text, verdicts.c.danger, case.c.category
        )
        .join(message, message.c.inbound_id == verdicts.c.inbound_id)
        .join(case, case.c.id == verdicts.c.conversation_id)
        .order_by(verdicts.c.at.desc(), message.c.id.desc())
        .limit(_MOST)
    )
