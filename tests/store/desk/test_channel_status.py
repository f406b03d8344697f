"""The numbers of `omniyard status`, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from router.errors import LeaseLost
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.leases import confirm_lease, take_lease
from store.desk.channel_status import DeskStatus, read_status
from store.inbound.accept import InboundMessage, accept, known_keys
from store.inbound.cursors import move_cursor, note_error, note_poll, read_position, reposition
from store.tables.messages import InboundRow, InboundState

_AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


def _accept(database: Database, *keys: str, channel: str = "mail") -> None:
    deliveries = [
        InboundMessage(
            source_key=key, envelope="{}", original=b"x", size=1, content_hash=key.encode().ljust(32), received_at=_AT
        )
        for key in keys
    ]
    with database.write() as connection:
        accept(connection, channel=channel, deliveries=deliveries, backfill=False)


def _set(database: Database, key: str, *, state: str) -> None:
    table = table_of(InboundRow)
    with database.write() as connection:
        connection.execute(sa.update(table).where(table.c.source_key == key).values(state=state))


def _status(database: Database, *channels: str) -> DeskStatus:
    with database.read() as connection:
        return read_status(connection, channels=channels)


def test_a_fresh_desk_is_balanced_and_shows_its_configured_channels(database: Database):
    status = _status(database, "mail", "sms")
    assert [channel.channel for channel in status.channels] == ["mail", "sms"]
    assert status.balanced
    assert status.outbound["unknown"] == 0


def test_accepted_messages_are_counted_by_channel_and_state(database: Database):
    _accept(database, "1", "2", "3")
    _accept(database, "1", channel="gone")
    _set(database, "2", state=InboundState.DUPLICATE)
    _set(database, "3", state=InboundState.QUARANTINED)
    mail, gone = _status(database, "mail").channels
    assert (mail.accepted, mail.received, mail.duplicate, mail.quarantined, mail.unbalanced) == (3, 1, 1, 1, 0)
    assert (gone.channel, gone.received) == ("gone", 1)
    assert mail.oldest_due_at is not None
    assert _status(database).now - mail.oldest_due_at < timedelta(minutes=1)


def test_a_state_that_does_not_exist_unbalances_the_books(database: Database):
    _accept(database, "1")
    _set(database, "1", state="lost")
    status = _status(database)
    assert not status.balanced
    assert status.channels[0].unbalanced == 1


def test_a_routed_row_without_its_message_is_a_stray(database: Database):
    _accept(database, "1")
    _set(database, "1", state=InboundState.ROUTED)
    status = _status(database)
    assert (status.strays, status.balanced) == (1, False)


def test_a_channel_shows_its_cursor_its_owner_and_its_last_error(database: Database):
    with database.write() as connection:
        take_lease(connection, name="channel:mail", holder="host:1", lasts=timedelta(seconds=30))
        move_cursor(connection, channel="mail", epoch="7", position="42", notice="")
        note_poll(connection, channel="mail", waiting=3, held=45)
        note_error(connection, channel="mail", error="refused")
    (mail,) = _status(database).channels
    assert (mail.epoch, mail.position, mail.owner) == ("7", "42", "host:1")
    assert (mail.waiting, mail.held, mail.error) == (3, 45, "refused")
    assert mail.polled_at is not None


def test_moving_a_cursor_takes_the_channel_from_its_owner(database: Database):
    with database.write() as connection:
        token = take_lease(connection, name="channel:mail", holder="host:1", lasts=timedelta(seconds=30))
        assert token is not None
        reposition(connection, channel="mail", epoch="7", position="1")
    with database.write() as connection, pytest.raises(LeaseLost):
        confirm_lease(connection, name="channel:mail", token=token)
    with database.write() as connection:
        assert take_lease(connection, name="channel:mail", holder="host:2", lasts=timedelta(seconds=30))
        assert read_position(connection, channel="mail") == ("7", "1")


def test_known_keys_are_those_of_the_same_channel(database: Database):
    _accept(database, "1", "2")
    with database.read() as connection:
        assert known_keys(connection, channel="mail", keys=["2", "3"]) == {"2"}
        assert known_keys(connection, channel="other", keys=["2"]) == set()
