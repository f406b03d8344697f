"""Whether a customer is in danger: the question that a message raises, and the agent's answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import NotFound
from store.db.bulk import columns_of, insert_new, table_of
from store.db.engine import Rows
from store.tables.emergencies import DangerQuestionRow
from store.tables.messages import ConversationRow

# As the small index says it, by which the planners know its rows.
IS_POSSIBLE_DANGER: Final[Any] = sa.literal_column("conversation.possible_danger", sa.types.NullType())


@dataclass(frozen=True, slots=True, kw_only=True)
class DangerQuestion:
    """See `store.tables.emergencies.DangerQuestionRow`."""

    conversation_id: UUID
    inbound_id: UUID
    at: datetime
    evidence: dict[str, Any]
    paged: dict[str, Any]
    answer: bool | None
    by: str
    answered_at: datetime | None


def ask_about_danger(connection: Connection, rows: Rows) -> None:
    """Ask about conversations; what was answered before is asked again, because another message raises it."""
    table, case = table_of(DangerQuestionRow), table_of(ConversationRow)
    if not rows:
        return
    insert_new(connection, DangerQuestionRow, rows=rows)
    for row in rows:
        values = {name: value for name, value in row.items() if name != "conversation_id"}
        answered = (table.c.conversation_id == row["conversation_id"], table.c.answer.is_not(None))
        connection.execute(sa.update(table).where(*answered).values(**values, answer=None, by="", answered_at=None))
        calm = (case.c.id == row["conversation_id"], case.c.emergency.is_(False))
        connection.execute(sa.update(case).where(*calm).values(possible_danger=True))


def find_danger_question(connection: Connection, conversation_id: UUID) -> DangerQuestion:
    """Return the last question about a conversation, or about one that was merged into it; an open one first.

    Raises NotFound when there was none.
    """
    table, case = table_of(DangerQuestionRow), table_of(ConversationRow)
    # All that is merged is of one contact, by whom the cases are indexed.
    contact = sa.select(case.c.contact_id).where(case.c.id == conversation_id).scalar_subquery()
    theirs = sa.select(case.c.id).where(case.c.contact_id == contact)
    merged = theirs.where(case.c.merged_into == conversation_id).cte(recursive=True)
    # Without duplicates: a circle of merges, which an older version could create, ends.
    merged = merged.union(theirs.join(merged, case.c.merged_into == merged.c.id))
    about = sa.or_(table.c.conversation_id == conversation_id, table.c.conversation_id.in_(sa.select(merged.c.id)))
    statement = sa.select(*columns_of(DangerQuestionRow, DangerQuestion)).where(about)
    newest = statement.order_by(table.c.answer.is_(None).desc(), table.c.at.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    if row is None:
        raise NotFound("no message of this conversation raised the question of danger")
    return DangerQuestion(**row)


def answer_danger_question(
    connection: Connection, question: DangerQuestion, *, answer: bool | None, by: str, now: datetime
) -> None:
    """Write the answer down. answer: None takes it back."""
    table = table_of(DangerQuestionRow)
    values = {
        "answer": answer,
        "by": by if answer is not None else "",
        "answered_at": now if answer is not None else None,
    }
    one = table.c.conversation_id == question.conversation_id
    connection.execute(sa.update(table).where(one).values(**values))


def mark_possible_danger(connection: Connection, conversation_id: UUID, *, possible: bool) -> None:
    """Set whether an agent still has to answer."""
    case = table_of(ConversationRow)
    values = {"possible_danger": possible, "version": case.c.version + 1}
    connection.execute(sa.update(case).where(case.c.id == conversation_id).values(**values))
