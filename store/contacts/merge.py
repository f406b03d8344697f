"""Merge two contacts of one person: handles, conversations and messages move to one; undo separates them again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from router.errors import PermanentError
from store.contacts.profiles import refuse_gone
from store.conversations.undo_log import (
    NewRegrouping,
    RegroupingKind,
    StoredRegrouping,
    keep_regrouping,
    note_undone,
    snapshot,
)
from store.db.bulk import among, insert_new, table_of
from store.desk.names_index import reindex_people
from store.events.append import EventKind, NewEvent, append_events
from store.tables.case_records import ContactLabelRow
from store.tables.messages import ContactRow, ConversationRow, IdentityRow, MessageRow

_MOVING: Final[tuple[tuple[str, type[SQLModel]], ...]] = (
    ("handles", IdentityRow),
    ("conversations", ConversationRow),
    ("messages", MessageRow),
)


def merge_contacts(connection: Connection, *, source_id: UUID, target_id: UUID, by: str, now: datetime) -> UUID:
    """Merge a contact into another and return the id for undoing it.

    Raises PermanentError when both are the same, Conflict when either was merged or erased.
    """
    if source_id == target_id:
        raise PermanentError("expected two different contacts")
    hold_handles(connection, source_id, target_id)
    for side in sorted((source_id, target_id)):
        refuse_gone(connection, side)
    before = snapshot(connection, ContactRow, (source_id, target_id), ("merged_into",))
    moved: dict[str, object] = {
        name: _move(connection, model, source_id, target_id=target_id) for name, model in _MOVING
    }
    moved["labels"] = _share_labels(connection, source_id, target_id)
    table = table_of(ContactRow)
    connection.execute(sa.update(table).where(table.c.id == source_id).values(merged_into=target_id))
    reindex_people(connection, [source_id, target_id])
    action = NewRegrouping(kind=RegroupingKind.CONTACTS, source_id=source_id, target_id=target_id, by=by, at=now)
    after: Mapping[UUID, Mapping[str, object]] = {source_id: {"merged_into": target_id}}
    kept = keep_regrouping(connection, action, moved=moved, before=before, after=after)
    payload = {"from": str(source_id), "into": str(target_id), "by": by, "regrouping_id": str(kept)}
    append_events(connection, [NewEvent(EventKind.CONTACT_MERGED, None, payload, at=now)])
    return kept


def undo_merged_contacts(connection: Connection, kept: StoredRegrouping, *, by: str, now: datetime) -> None:
    """Undo a merge: rows move back, later rows stay with the contact where they arrived.

    Raises Conflict when it was undone already, or a later action has to be undone first.
    """
    source_id, target_id = kept.row.source_id, kept.row.target_id
    hold_handles(connection, source_id, target_id)
    note_undone(connection, kept, by=by, now=now)
    for name, model in _MOVING:
        table, ids = table_of(model), [UUID(each) for each in kept.moved[name]]
        theirs = sa.update(table).where(among(table.c.id, ids), table.c.contact_id == target_id)
        connection.execute(theirs.values(contact_id=source_id))
    label, contact = table_of(ContactLabelRow), table_of(ContactRow)
    shared = sa.delete(label).where(label.c.contact_id == target_id, among(label.c.label, kept.moved["labels"]))
    connection.execute(shared)
    connection.execute(sa.update(contact).where(contact.c.id == source_id).values(merged_into=None))
    reindex_people(connection, [source_id, target_id])
    payload = {"from": str(source_id), "into": str(target_id), "by": by, "regrouping_id": str(kept.row.id)}
    append_events(connection, [NewEvent(EventKind.CONTACT_PARTED, None, payload, at=now)])


def hold_handles(connection: Connection, *contact_ids: UUID) -> None:
    """Lock the handles of contacts in routing's order: no message arrives from them until the commit."""
    columns = table_of(IdentityRow).c
    statement = sa.select(columns.id).where(among(columns.contact_id, contact_ids))
    connection.execute(statement.order_by(columns.kind, columns.handle).with_for_update()).all()


def _move(connection: Connection, model: type[SQLModel], source_id: UUID, *, target_id: UUID) -> list[str]:
    table: Any = table_of(model)
    ids = list(connection.execute(sa.select(table.c.id).where(table.c.contact_id == source_id)).scalars())
    connection.execute(sa.update(table).where(among(table.c.id, ids)).values(contact_id=target_id))
    return [str(each) for each in ids]


def _share_labels(connection: Connection, source_id: UUID, target_id: UUID) -> list[str]:
    columns = table_of(ContactLabelRow).c
    statement = sa.select(columns.label)
    known = set(connection.execute(statement.where(columns.contact_id == target_id)).scalars())
    fresh = sorted(set(connection.execute(statement.where(columns.contact_id == source_id)).scalars()) - known)
    insert_new(connection, ContactLabelRow, rows=[{"contact_id": target_id, "label": label} for label in fresh])
    return fresh
