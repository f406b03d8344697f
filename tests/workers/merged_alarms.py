"""Emergencies whose cases are merged, split and answered, and where their alarms are then. A plain module."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from store.conversations import merge as merging
from store.conversations.changes import Change, change, lock
from store.conversations.lists import Filter, list_conversations
from store.conversations.regroupings.undo import undo_regrouping
from store.db.bulk import table_of
from store.db.engine import read_clock
from store.db.ids import new_id
from store.outbound.replies import NewReply, add_reply, lock_answerable
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import EventRow, OutboundRow
from store.tables.outbound_state import OutboundState
from tests.desk import TOML, Desk, envelope
from workers.chores.unanswered_alarms import AlarmEscalator
from workers.routing.danger_findings import EmergencyService

ESCALATES = TOML + '\n[emergency]\nescalate_after = "10m"\nescalate_to = ["front-line"]\n'
# What every write moves is no part of what a case is.
MOVES = ("version", "watch_at", "alarmed_at", "due_at")
CALM = ("calm", "Refund please", "Please refund order 11.")
DANGER = ("danger", "Help", "I was hacked")
OTHER = ("other", "Help again", "My wallet was hacked yesterday evening")


def opened(desk: Desk, *mails: tuple[str, str, str]) -> list[UUID]:
    for key, subject, text in mails:
        desk.route(envelope(key, subject=subject, text=text))
    found = [home_of(desk, key) for key, _, _ in mails]
    assert len({*found}) == len(mails)
    return found


def home_of(desk: Desk, key: str) -> UUID:
    (home,) = [row.conversation_id for row in desk.rows(MessageRow) if row.rfc_message_id == f"{key}@customer.example"]
    return UUID(str(home))


def case(desk: Desk, conversation_id: UUID) -> Any:
    (row,) = [row for row in desk.rows(ConversationRow) if row.id == conversation_id]
    return row


def known(desk: Desk, *ids: UUID) -> list[dict[str, Any]]:
    rows = [case(desk, id_)._mapping for id_ in ids]
    return [{name: value for name, value in row.items() if name not in MOVES} for row in rows]


def alarms(desk: Desk) -> dict[UUID, Any]:
    return {row.conversation_id: row for row in desk.rows(EmergencyRow)}


def merge(desk: Desk, source: UUID, target: UUID) -> UUID:
    with desk.database.write() as connection:
        now = read_clock(connection)
        return merging.merge(connection, source_id=source, target_id=target, by="Ann", now=now)


def undo(desk: Desk, kept: UUID) -> None:
    with desk.database.write() as connection:
        undo_regrouping(connection, kept, by="Ann", now=read_clock(connection))


def split(desk: Desk, conversation_id: UUID, *keys: str) -> tuple[UUID, UUID]:
    named = {f"{key}@customer.example" for key in keys}
    ids = [row.id for row in desk.rows(MessageRow) if row.rfc_message_id in named]
    with desk.database.write() as connection:
        now = read_clock(connection)
        return merging.split(connection, conversation_id=conversation_id, message_ids=ids, by="Ann", now=now)


def judge(desk: Desk, conversation_id: UUID, *, danger: bool | None) -> None:
    with desk.database.write() as connection:
        EmergencyService(desk.settings).judge(connection, conversation_id, danger=danger, by="Bo")


def update(desk: Desk, model: Any, conversation_id: UUID, **values: object) -> None:
    table = table_of(model)
    column = table.c.id if model is ConversationRow else table.c.conversation_id
    with desk.database.write() as connection:
        connection.execute(sa.update(table).where(column == conversation_id).values(**values))


def wait(desk: Desk, *, minutes: int = 11) -> None:
    """Let the time pass that alarms may stay where they are."""
    desk.change(EmergencyRow, at=datetime.now(UTC) - timedelta(minutes=minutes), stepped_at=None)


def answer(desk: Desk, conversation_id: UUID) -> None:
    with desk.database.write() as connection:
        now = read_clock(connection)
        reply = NewReply(
            id=new_id(), dedupe_key=new_id().hex, author="Bo", sender="support@desk.example", subject="Re",
            text="We lock it.", masked="We lock it.", rfc_message_id=f"{new_id().hex}@desk.example", due_at=now,
        )  # fmt: skip
        add_reply(connection, lock_answerable(connection, conversation_id), reply=reply, now=now)
        table = table_of(OutboundRow)
        connection.execute(sa.update(table).where(table.c.id == reply.id).values(state=OutboundState.SENT))


def called(desk: Desk) -> list[UUID]:
    """Return the cases whose alarms go on to the next person now."""
    before = {row.id for row in desk.rows(EventRow)}
    AlarmEscalator(desk.database, desk.brain).once()
    news = [row for row in desk.rows(EventRow) if row.id not in before]
    return [row.conversation_id for row in news if row.kind == "emergency.escalated"]


def listed(desk: Desk) -> list[UUID]:
    with desk.database.read() as connection:
        return [row.id for row, _ in list_conversations(connection, Filter(emergency=True), limit=9)]


def changed(**wanted: object) -> Callable[[Desk, UUID], None]:
    def act(desk: Desk, conversation_id: UUID) -> None:
        with desk.database.write() as connection:
            known = lock(connection, conversation_id)
            change(connection, known, wanted=Change(**wanted), by="Bo", now=read_clock(connection))  # type: ignore[arg-type]

    return act
