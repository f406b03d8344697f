"""Statements for many values: pairs are looked up as pairs, the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from store.contacts.identities import Handle, lock_contacts
from store.db.bulk import pair_among_bound, table_of
from store.db.engine import Database
from store.tables.messages import IdentityRow

_NOW: Final = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
# What a pattern, a place for a value or JSON would take for its own.
_NAMES: Final = ("ann", "100%s", 'b"o', "李")


def test_a_pair_finds_its_row_and_not_one_of_another_pair(database: Database) -> None:
    handles = [Handle("email", name) for name in _NAMES]
    with database.write() as connection:
        contacts = lock_contacts(connection, senders=dict.fromkeys(handles, ""), now=_NOW)
    ids = [contacts[handle] for handle in handles]
    columns = table_of(IdentityRow).c
    statement = sa.select(columns.handle).where(pair_among_bound((columns.contact_id, columns.handle), "pairs"))

    with database.read() as connection:
        own = connection.execute(statement, {"pairs": {*zip(ids, _NAMES, strict=True)}}).scalars().all()
        crossed = connection.execute(statement, {"pairs": [*zip(ids, _NAMES[::-1], strict=True)]}).scalars().all()
        none = connection.execute(statement, {"pairs": ()}).scalars().all()

    assert sorted(own) == sorted(_NAMES)
    assert crossed == none == []
