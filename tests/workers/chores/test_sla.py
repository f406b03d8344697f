"""SLA times over a conversation's life: warned of, broken, paused, moved; each reported once, on both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from router.conversation_status import Status
from router.settings import read_settings
from store.conversations.changes import Change, change, lock
from store.conversations.sla import change_status, note_reply
from store.db.engine import Database
from store.tables.desk import PauseRow, SlaNoticeRow
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow
from tests.desk import TOML, Desk, envelope
from workers.chores.sla import SlaWatch

STANDARD = """
[sla.standard]
calendar = "office"
first_reply = "4h"
next_reply = "4h"
resolve = "2d"
"""
WATCHED = """
[sla.standard]
calendar = "always"
first_reply = "4h"
next_reply = "2h"
resolve = "2d"
warn_before = "30m"
on_warning = {{ labels = ["due-soon"] }}
on_breach = {{ priority = "high", team = "risk", labels = ["overdue"] }}
"""
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path, toml=TOML.replace(STANDARD.replace("{", "{{"), WATCHED))


def watch(desk: Desk) -> int:
    return SlaWatch(desk.database, desk.brain).once()


def opened(desk: Desk, *, ago: timedelta) -> Any:
    """Open a conversation that is `ago` old."""
    desk.route(envelope("1"))
    age(desk, ago)
    return only(desk)


def age(desk: Desk, ago: timedelta) -> None:
    started = now() - ago
    desk.change(ConversationRow, opened_at=started, clock_started_at=started, waiting_since=started, watch_at=started)


def only(desk: Desk) -> Any:
    (conversation,) = desk.rows(ConversationRow)
    return conversation


def now() -> datetime:
    return datetime.now(UTC)


def reported(desk: Desk) -> list[tuple[str, str]]:
    return sorted((row.promise, row.kind) for row in desk.rows(SlaNoticeRow))


def sla_events(desk: Desk) -> list[str]:
    return sorted(kind for kind in desk.rows(EventRow, "kind") if kind.startswith("sla."))


def test_nothing_is_updated_before_its_time(desk: Desk) -> None:
    opened(desk, ago=timedelta(minutes=1))
    watch(desk)  # the first pass of a worker computes everything again

    assert watch(desk) == 0
    assert reported(desk) == []


def test_a_promise_is_warned_of_before_it_is_broken(desk: Desk) -> None:
    opened(desk, ago=4 * HOUR - timedelta(minutes=20))
    watch(desk)

    assert reported(desk) == [("first_reply", "warning")]
    assert (only(desk).priority, only(desk).team) == ("normal", "front-line")
    assert only(desk).labels == ["due-soon"]
    assert only(desk).watch_at == only(desk).first_reply_due_at


def test_a_broken_promise_raises_priority_and_changes_the_team(desk: Desk) -> None:
    opened(desk, ago=5 * HOUR)
    desk.change(ConversationRow, assignee="Li Na")
    watch(desk)

    conversation = only(desk)
    assert reported(desk) == [("first_reply", "breach")]  # a breach makes its warning unnecessary
    assert (conversation.priority, conversation.team, conversation.labels) == ("high", "risk", ["overdue"])
    assert conversation.assignee is None
    assert sla_events(desk) == ["sla.breached"]
    assert "conversation.escalated" in desk.rows(EventRow, "kind")


def test_each_is_reported_once_however_often_it_is_checked(desk: Desk) -> None:
    opened(desk, ago=5 * HOUR)
    for _ in range(3):
        watch(desk)
        desk.change(ConversationRow, watch_at=now() - HOUR)

    assert sla_events(desk) == ["sla.breached"]
    assert only(desk).version == 2


def test_a_priority_is_never_lowered(desk: Desk) -> None:
    opened(desk, ago=5 * HOUR)
    desk.change(ConversationRow, priority="urgent")
    watch(desk)

    assert only(desk).priority == "urgent"


def test_an_answer_ends_the_first_promise_and_the_next_message_starts_another(desk: Desk) -> None:
    conversation = opened(desk, ago=HOUR)
    reply(desk, conversation)
    watch(desk)
    assert (only(desk).first_reply_due_at, only(desk).next_reply_due_at) == (None, None)

    desk.route(envelope("2", in_reply_to=("1@customer.example",)))
    received_at = now() - HOUR
    desk.change(ConversationRow, waiting_since=received_at)
    watch(desk)

    assert only(desk).first_reply_due_at is None
    assert abs(only(desk).next_reply_due_at - (received_at + 2 * HOUR)) < timedelta(seconds=1)


def test_a_late_answer_is_a_breach_even_without_a_check_in_between(desk: Desk) -> None:
    conversation = opened(desk, ago=5 * HOUR)
    desk.change(ConversationRow, first_reply_due_at=now() - HOUR)
    reply(desk, conversation)

    assert reported(desk) == [("first_reply", "breach")]
    assert sla_events(desk) == ["sla.breached"]


def test_the_clock_stops_while_we_wait_for_the_customer(desk: Desk) -> None:
    # Given a case whose clock was stopped for three of its five hours
    conversation = opened(desk, ago=5 * HOUR)
    status(desk, conversation, Status.PENDING, at=now() - 4 * HOUR)
    watch(desk)
    assert (only(desk).resolve_due_at, only(desk).watch_at, reported(desk)) == (None, None, [])

    # When the customer writes again
    desk.route(envelope("2", in_reply_to=("1@customer.example",)))
    desk.change(ConversationRow, waiting_since=now() - HOUR)
    watch(desk)

    # Then two hours of the SLA time are used
    (pause,) = desk.rows(PauseRow)
    assert abs(pause.until - (now() - HOUR)) < timedelta(minutes=1)
    assert abs(only(desk).first_reply_due_at - (now() + 2 * HOUR)) < timedelta(minutes=1)
    assert reported(desk) == []


def test_a_status_set_by_hand_stops_the_clock_too(desk: Desk) -> None:
    opened(desk, ago=HOUR)
    desk.change(ConversationRow, status="pending", watch_at=now() - HOUR)
    watch(desk)

    assert len(desk.rows(PauseRow)) == 1
    assert only(desk).first_reply_due_at is None


def test_a_resolved_case_has_no_due_times_and_reopens_with_its_clock(desk: Desk) -> None:
    conversation = opened(desk, ago=HOUR)
    status(desk, conversation, Status.RESOLVED, at=now())
    watch(desk)
    assert only(desk).resolve_due_at is None

    status(desk, only(desk), Status.OPEN, at=now())
    watch(desk)

    assert only(desk).resolve_due_at is not None


def test_a_customer_who_wrote_again_has_a_next_reply_due_when_the_case_is_reopened(desk: Desk) -> None:
    opened(desk, ago=HOUR)
    desk.change(ConversationRow, replied_at=now() - timedelta(minutes=50), waiting_since=now() - timedelta(minutes=30))
    watch(desk)
    due = only(desk).next_reply_due_at
    for each in (Status.RESOLVED, Status.OPEN):
        status(desk, only(desk), each, at=now())
        watch(desk)
    # The time in between does not count.
    assert due <= only(desk).next_reply_due_at <= due + timedelta(minutes=1)


def test_due_times_move_when_the_promise_or_the_calendar_changed(desk: Desk) -> None:
    conversation = opened(desk, ago=HOUR)
    watch(desk)
    assert watch(desk) == 0

    desk.use(read_settings(desk.text.replace('first_reply = "4h"', 'first_reply = "6h"')))
    watch(desk)

    moved = only(desk).first_reply_due_at - conversation.clock_started_at
    assert abs(moved - 6 * HOUR) < timedelta(seconds=1)
    assert watch(desk) == 0


def test_a_hold_ends_when_the_channel_opens(desk: Desk) -> None:
    desk.close()
    desk.route(envelope("1"))
    assert only(desk).status == "snoozed"
    watch(desk)
    assert only(desk).watch_at is not None

    desk.change(ConversationRow, held_until=now() - HOUR, watch_at=now() - HOUR)
    watch(desk)

    assert (only(desk).status, only(desk).held_until) == ("open", None)
    assert "conversation.released" in desk.rows(EventRow, "kind")


def test_a_snoozed_conversation_returns_at_its_time_or_when_its_customer_writes(desk: Desk) -> None:
    desk.route(envelope("1"))

    def snooze() -> None:
        with desk.database.write() as connection:
            wanted = Change(status=Status.SNOOZED, snoozed_until=now() + HOUR)
            change(connection, lock(connection, only(desk).id), wanted=wanted, by="Ann", now=now())

    snooze()
    watch(desk)
    assert (only(desk).status, only(desk).watch_at <= only(desk).held_until) == ("snoozed", True)
    desk.change(ConversationRow, held_until=now() - HOUR, watch_at=now() - HOUR)
    watch(desk)
    assert (only(desk).status, only(desk).held_until) == ("open", None)

    snooze()
    desk.route(envelope("2", in_reply_to=("1@customer.example",), text="Any news?"))
    assert only(desk).status == "open"
    watch(desk)
    assert only(desk).held_until is None


def test_old_mail_has_no_clock_until_its_sender_writes_again(desk: Desk) -> None:
    desk.route(envelope("1"), backfill=True)
    watch(desk)
    assert (only(desk).watch_at, only(desk).first_reply_due_at) == (None, None)

    desk.route(envelope("2", in_reply_to=("1@customer.example",)))
    watch(desk)

    assert only(desk).first_reply_due_at is not None


def test_two_workers_report_a_breach_once(desk: Desk) -> None:
    opened(desk, ago=5 * HOUR)
    watches = [SlaWatch(desk.database, desk.brain) for _ in range(4)]
    threads = [threading.Thread(target=each.once) for each in watches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sla_events(desk) == ["sla.breached"]


def reply(desk: Desk, conversation: Any) -> None:
    with desk.database.write() as connection:
        note_reply(connection, conversation_id=conversation.id, at=now())


def status(desk: Desk, conversation: Any, to: Status, *, at: datetime) -> None:
    with desk.database.write() as connection:
        change_status(connection, conversation_id=conversation.id, status=to, at=at)


def test_an_emergency_ends_a_hold_and_another_message_does_not(desk: Desk) -> None:
    desk.close()
    desk.route(envelope("1"))
    desk.route(envelope("2", text="and another thing", in_reply_to=("1@customer.example",)))
    assert only(desk).status == "snoozed"

    desk.route(envelope("3", text="my account was hacked", in_reply_to=("1@customer.example",)))

    assert (only(desk).status, only(desk).held_until, only(desk).team) == ("open", None, "risk")
