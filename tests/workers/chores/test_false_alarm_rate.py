"""False alarms for each thousand messages: counted by verdicts; an event beyond the bound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from router.envelope import Party, PartyKind
from store.db.engine import Database
from store.desk.false_alarms import WINDOW, FalseAlarms, count_false_alarms
from store.tables.desk import DeskStateRow
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow
from tests.desk import TOML, Desk, envelope
from workers.chores.false_alarm_rate import FalseAlarmWatch
from workers.routing.danger_findings import EmergencyService


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path, toml=TOML + "\n[emergency]\nfalse_pages_per_thousand = 100\n")


def receive(desk: Desk, number: int, *, text: str) -> None:
    """Route messages of as many customers."""
    senders = [Party(PartyKind.EMAIL, f"{text[:3]}{each}@customer.example".lower()) for each in range(number)]
    desk.route(*(envelope(sender.handle, sender=sender, text=text) for sender in senders))


def release_all(desk: Desk) -> None:
    for row in desk.rows(ConversationRow):
        if row.emergency:
            with desk.database.write() as connection:
                EmergencyService(desk.settings).judge(connection, row.id, danger=False, by="Li Na")


def check(desk: Desk) -> list[str]:
    """Check the rate again and return the events so far."""
    desk.change(DeskStateRow, at=datetime(2026, 1, 1, tzinfo=UTC))
    FalseAlarmWatch(desk.database, desk.brain).once()
    return [kind for kind in desk.rows(EventRow, "kind") if kind == "emergency.false_pages"]


def counted(desk: Desk) -> FalseAlarms:
    now = datetime.now(UTC) + timedelta(minutes=1)
    with desk.database.read() as connection:
        return count_false_alarms(connection, since=now - WINDOW, until=now)


def test_the_rate_is_of_released_alarms_and_messages_of_customers(desk: Desk) -> None:
    receive(desk, 3, text="I was hacked")
    receive(desk, 7, text="A question")
    desk.route(envelope("old", text="An old question"), backfill=True)
    release_all(desk)

    found = counted(desk)

    assert (found.messages, found.called, found.released, found.unjudged) == (10, 3, 3, 0)
    assert found.per_thousand == 300.0


def test_the_event_is_written_once_and_again_after_the_bound_was_kept(desk: Desk) -> None:
    receive(desk, 3, text="I was hacked")
    receive(desk, 7, text="A question")
    assert check(desk) == []  # people were called, but no one has found it wrong
    release_all(desk)
    assert len(check(desk)) == 1
    assert len(check(desk)) == 1

    receive(desk, 30, text="More")
    check(desk)
    desk.change(EmergencyRow, confirmed=False)
    receive(desk, 3, text="was hacked")
    release_all(desk)
    assert len(check(desk)) == 2


@pytest.mark.parametrize(
    ("released", "messages", "exceeds"),
    [
        (2, 10, False),  # two are no rate
        (3, 300, True),
        (3, 600, False),  # as many as the bound allows
        (0, 0, False),
    ],
)
def test_the_bound_is_exceeded(released: int, messages: int, exceeds: bool) -> None:
    found = FalseAlarms(messages=messages, called=released, confirmed=0, released=released)
    assert found.exceeds(5) is exceeds


def test_what_an_agent_made_an_emergency_is_no_alarm_of_the_machine(desk: Desk) -> None:
    receive(desk, 3, text="I was hacked")
    desk.change(EmergencyRow, paged_by="Li Na", confirmed=False)

    assert counted(desk).called == 0
