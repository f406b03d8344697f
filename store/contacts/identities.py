"""Find or create the contact of a handle, safely when two workers meet a new sender at the same time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, Final, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, among_bound, insert_new, insert_rows, table_of
from store.db.ids import new_id
from store.desk.names_index import index_people
from store.tables.messages import ContactRow, IdentityRow

# The kinds of a batch, mostly one.
_STATEMENTS: Final = 32


class Handle(NamedTuple):
    """The identity of a sender within one kind of channel. A tuple, because a batch of them is sorted and looked up."""

    kind: str
    handle: str


def propose_contacts(handles: Collection[Handle], *, known: Collection[Handle]) -> dict[Handle, UUID]:
    """Return an id for a new contact of each handle that is not known."""
    return {handle: new_id() for handle in sorted(handles) if handle not in known}


def lock_contacts(
    connection: Connection,
    *,
    senders: Mapping[Handle, str],
    now: datetime,
    proposed: Mapping[Handle, UUID] | None = None,
) -> dict[Handle, UUID]:
    """Return each sender's contact, creating new ones, and lock both until the transaction ends.

    senders: handle -> displayed name, used for a new contact.
    proposed: of `propose_contacts`; None: not asked for yet.
    Insert-or-ignore, then lock, both in the order of the handles, so that two workers do not deadlock. The contact too:
    a customer who writes by mail and by chat at once has two handles and one case.
    """
    ordered = sorted(senders)
    if proposed is None:
        proposed = propose_contacts(ordered, known=known_contacts(connection, ordered))
    fresh = [handle for handle in ordered if handle in proposed]
    # The contact comes first because an identity refers to it; unused ones are deleted below.
    _insert_contacts(connection, {proposed[handle]: senders[handle] for handle in fresh}, now=now)
    _insert_identities(connection, fresh, proposed=proposed, now=now)
    contacts = _select(connection, ordered, locked=True)
    _drop_contacts(connection, [proposed[handle] for handle in fresh if contacts.get(handle) != proposed[handle]])
    new = [handle for handle in fresh if contacts.get(handle) == proposed[handle]]
    index_people(connection, {proposed[handle]: (senders[handle], handle.handle) for handle in new})
    # Erased, or merged into another contact, since they were proposed to be known.
    gone = {handle: senders[handle] for handle in ordered if handle not in contacts}
    return contacts | (lock_contacts(connection, senders=gone, now=now) if gone else {})


def known_contacts(connection: Connection, handles: Collection[Handle]) -> dict[Handle, UUID]:
    """Return the contacts of those handles that have one; locks and creates none."""
    return _select(connection, sorted(handles), locked=False) if handles else {}


def _select(connection: Connection, handles: list[Handle], *, locked: bool) -> dict[Handle, UUID]:
    by_kind = groupby(handles, key=lambda handle: handle.kind)
    said = {kind: [handle.handle for handle in same] for kind, same in by_kind}
    # SQLite has one writer.
    locked = locked and connection.dialect.name == "postgresql"
    rows = connection.execute(_contacts_of(tuple(said), locked=locked), said)
    return {Handle(kind, handle): contact_id for kind, handle, contact_id in rows}


@lru_cache(maxsize=_STATEMENTS)
def _contacts_of(kinds: tuple[str, ...], *, locked: bool) -> sa.Select[Any]:
    """Return the query for the contacts of handles; those of each kind are bound under its name."""
    table = table_of(IdentityRow)
    # Each kind separately, because the index begins with it; otherwise all identities would be scanned.
    of_each_kind = [sa.and_(table.c.kind == sa.literal(kind), among_bound(table.c.handle, kind)) for kind in kinds]
    statement = sa.select(table.c.kind, table.c.handle, table.c.contact_id).where(sa.or_(*of_each_kind))
    statement = statement.order_by(table.c.kind, table.c.handle)
    if not locked:
        return statement
    # Rows that refer to a contact may still be written.
    return statement.join(table_of(ContactRow), table_of(ContactRow).c.id == table.c.contact_id).with_for_update(
        key_share=True
    )


def _insert_contacts(connection: Connection, names: Mapping[UUID, str], *, now: datetime) -> None:
    rows = [{"id": contact_id, "name": name, "created_at": now} for contact_id, name in names.items()]
    insert_rows(connection, ContactRow, rows=rows)


def _insert_identities(
    connection: Connection, handles: list[Handle], *, proposed: Mapping[Handle, UUID], now: datetime
) -> None:
    rows = [
        {
            "id": new_id(),
            "kind": handle.kind,
            "handle": handle.handle,
            "contact_id": proposed[handle],
            "created_at": now,
        }
        for handle in handles
    ]
    insert_new(connection, IdentityRow, rows=rows)


def _drop_contacts(connection: Connection, ids: list[UUID]) -> None:
    if ids:
        table = table_of(ContactRow)
        connection.execute(sa.delete(table).where(among(table.c.id, ids)))
