from __future__ import annotations

import itertools
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.conversation_status import Status
from router.hours.from_settings import build_calendars
from router.routing.sla import Due, Pause, clock_rests, due_at, due_times
from router.settings import read_settings

SHANGHAI = ZoneInfo("Asia/Shanghai")

DESK = """
[omniyard]
timezone = "Asia/Shanghai"
[calendars.office]
week = { mon-fri = ["09:00-12:00", "13:00-18:00"] }
holidays = "CN"
[calendars.never]
[sla.normal]
calendar = "office"
first_reply = "4h"
next_reply = "2h"
resolve = "16h"
[sla.emergency]
calendar = "always"
first_reply = "15m"
resolve = "4h"
[sla.dead]
calendar = "never"
first_reply = "4h"
[teams.front-line]
[[routes]]
name = "all"
team = "front-line"
"""

DESK_SETTINGS = read_settings(DESK)
CALENDARS = build_calendars(DESK_SETTINGS)
OFFICE = CALENDARS["office"]


def at(text):
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("sla", "opened", "first_reply", "resolve"),
    [
        # Monday morning; Friday 17:59; in the night; on the eve of Spring Festival.
        ("normal", "03-02T09:00", "03-02T14:00", "03-03T18:00"),
        ("normal", "03-06T17:59", "03-09T13:59", "03-10T17:59"),
        ("normal", "03-03T03:00", "03-03T14:00", "03-04T18:00"),
        ("normal", "02-14T17:00", "02-24T12:00", "02-25T17:00"),
        # A make-up Saturday counts like any working day.
        ("normal", "02-13T16:00", "02-14T11:00", "02-24T16:00"),
        # An emergency runs on the clock of the wall, day and night.
        ("emergency", "02-17T03:00", "02-17T03:15", "02-17T07:00"),
        # A desk that never opens promises nothing.
        ("dead", "03-02T09:00", None, None),
    ],
)
def test_promises_count_open_time(sla, opened, first_reply, resolve):
    due = due_times(DESK_SETTINGS.sla[sla], calendars=CALENDARS, opened_at=at(opened))
    assert due == Due(
        first_reply=at(first_reply) if first_reply else None,
        resolve=at(resolve) if resolve else None,
    )


@pytest.mark.parametrize(
    ("pauses", "due"),
    [
        # Opened on Monday at 09:00, promised 8 open hours.
        ([], "03-02T18:00"),
        # Waited from 10:00 to 11:00; then over the night; then over the weekend.
        ([("03-02T10:00", "03-02T11:00")], "03-03T10:00"),
        ([("03-02T17:00", "03-03T10:00")], "03-03T11:00"),
        ([("03-02T17:00", "03-08T12:00")], "03-09T10:00"),
        # A pause outside the hours, or after the time was up, or before the start, changes nothing.
        ([("03-02T12:00", "03-02T13:00")], "03-02T18:00"),
        ([("03-02T18:00", None)], "03-02T18:00"),
        ([("03-01T10:00", "03-01T11:00")], "03-02T18:00"),
        # Overlapping, nested and unsorted pauses count once.
        ([("03-02T11:00", "03-02T14:00"), ("03-02T10:00", "03-02T12:00")], "03-03T12:00"),
        ([("03-02T10:00", "03-02T15:00"), ("03-02T11:00", "03-02T12:00")], "03-03T14:00"),
        # While we wait there is no due time.
        ([("03-02T10:00", None)], None),
        ([("03-02T10:00", "03-02T11:00"), ("03-02T16:00", None)], None),
        # Paused before it was opened, answered after.
        ([("03-01T10:00", "03-02T10:00")], "03-03T10:00"),
    ],
)
def test_the_clock_stands_still_while_we_wait(pauses, due):
    waited = [Pause(at(since), at(until) if until else None) for since, until in pauses]
    found = due_at(OFFICE, start=at("03-02T09:00"), promise=timedelta(hours=8), pauses=waited)
    assert found == (at(due) if due else None)


@pytest.mark.parametrize(
    ("status", "rests"),
    [
        (Status.OPEN, False),
        # It is the customer's turn.
        (Status.PENDING, True),
        # The customer does not know that an agent put it aside.
        (Status.SNOOZED, False),
        (Status.RESOLVED, True),
    ],
)
def test_the_clock_rests_while_it_is_the_customers_turn_and_after_the_end(status, rests):
    assert clock_rests(status) is rests


@pytest.mark.parametrize(
    ("replied", "waiting_since", "due"),
    [
        # No agent has answered: the first reply is due.
        (False, "03-02T09:00", Due(first_reply=at("03-02T14:00"), resolve=at("03-03T18:00"))),
        # Answered, and the customer has written again.
        (True, "03-02T17:00", Due(next_reply=at("03-03T10:00"), resolve=at("03-03T18:00"))),
        # Answered, and it is the customer's turn.
        (True, None, Due(resolve=at("03-03T18:00"))),
    ],
)
def test_which_answer_is_due(replied, waiting_since, due):
    found = due_times(
        DESK_SETTINGS.sla["normal"],
        calendars=CALENDARS,
        opened_at=at("03-02T09:00"),
        replied=replied,
        waiting_since=at(waiting_since) if waiting_since else None,
    )
    assert found == due


def test_a_due_time_moves_when_the_calendar_changes():
    closed = DESK.replace(
        "[calendars.never]",
        '[[calendars.office.dates]]\non = "2026-03-03"\nopen = []\nwhy = "power cut"\n[calendars.never]',
    )
    changed = read_settings(closed)
    due = due_times(changed.sla["normal"], calendars=build_calendars(changed), opened_at=at("03-02T09:00"))
    assert due.resolve == at("03-04T18:00")


hours_of_march = st.integers(0, 31 * 24 * 60).map(lambda minutes: at("03-01T00:00") + timedelta(minutes=minutes))
pauses_of_march = st.lists(
    st.tuples(hours_of_march, hours_of_march).map(lambda pair: Pause(min(pair), max(pair))), max_size=5
)


@settings(max_examples=100, deadline=None)
@given(hours_of_march, st.timedeltas(timedelta(minutes=1), timedelta(days=4)), pauses_of_march)
def test_outside_the_pauses_exactly_the_promise_has_passed(start, promise, pauses):
    due = due_at(OFFICE, start=start, promise=promise, pauses=pauses)
    edges = sorted(
        {start, due, *(edge for pause in pauses for edge in (pause.since, pause.until) if start <= edge <= due)}
    )
    outside = [
        OFFICE.elapsed(since, until)
        for since, until in itertools.pairwise(edges)
        if not any(pause.since <= since and until <= pause.until for pause in pauses)
    ]
    assert sum(outside, timedelta(0)) == promise
