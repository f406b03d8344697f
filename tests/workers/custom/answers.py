"""Answers of agents at a desk, and the lane that sends them. A plain module."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime

import sqlalchemy as sa

from connectors.registry import open_senders
from store.db.bulk import table_of
from store.outbound.replies import lock_answerable
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow
from tests.custom_desk import CustomDesk
from tests.outgoing_desk import AT_ONCE
from workers.sending.deliver import Deliverer, InFlight
from workers.sending.reply import ReplyRequest, ReplyService


def reply(desk: CustomDesk, text: str, *, to: str | None = "u-7") -> None:
    """Let an agent answer the user's case; None for all cases."""
    cases = dict(desk.rows(ConversationRow, "id", "contact_id"))
    with desk.database.write() as connection:
        for case in cases:
            locked = lock_answerable(connection, case)
            if to is None or locked.recipient == f"wallet:{to}":
                request = ReplyRequest(key=uuid.uuid4().hex, agent_id=uuid.UUID(int=1), author="ann", text=text)
                ReplyService(desk.settings, desk.database).reply(connection, locked, request)


def deliver_lane(desk: CustomDesk, lane: str) -> None:
    """Send what is due on one lane."""
    Deliverer(
        desk.database,
        desk.brain,
        lane=lane,
        senders=open_senders(desk.settings)[lane],
        in_flight=InFlight(),
        stopped=threading.Event(),
        pace=AT_ONCE,
    ).once()


def queue(desk: CustomDesk, *, kind: str, channel: str = "app", recipient: str = "wallet:u-7") -> None:
    case = desk.rows(ConversationRow, "id")[0]
    now = datetime.now(UTC)
    values = {"id": uuid.uuid4(), "dedupe_key": kind, "conversation_id": case, "kind": kind, "channel": channel}
    values |= {"recipient": recipient, "text": "automatic", "rfc_message_id": f"{kind}@y"}
    with desk.database.write() as connection:
        connection.execute(sa.insert(table_of(OutboundRow)), [values | {"created_at": now, "due_at": now}])
