"""The case of a customer who greeted, and whom we could not ask what it is about: it does not wait for them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.remarks.remark_kind import NO_QUESTION_YET
from store.conversations.read import where_now
from store.conversations.sla import change_status
from store.db.bulk import table_of
from store.outbound.ledger import OutboundClaim
from store.outbound.limits import last_heard
from store.tables.messages import ConversationRow
from store.tables.operations import AUTO_REPLY


def open_unasked(connection: Connection, row: OutboundClaim) -> None:
    """Give such a case to the agents, with its clock, if the automatic reply that asks did not arrive."""
    if row.kind != AUTO_REPLY:
        return
    case = where_now(connection, [row.conversation_id]).get(row.conversation_id, row.conversation_id)
    table = table_of(ConversationRow)
    chosen = sa.select(table.c.status, table.c.labels, table.c.opened_at).where(table.c.id == case).with_for_update()
    found = connection.execute(chosen).one()
    if found.status != Status.PENDING or NO_QUESTION_YET not in found.labels:
        return
    heard_at = last_heard(connection, contact_id=row.contact_id, channel=row.channel) or found.opened_at
    clocks = (table.c.clock_started_at, table.c.waiting_since)
    values: dict[str, Any] = {column.name: sa.func.coalesce(column, heard_at) for column in clocks}
    connection.execute(sa.update(table).where(table.c.id == case).values(**values))
    change_status(connection, conversation_id=case, status=Status.OPEN, at=row.now)
