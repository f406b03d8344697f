"""What is held back is counted: automatic replies by the brake, and mail by the limits of a listener."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from router.reason import Reason, ReasonKey
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.desk.held_back import BrakeStatus, RefusedMail, note_refusals, read_brakes, read_refusals
from store.outbound.limits import trip
from store.tables.desk import RefusalRow
from store.tables.operations import AUTO_REPLY
from tests.inbox_builder import Builder

TOO_MANY = Reason(ReasonKey.CHANNEL_SENT_TOO_MANY, {"replies": 200}).line
RESTING = Reason(ReasonKey.REPLIES_REST, {"at": "2026-11-29T10:00"}).line


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"error": TOO_MANY}, 1),
        ({"error": RESTING}, 1),
        ({"error": Reason(ReasonKey.CUSTOMER_HAS_REPLIES, {"replies": 9}).line}, 1),
        # Only late, sent, or of an agent.
        ({"error": Reason(ReasonKey.REPLY_IS_LATE).line}, 0),
        ({"error": TOO_MANY, "state": "sent"}, 0),
        ({"error": TOO_MANY, "kind": "reply"}, 0),
    ],
)
def test_a_reply_that_the_brake_drops_is_held(database: Database, fields: dict[str, str], held: int) -> None:
    with database.write() as connection:
        build = Builder(connection)
        values = {"kind": AUTO_REPLY, "state": "cancelled", "channel": "mail", **fields}
        build.outbound(build.conversation(), **values)
    with database.read() as connection:
        assert sum(brake.held for brake in read_brakes(connection)) == held


def test_a_channel_that_rests_is_shown_until_the_rest_is_over(database: Database) -> None:
    with database.write() as connection:
        now = read_clock(connection)
        trip(connection, channel="mail", until=now + timedelta(hours=1))
        trip(connection, channel="sms", until=now - timedelta(hours=1))
    with database.read() as connection:
        assert read_brakes(connection) == (BrakeStatus(channel="mail", rests_until=now + timedelta(hours=1)),)


def test_refusals_of_a_listener_add_up_over_a_day_and_are_forgotten(database: Database) -> None:
    with database.write() as connection:
        note_refusals(connection, channel="mail", refused={"bytes": 2, "recipients": 1})
        note_refusals(connection, channel="mail", refused={"bytes": 40})
        table = table_of(RefusalRow)
        old = {"channel": "mail", "bound": "idle", "refused": 7}
        now = read_clock(connection)
        connection.execute(sa.insert(table), [old | {"hour": now - timedelta(days=days)} for days in (2, 9)])
        note_refusals(connection, channel="sms", refused={"bytes": 1})
    with database.read() as connection:
        assert read_refusals(connection) == (
            RefusedMail(channel="mail", bound="bytes", refused=42),
            RefusedMail(channel="mail", bound="recipients", refused=1),
            RefusedMail(channel="sms", bound="bytes", refused=1),
        )
        assert len(connection.execute(sa.select(table.c.hour).where(table.c.bound == "idle")).all()) == 1
