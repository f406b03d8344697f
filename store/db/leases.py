"""Leases: one owner at a time for work of a single process; each owner has its own token (fencing)."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import LeaseLost
from store.db.bulk import table_of
from store.db.engine import insert_into, read_clock
from store.tables.operations import LeaseRow


def take_lease(connection: Connection, *, name: str, holder: str, lasts: timedelta) -> UUID | None:
    """Become the owner of `name` and return the token, or None while another process owns it.

    holder: the process, for people.  lasts: how long without a renewal until another process may take it.
    """
    now, token, table = read_clock(connection), uuid4(), table_of(LeaseRow)
    fresh = {"name": name, "token": token, "holder": holder, "until": now + lasts}
    statement = insert_into(connection, LeaseRow).values(fresh)
    statement = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"token": token, "holder": holder, "until": now + lasts},
        where=table.c.until <= now,
    )
    return connection.execute(statement.returning(table.c.token)).scalar_one_or_none()


def renew_lease(connection: Connection, *, name: str, token: UUID, lasts: timedelta) -> None:
    """Extend the lease by `lasts`.

    Raises LeaseLost when another process owns it now.
    """
    owned = {"b_name": name, "b_token": token, "b_until": read_clock(connection) + lasts}
    _must_hit(connection.execute(_renewing(), owned).rowcount, name=name)


def confirm_lease(connection: Connection, *, name: str, token: UUID) -> None:
    """Lock the lease's row until this transaction ends, so that the owner cannot change meanwhile.

    Raises LeaseLost when another process owns it now.
    """
    _must_hit(len(connection.execute(_confirming(), {"b_name": name, "b_token": token}).all()), name=name)


def release_lease(connection: Connection, *, name: str, token: UUID) -> None:
    """Release the lease, so that the next owner need not wait; does nothing if we no longer own it."""
    connection.execute(_renewing(), {"b_name": name, "b_token": token, "b_until": read_clock(connection)})


@cache
def _renewing() -> sa.Update:
    table = table_of(LeaseRow)
    return sa.update(table).where(*_owned()).values(until=sa.bindparam("b_until"))


@cache
def _confirming() -> sa.Select[Any]:
    return sa.select(table_of(LeaseRow).c.name).where(*_owned()).with_for_update()


def _owned() -> tuple[sa.ColumnElement[bool], ...]:
    columns = table_of(LeaseRow).c
    return (columns.name == sa.bindparam("b_name"), columns.token == sa.bindparam("b_token"))


def _must_hit(rows: int, *, name: str) -> None:
    if rows != 1:
        raise LeaseLost(f"the lease {name} belongs to another process now")
