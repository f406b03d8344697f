"""Generated texts of a case: kept with what they were written from, so that a stale one is never shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.generated.resemblance import was_drafted
from store.db.bulk import among, columns_of, insert_rows, table_of
from store.db.engine import read_clock
from store.events.append import EventKind, NewEvent, append_events
from store.tables.generated import GeneratedTextRow
from store.tables.messages import ContactRow, ConversationRow, Direction, MessageRow

# Of one purpose in a case; older ones have no use.
_KEPT: Final = 20
_DRAFTS: Final = frozenset({"draft", "facts", "tone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedText:
    """A text that a model wrote. See `GeneratedTextRow`."""

    id: UUID
    conversation_id: UUID
    message_id: UUID | None = None
    purpose: str
    language: str
    basis: str
    text: str
    flaws: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    model: str
    prompt: str
    milliseconds: int = 0
    tokens: int | None = None
    by: str
    agent_id: UUID | None = None
    at: datetime


def keep_text(connection: Connection, text: GeneratedText) -> None:
    """Keep a text, delete those of its purpose that are far older, and note who asked for it."""
    row = {name: getattr(text, name) for name in GeneratedText.__dataclass_fields__}
    insert_rows(connection, GeneratedTextRow, rows=[row])
    table = table_of(GeneratedTextRow)
    theirs = (table.c.conversation_id == text.conversation_id, table.c.purpose == text.purpose)
    order = (table.c.at.desc(), table.c.id.desc())
    old = list(connection.execute(sa.select(table.c.id).where(*theirs).order_by(*order).offset(_KEPT)).scalars())
    if old:
        connection.execute(sa.delete(table).where(among(table.c.id, old)))
    append_events(connection, [NewEvent(EventKind.TEXT_GENERATED, text.conversation_id, _said(text), at=text.at)])


def _said(text: GeneratedText) -> Mapping[str, object]:
    outcome = "refused" if text.flaws else "shown"
    said = {"generated_id": str(text.id), "purpose": text.purpose, "model": text.model, "prompt": text.prompt}
    return {**said, "outcome": outcome, "flaws": ", ".join(text.flaws), "by": text.by}


def texts_in(connection: Connection, conversation_id: UUID) -> list[GeneratedText]:
    """Return the texts of a case, newest first."""
    table = table_of(GeneratedTextRow)
    statement = sa.select(*columns_of(GeneratedTextRow, GeneratedText)).where(
        table.c.conversation_id == conversation_id
    )
    rows = connection.execute(statement.order_by(table.c.at.desc(), table.c.id.desc())).mappings()
    return [GeneratedText(**row) for row in rows]


def newest_state(connection: Connection, conversation_id: UUID) -> str:
    """Return what changes with every message of a case, and with every edit of one."""
    table = table_of(MessageRow)
    own = table.c.conversation_id == conversation_id
    counted = connection.execute(
        sa.select(sa.func.count(), sa.func.max(table.c.received_at), sa.func.max(table.c.edited_at)).where(own)
    ).one()
    newest = sa.select(table.c.id).where(own).order_by(table.c.received_at.desc(), table.c.id.desc()).limit(1)
    return f"{counted[0]}/{connection.execute(newest).scalar_one_or_none()}/{counted[2] or ''}"


def names_in(connection: Connection, conversation_id: UUID) -> list[str]:
    """Return how the customer of a case calls themselves, in every spelling that it has."""
    case, contact, message = table_of(ConversationRow), table_of(ContactRow), table_of(MessageRow)
    known = sa.select(contact.c.name).join(case, case.c.contact_id == contact.c.id).where(case.c.id == conversation_id)
    theirs = (message.c.conversation_id == conversation_id, message.c.direction == Direction.INCOMING)
    signed = sa.select(message.c.sender_name).where(*theirs).distinct()
    found = [*connection.execute(known).scalars(), *connection.execute(signed).scalars()]
    return list(dict.fromkeys(filter(None, found)))


def note_if_drafted(connection: Connection, conversation_id: UUID, *, sent: str, message_id: UUID, by: str) -> None:
    """Note, for the audit trail, that an agent sends what a model had drafted. sent: the text; its author is the agent.

    Recognised by its words: a draft survives reloads, tabs and copying, and an agent's own words are not one.
    """
    drafts = [each for each in texts_in(connection, conversation_id) if each.purpose in _DRAFTS and each.text]
    used = next((each for each in drafts if was_drafted(sent, each.text)), None)
    if used is None:
        return
    said = {"generated_id": str(used.id), "purpose": used.purpose, "prompt": used.prompt, "drafted_by": used.model}
    payload = {**said, "message_id": str(message_id), "by": by}
    append_events(connection, [NewEvent(EventKind.TEXT_SENT, conversation_id, payload, at=read_clock(connection))])
