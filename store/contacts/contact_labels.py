"""Read and change the labels of contacts."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import NotFound
from router.masking.mask import refuse_secrets
from store.db.bulk import among, among_bound, insert_new, table_of
from store.tables.case_records import ContactLabelRow
from store.tables.messages import IdentityRow


def labels_of(connection: Connection, contact_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """Return the labels of those contacts that have any."""
    if not contact_ids:
        return {}
    found: dict[UUID, set[str]] = {}
    for row in connection.execute(_labels(), {"contacts": contact_ids}):
        found.setdefault(row.contact_id, set()).add(row.label)
    return {contact_id: frozenset(labels) for contact_id, labels in found.items()}


@cache
def _labels() -> sa.Select[Any]:
    columns = table_of(ContactLabelRow).c
    return sa.select(columns.contact_id, columns.label).where(among_bound(columns.contact_id, "contacts"))


def label_contact(connection: Connection, *, handle: str, labels: Collection[str]) -> list[str]:
    """Add labels to the contact of a handle; return all its labels.

    Raises NotFound when no message came from that handle, PermanentError for a label with a secret.
    """
    refuse_secrets(labels, what="label")
    contact_ids = _contacts(connection, handle)
    rows = [{"contact_id": contact_id, "label": label} for contact_id in contact_ids for label in labels]
    insert_new(connection, ContactLabelRow, rows=rows)
    return _all_labels(connection, contact_ids)


def unlabel_contact(connection: Connection, *, handle: str, labels: Collection[str]) -> list[str]:
    """Remove labels from the contact; return the remaining ones. See `label_contact`."""
    contact_ids, table = _contacts(connection, handle), table_of(ContactLabelRow)
    theirs = (among(table.c.contact_id, contact_ids), among(table.c.label, labels))
    connection.execute(sa.delete(table).where(*theirs))
    return _all_labels(connection, contact_ids)


def _contacts(connection: Connection, handle: str) -> list[UUID]:
    # A handle may exist in several kinds: one person's number writes by SMS and by WhatsApp.
    columns = table_of(IdentityRow).c
    written = among(columns.handle, sorted({handle.strip(), handle.strip().lower()}))
    statement = sa.select(columns.contact_id).where(written).distinct()
    found = list(connection.execute(statement).scalars())
    if not found:
        raise NotFound(f"no message has come from {handle} yet")
    return found


def _all_labels(connection: Connection, contact_ids: Collection[UUID]) -> list[str]:
    columns = table_of(ContactLabelRow).c
    statement = sa.select(columns.label).where(among(columns.contact_id, contact_ids)).distinct()
    return sorted(connection.execute(statement).scalars())
