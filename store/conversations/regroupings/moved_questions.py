"""The questions of danger of cases that are split, and of merges and splits that are undone.

After a merge the target's question is found with its source: `store.conversations.danger_questions`.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import NotFound
from store.conversations.danger_questions import find_danger_question, mark_possible_danger
from store.db.bulk import among, table_of
from store.tables.emergencies import DangerQuestionRow
from store.tables.messages import ConversationRow, MessageRow


def split_question(connection: Connection, source_id: UUID, new_id: UUID, *, going: Collection[UUID]) -> None:
    """Let an open question go with the message that raised it. going: the messages that move."""
    try:
        question = find_danger_question(connection, source_id)
    except NotFound:
        return
    message = table_of(MessageRow).c
    raised = sa.select(message.id).where(message.inbound_id == question.inbound_id, among(message.id, going))
    if question.answer is not None or connection.execute(raised).first() is None:
        return
    table = table_of(DangerQuestionRow)
    one = table.c.conversation_id == question.conversation_id
    connection.execute(sa.update(table).where(one).values(conversation_id=new_id))
    mark_possible_danger(connection, new_id, possible=True)
    mark_possible_danger(connection, source_id, possible=False)


def settle_question(connection: Connection, conversation_id: UUID) -> None:
    """End the wait for an answer that was given while the case was merged or split."""
    case = table_of(ConversationRow).c
    marked = sa.select(case.id).where(case.id == conversation_id, case.possible_danger)
    if connection.execute(marked).first() is None:
        return
    try:
        is_answered = find_danger_question(connection, conversation_id).answer is not None
    except NotFound:
        return
    if is_answered:
        mark_possible_danger(connection, conversation_id, possible=False)
