"""Leases: one owner at a time, taken over after their expiry, fenced by tokens."""

from __future__ import annotations

from datetime import timedelta

import pytest

from router.errors import LeaseLost
from store.db import leases
from store.db.engine import Database

LASTS = timedelta(seconds=15)


def take(database: Database, *, holder: str, lasts: timedelta = LASTS) -> object:
    with database.write() as connection:
        return leases.take_lease(connection, name="channel:mail", holder=holder, lasts=lasts)


def test_the_second_who_asks_must_wait(database: Database) -> None:
    assert take(database, holder="a")
    assert take(database, holder="b") is None


def test_a_lease_that_ended_is_taken_over_and_the_first_owner_is_fenced_off(database: Database) -> None:
    first = take(database, holder="a", lasts=timedelta(seconds=-1))
    assert take(database, holder="b")

    with pytest.raises(LeaseLost), database.write() as connection:
        leases.confirm_lease(connection, name="channel:mail", token=first)
    with pytest.raises(LeaseLost), database.write() as connection:
        leases.renew_lease(connection, name="channel:mail", token=first, lasts=LASTS)


def test_a_renewed_lease_stays(database: Database) -> None:
    token = take(database, holder="a")
    with database.write() as connection:
        leases.renew_lease(connection, name="channel:mail", token=token, lasts=LASTS)
        leases.confirm_lease(connection, name="channel:mail", token=token)

    assert take(database, holder="b") is None


def test_a_released_lease_is_free_at_once_and_only_its_owner_releases_it(database: Database) -> None:
    first = take(database, holder="a")
    with database.write() as connection:
        leases.release_lease(connection, name="channel:mail", token=first)
    second = take(database, holder="b")
    with database.write() as connection:
        leases.release_lease(connection, name="channel:mail", token=first)

    assert second
    assert take(database, holder="c") is None
