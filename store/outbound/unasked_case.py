"""The case of a customer who greeted, and whom we could not ask what it is about: it does not wait for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.remarks.remark_kind import NO_QUESTION_YET
from store.conversations.read import where_now
from store.conversations.sla import change_status
from store.db.bulk import among, table_of
from store.outbound.ledger import OutboundClaim
from store.outbound.limits import last_heard
from store.tables.messages import ConversationRow
from store.tables.operations import AUTO_REPLY


def open_unasked(connection: Connection, rows: Sequence[OutboundClaim]) -> None:
    """Give such cases to the agents, with their clocks, if the automatic replies that ask did not arrive."""
    asking = [row for row in rows if row.kind == AUTO_REPLY]
    if not asking:
        return
    moved = where_now(connection, {row.conversation_id for row in asking})
    cases = {moved.get(row.conversation_id, row.conversation_id): row for row in asking}
    table = table_of(ConversationRow)
    statement = sa.select(table.c.id, table.c.labels, table.c.opened_at).where(
        among(table.c.id, cases), table.c.status == Status.PENDING
    )
    for found in connection.execute(statement.order_by(table.c.id).with_for_update()).all():
        if NO_QUESTION_YET in found.labels:
            _open(connection, cases[found.id], case=found.id, opened_at=found.opened_at)


def _open(connection: Connection, row: OutboundClaim, *, case: UUID, opened_at: datetime) -> None:
    table = table_of(ConversationRow)
    heard_at = last_heard(connection, contact_id=row.contact_id, channel=row.channel) or opened_at
    clocks = (table.c.clock_started_at, table.c.waiting_since)
    values: dict[str, Any] = {column.name: sa.func.coalesce(column, heard_at) for column in clocks}
    connection.execute(sa.update(table).where(table.c.id == case).values(**values))
    change_status(connection, conversation_id=case, status=Status.OPEN, at=row.now)
