"""What the ids in the audit trail stand for: the case, the customer, the agent or the file that a person knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.text.case_tokens import typed_reference
from store.db.bulk import among, table_of
from store.tables.agents import AgentRow, SavedViewRow
from store.tables.composer import AnswerFileRow, ReadyTextRow
from store.tables.messages import AttachmentRow, ContactRow, ConversationRow, InboundRow, MessageRow
from store.tables.operations import OutboundRow


class ThingKind(StrEnum):
    """What an id names. NAMED: a view, a ready text or a file of an answer."""

    CASE = "case"
    CONTACT = "contact"
    AGENT = "agent"
    MESSAGE = "message"
    OUTBOUND = "outbound"
    FILE = "file"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class AuditedThing:
    """A thing. name: of the thing; of a message, its channel.  reference: of the case that it belongs to, if any."""

    kind: ThingKind
    name: str
    reference: str = ""


def things_named(connection: Connection, ids: Collection[UUID]) -> dict[UUID, AuditedThing]:
    """Return what these ids stand for; what was deleted, or has no name, is left out."""
    found: dict[UUID, AuditedThing] = {}
    for kind, statement, column in _statements():
        wanted = [each for each in ids if each not in found]
        if not wanted:
            break
        for row in connection.execute(statement.where(among(column, wanted))):
            found[row.id] = AuditedThing(kind, row.name or "", row.reference or "")
    return found


def ids_called(connection: Connection, said: str) -> set[str]:
    """Return the ids of the case with this reference, in any form, or of the agent with this name."""
    case, agent = table_of(ConversationRow), table_of(AgentRow)
    statement = sa.union_all(
        sa.select(case.c.id).where(case.c.reference == typed_reference(said), case.c.reference != ""),
        sa.select(agent.c.id).where(agent.c.name == said),
    )
    return {str(each) for each in connection.execute(statement).scalars()}


def _statements() -> Iterator[tuple[ThingKind, sa.Select[Any], sa.ColumnElement[Any]]]:
    """Yield for each kind a query of id, name and reference, and the column of the id; the usual kinds first."""
    case, message, file = table_of(ConversationRow), table_of(MessageRow), table_of(AttachmentRow)
    inbound, outbound = table_of(InboundRow), table_of(OutboundRow)
    none = sa.literal("").label("reference")
    yield ThingKind.CASE, sa.select(case.c.id, case.c.reference.label("name"), case.c.reference), case.c.id
    for kind, table in ((ThingKind.CONTACT, table_of(ContactRow)), (ThingKind.AGENT, table_of(AgentRow))):
        yield kind, sa.select(table.c.id, table.c.name, none), table.c.id
    of_case = message.join(case, case.c.id == message.c.conversation_id)
    theirs = sa.select(message.c.id, message.c.channel.label("name"), case.c.reference).select_from(of_case)
    yield ThingKind.MESSAGE, theirs, message.c.id
    accepted = inbound.outerjoin(message, message.c.inbound_id == inbound.c.id)
    placed = accepted.outerjoin(case, case.c.id == message.c.conversation_id)
    came = sa.select(inbound.c.id, inbound.c.channel.label("name"), case.c.reference).select_from(placed)
    yield ThingKind.MESSAGE, came, inbound.c.id
    going = outbound.outerjoin(case, case.c.id == outbound.c.conversation_id)
    left = sa.select(outbound.c.id, outbound.c.channel.label("name"), case.c.reference).select_from(going)
    yield ThingKind.OUTBOUND, left, outbound.c.id
    attached = file.join(message, message.c.id == file.c.message_id).join(case, case.c.id == message.c.conversation_id)
    yield ThingKind.FILE, sa.select(file.c.id, file.c.name, case.c.reference).select_from(attached), file.c.id
    view, ready, sent = table_of(SavedViewRow), table_of(ReadyTextRow), table_of(AnswerFileRow)
    for table, called in ((view, view.c.name), (ready, ready.c.title), (sent, sent.c.name)):
        yield ThingKind.NAMED, sa.select(table.c.id, called.label("name"), none), table.c.id
