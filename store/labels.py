"""What agents call a contact, such as "vip"; routes may ask for it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import NotFound
from store.db.bulk import among, insert_new, table_of
from store.tables.desk import ContactLabel
from store.tables.messages import Identity


def label_contact(connection: Connection, *, handle: str, labels: Collection[str]) -> list[str]:
    """Give the contact behind a handle these labels; return all it has.

    Raises NotFound when nobody has written from that handle.
    """
    contact_ids = _contacts(connection, handle)
    rows = [{"contact_id": contact_id, "label": label} for contact_id in contact_ids for label in labels]
    insert_new(connection, ContactLabel, rows=rows)
    return _labels(connection, contact_ids)


def unlabel_contact(connection: Connection, *, handle: str, labels: Collection[str]) -> list[str]:
    """Take these labels from the contact; return those it keeps. See `label_contact`."""
    contact_ids, table = _contacts(connection, handle), table_of(ContactLabel)
    theirs = (among(table.c.contact_id, contact_ids), among(table.c.label, labels))
    connection.execute(sa.delete(table).where(*theirs))
    return _labels(connection, contact_ids)


def _contacts(connection: Connection, handle: str) -> list[UUID]:
    # One handle may exist in several kinds: a number writes by SMS and by WhatsApp, and is the same person's.
    columns = table_of(Identity).c
    known = sa.select(columns.contact_id).where(columns.handle == handle.strip().lower()).distinct()
    found = list(connection.execute(known).scalars())
    if not found:
        raise NotFound(f"nobody has written from {handle} yet")
    return found


def _labels(connection: Connection, contact_ids: Collection[UUID]) -> list[str]:
    columns = table_of(ContactLabel).c
    labels = sa.select(columns.label).where(among(columns.contact_id, contact_ids)).distinct()
    return sorted(connection.execute(labels).scalars())
