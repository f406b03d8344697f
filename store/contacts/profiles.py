"""A contact's profile: handles, labels, a note, and their messages on all channels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import Conflict, NotFound
from router.masking.mask import mask, refuse_secrets
from store.conversations.handle_search import written_as
from store.conversations.read import Position, behind
from store.db.bulk import among, columns_of, insert_new, table_of
from store.desk.names_index import reindex_people
from store.events.append import EventKind, NewEvent, append_events
from store.tables.case_records import ContactLabelRow
from store.tables.gates import ContactPointRow
from store.tables.messages import AttachmentRow, ContactRow, ConversationRow, IdentityRow, MessageRow
from store.tables.operations import OutboundRow

_MISSING: Final = "there is no contact with that id or handle"
_MOST_EXPORTED: Final = 100_000


@dataclass(frozen=True, slots=True)
class KnownHandle:
    """One handle of a contact. kind: email, phone and so on."""

    kind: str
    handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A contact. conversations: their number, among those that the reader may see."""

    id: UUID
    name: str
    note: str
    created_at: datetime
    merged_into: UUID | None
    erased_at: datetime | None
    handles: tuple[KnownHandle, ...]
    labels: tuple[str, ...]
    conversations: int
    blocked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CardChange:
    """The wanted values; None leaves a field unchanged."""

    name: str | None = None
    note: str | None = None
    add_labels: tuple[str, ...] = ()
    remove_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactMessage:
    """One message of a contact's timeline, with its conversation."""

    id: UUID
    conversation_id: UUID
    reference: str
    team: str
    status: str
    direction: str
    channel: str
    sender_handle: str
    sender_name: str
    subject: str
    text: str
    received_at: datetime


def find_card(connection: Connection, key: UUID | str, *, only_teams: Collection[str] | None = None) -> Card:
    """Return the contact with this id or handle.

    only_teams: the teams that the reader may see; None means all.
    Raises NotFound when there is none, or when the reader may see none of their conversations.
    """
    contact_id = key if isinstance(key, UUID) else _of_handle(connection, key)
    table, identity = table_of(ContactRow), table_of(IdentityRow)
    row = connection.execute(sa.select(table).where(table.c.id == contact_id)).mappings().first()
    number = _conversations(connection, contact_id, only_teams=only_teams) if row else 0
    if row is None or (only_teams is not None and not number):
        raise NotFound(_MISSING)
    statement = sa.select(identity.c.kind, identity.c.handle).where(identity.c.contact_id == contact_id)
    handles = connection.execute(statement.order_by(identity.c.created_at, identity.c.id)).all()
    names = ("id", "name", "note", "created_at", "merged_into", "erased_at", "blocked_at")
    return Card(
        **{name: row[name] for name in names},
        handles=tuple(KnownHandle(each.kind, each.handle) for each in handles),
        labels=tuple(_labels(connection, contact_id)),
        conversations=number,
    )


def edit_contact(connection: Connection, contact_id: UUID, *, wanted: CardChange, by: str, now: datetime) -> None:
    """Change a contact's name, note and labels. Secrets in the name and the note are masked.

    Raises Conflict when the contact was merged into another or erased, PermanentError for a label with a secret.
    """
    refuse_gone(connection, contact_id)
    refuse_secrets(wanted.add_labels, what="label")
    table, label = table_of(ContactRow), table_of(ContactLabelRow)
    texts = (("name", wanted.name), ("note", wanted.note))
    values = {key: mask(value).text for key, value in texts if value is not None}
    if values:
        connection.execute(sa.update(table).where(table.c.id == contact_id).values(**values))
    if "name" in values:
        reindex_people(connection, [contact_id])
    insert_new(
        connection, ContactLabelRow, rows=[{"contact_id": contact_id, "label": each} for each in wanted.add_labels]
    )
    statement = sa.delete(label).where(label.c.contact_id == contact_id, among(label.c.label, wanted.remove_labels))
    connection.execute(statement)
    changed = sorted([*values, *(["labels"] if wanted.add_labels or wanted.remove_labels else [])])
    payload = {"contact_id": str(contact_id), "changed": changed, "by": by}
    append_events(connection, [NewEvent(EventKind.CONTACT_EDITED, None, payload, at=now)])


def refuse_gone(connection: Connection, contact_id: UUID) -> None:
    """Lock a contact. Raises Conflict when it was merged into another or erased."""
    table = table_of(ContactRow)
    statement = sa.select(table.c.merged_into, table.c.erased_at).where(table.c.id == contact_id)
    row = connection.execute(statement.with_for_update()).one()
    if row.merged_into is not None:
        raise Conflict(f"it was merged into the contact {row.merged_into}")
    if row.erased_at is not None:
        raise Conflict("it was erased")


def timeline(
    connection: Connection,
    contact_id: UUID,
    *,
    only_teams: Collection[str] | None = None,
    before: Position | None = None,
    limit: int,
) -> list[ContactMessage]:
    """Return up to `limit` messages of a contact's conversations on all channels, newest first."""
    message, conversation = table_of(MessageRow), table_of(ConversationRow)
    theirs = ("reference", "team", "status")
    own = columns_of(MessageRow, ContactMessage, but=theirs)
    statement = sa.select(*own, *(conversation.c[name] for name in theirs))
    statement = statement.join(conversation, conversation.c.id == message.c.conversation_id)
    statement = statement.where(message.c.contact_id == contact_id)
    if only_teams is not None:
        statement = statement.where(among(conversation.c.team, only_teams))
    if before is not None:
        statement = statement.where(behind(message.c.received_at, message.c.id, position=before))
    ordered = statement.order_by(message.c.received_at.desc(), message.c.id.desc()).limit(limit)
    return [ContactMessage(**row) for row in connection.execute(ordered).mappings()]


def everything_about(connection: Connection, contact_id: UUID) -> dict[str, list[dict[str, Any]]]:
    """Return all stored data of a contact, by table: secrets masked, without originals.

    An original is downloaded by its message's id.
    """
    found = {"contacts": _rows(connection, ContactRow, table_of(ContactRow).c.id == contact_id)}
    found["handles"] = _rows(connection, IdentityRow, table_of(IdentityRow).c.contact_id == contact_id)
    found["labels"] = _rows(connection, ContactLabelRow, table_of(ContactLabelRow).c.contact_id == contact_id)
    points = table_of(ContactPointRow).c.contact_id == contact_id
    found["contact_points"] = _rows(connection, ContactPointRow, points)
    of_theirs = table_of(ConversationRow).c.contact_id == contact_id
    found["conversations"] = _rows(connection, ConversationRow, of_theirs)
    cases = [row["id"] for row in found["conversations"]]
    found["messages"] = _rows(connection, MessageRow, among(table_of(MessageRow).c.conversation_id, cases))
    messages = [row["id"] for row in found["messages"]]
    found["attachments"] = _rows(connection, AttachmentRow, among(table_of(AttachmentRow).c.message_id, messages))
    found["outbound"] = _rows(connection, OutboundRow, among(table_of(OutboundRow).c.conversation_id, cases))
    return found


def _rows(connection: Connection, model: type[Any], condition: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
    table = table_of(model)
    key = list(table.primary_key.columns)
    statement = sa.select(table).where(condition).order_by(*key).limit(_MOST_EXPORTED)
    return [dict(row) for row in connection.execute(statement).mappings()]


def _of_handle(connection: Connection, handle: str) -> UUID:
    columns = table_of(IdentityRow).c
    # Of one number that writes by several channels, the oldest.
    statement = sa.select(columns.contact_id).where(written_as(columns, handle))
    found = connection.execute(statement.order_by(columns.created_at).limit(1)).scalar()
    if found is None:
        raise NotFound(_MISSING)
    return UUID(str(found))


def _conversations(connection: Connection, contact_id: UUID, *, only_teams: Collection[str] | None) -> int:
    columns = table_of(ConversationRow).c
    statement = sa.select(sa.func.count()).where(columns.contact_id == contact_id)
    if only_teams is not None:
        statement = statement.where(among(columns.team, only_teams))
    return int(connection.execute(statement).scalar_one())


def _labels(connection: Connection, contact_id: UUID) -> list[str]:
    columns = table_of(ContactLabelRow).c
    return list(
        connection.execute(
            sa.select(columns.label).where(columns.contact_id == contact_id).order_by(columns.label)
        ).scalars()
    )
