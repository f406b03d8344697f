"""The alarm of an emergency when its case is merged, split or merged back: it is neither lost nor doubled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from router.errors import NotFound
from store.conversations.alarms import find_emergency
from store.conversations.danger_questions import ask_about_danger
from store.db.engine import Database
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import EventRow
from tests.desk import Desk, envelope
from tests.workers.merged_alarms import (
    CALM,
    DANGER,
    ESCALATES,
    OTHER,
    alarms,
    answer,
    called,
    case,
    home_of,
    judge,
    known,
    listed,
    merge,
    opened,
    split,
    undo,
    update,
    wait,
)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path, toml=ESCALATES)


def test_an_alarm_goes_with_its_case_into_a_calm_one_and_comes_back(desk: Desk) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    before, alarm = known(desk, calm, danger), alarms(desk)[danger]

    kept = merge(desk, danger, calm)

    merged = case(desk, calm)
    assert (merged.emergency, merged.team, merged.priority) == (True, "risk", "urgent")
    assert (merged.sla, merged.route) == ("emergency", "security, day and night")
    assert merged.clock_started_at == before[1]["clock_started_at"]
    assert {id_: row.inbound_id for id_, row in alarms(desk).items()} == {calm: alarm.inbound_id}
    assert listed(desk) == [calm]
    assert "conversation.escalated" in {row.kind for row in desk.rows(EventRow) if row.conversation_id == calm}
    wait(desk)
    assert called(desk) == [calm]

    undo(desk, kept)

    # What the alarm did in the meantime belongs to it.
    assert [row.pop("team") for row in (before[0], *known(desk, calm))] == ["front-line"] * 2
    assert {id_: (row.inbound_id, row.steps) for id_, row in alarms(desk).items()} == {danger: (alarm.inbound_id, 1)}
    assert known(desk, danger) == [before[1]]


def test_an_undone_merge_without_news_leaves_no_trace_of_the_alarm(desk: Desk) -> None:
    for source, target in ((0, 1), (1, 0)):
        ids = opened(desk, *((f"{source}{key}", subject, text) for key, subject, text in (CALM, DANGER)))
        before, rows = known(desk, *ids), alarms(desk)
        undo(desk, merge(desk, ids[source], ids[target]))
        assert known(desk, *ids) == before
        assert alarms(desk) == rows
        desk.change(ConversationRow, status="resolved")


def test_a_calm_case_changes_nothing_of_the_emergency_that_it_goes_into(desk: Desk) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    before, alarm = case(desk, danger), alarms(desk)
    merge(desk, calm, danger)
    after = case(desk, danger)
    assert (after.team, after.sla, after.emergency) == (before.team, before.sla, True)
    assert alarms(desk) == alarm
    wait(desk)
    assert called(desk) == [danger]


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_alarms_one_goes_on_as_early_as_the_first_would(desk: Desk, turned: bool) -> None:
    source, target = opened(desk, *((DANGER, OTHER) if turned else (OTHER, DANGER)))
    older, newer = datetime.now(UTC) - timedelta(minutes=11), datetime.now(UTC) - timedelta(minutes=2)
    for id_ in (source, target):
        update(desk, EmergencyRow, id_, at=older if (id_ == source) == turned else newer)
    kept = merge(desk, source, target)

    assert called(desk) == [target]
    assert len(alarms(desk)) == 2
    judge(desk, target, danger=True)
    wait(desk)
    assert called(desk) == []
    undo(desk, kept)
    assert {*alarms(desk)} == {source, target}
    assert {row.confirmed for row in alarms(desk).values()} == {True, None}


@pytest.mark.parametrize("turned", [False, True])
def test_an_answered_alarm_lets_the_other_one_go_on(desk: Desk, turned: bool) -> None:
    answered, waits = opened(desk, DANGER, OTHER)
    past = datetime.now(UTC) - timedelta(minutes=20)
    update(desk, EmergencyRow, answered, at=past)
    update(desk, EmergencyRow, waits, at=past + timedelta(minutes=6))
    answer(desk, answered)
    update(desk, MessageRow, answered, received_at=past + timedelta(minutes=1))
    merge(desk, *((answered, waits) if turned else (waits, answered)))
    assert called(desk) == [answered if not turned else waits]


@pytest.mark.parametrize("turned", [False, True])
def test_a_confirmed_emergency_has_its_agent_also_for_what_is_merged(desk: Desk, turned: bool) -> None:
    confirmed, waits = opened(desk, DANGER, OTHER)
    judge(desk, confirmed, danger=True)
    source, target = (confirmed, waits) if turned else (waits, confirmed)
    kept = merge(desk, source, target)
    wait(desk)
    assert (called(desk), alarms(desk)[target].confirmed) == ([], True)
    undo(desk, kept)
    wait(desk)
    assert called(desk) == [waits]


@pytest.mark.parametrize("turned", [False, True])
def test_an_alarm_that_is_over_silences_none(desk: Desk, turned: bool) -> None:
    over, waits = opened(desk, DANGER, OTHER)
    judge(desk, over, danger=turned)
    if turned:
        update(desk, ConversationRow, over, status="resolved")
    for source, target in ((waits, over), (over, waits)):
        kept = merge(desk, source, target)
        wait(desk)
        assert called(desk) == [target]
        assert (case(desk, target).emergency, case(desk, target).status) == (True, "open")
        assert len(alarms(desk)) == 2
        undo(desk, kept)
        assert alarms(desk)[over].confirmed is turned


@pytest.mark.parametrize("danger", [True, False])
def test_what_an_agent_found_in_the_merged_case_stays_when_it_is_undone(desk: Desk, danger: bool) -> None:
    calm, was = opened(desk, CALM, DANGER)
    before = known(desk, calm, was)
    kept = merge(desk, was, calm)
    judge(desk, calm, danger=danger)
    released = case(desk, calm)
    assert (released.emergency, released.team) == ((True, "risk") if danger else (False, "front-line"))
    undo(desk, kept)
    wait(desk)
    assert (called(desk), alarms(desk)[was].confirmed) == ([], danger)
    assert case(desk, was).emergency is danger
    assert case(desk, was).team == ("risk" if danger else "front-line")
    assert known(desk, calm) == before[:1]


def test_a_release_in_the_merged_case_can_be_taken_back(desk: Desk) -> None:
    calm, was = opened(desk, CALM, DANGER)
    merge(desk, was, calm)
    judge(desk, calm, danger=False)
    assert (case(desk, calm).priority, case(desk, calm).sla) == ("normal", "standard")
    judge(desk, calm, danger=None)
    assert (case(desk, calm).emergency, case(desk, calm).team, case(desk, calm).sla) == (True, "risk", "emergency")
    wait(desk)
    assert called(desk) == [calm]


def test_an_alarm_goes_along_a_chain_of_merges_and_back(desk: Desk) -> None:
    danger, middle, last = opened(desk, DANGER, CALM, ("third", "Invoice copy", "Kindly send an invoice for March."))
    before, rows = known(desk, danger, middle, last), alarms(desk)
    first, second = merge(desk, danger, middle), merge(desk, middle, last)
    assert {*alarms(desk)} == {last}
    assert (case(desk, last).emergency, case(desk, last).team) == (True, "risk")
    assert listed(desk) == [last]
    undo(desk, second)
    assert {*alarms(desk)} == {middle}
    undo(desk, first)
    assert (known(desk, danger, middle, last), alarms(desk)) == (before, rows)


def test_danger_that_is_said_in_the_merged_case_stays_there_when_it_is_undone(desk: Desk) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    kept = merge(desk, danger, calm)
    answer(desk, calm)
    past = datetime.now(UTC) - timedelta(minutes=5)
    desk.change(EmergencyRow, at=past)
    update(desk, MessageRow, calm, received_at=past)
    desk.route(envelope("again", text="I was hacked again", in_reply_to=("calm@customer.example",)))
    undo(desk, kept)
    assert {*alarms(desk)} == {calm, danger}
    assert (case(desk, calm).emergency, case(desk, calm).team) == (True, "risk")


def test_an_alarms_case_does_not_rest_where_it_is_merged(desk: Desk) -> None:
    for status in ("pending", "resolved", "snoozed"):
        calm, danger = opened(desk, *((f"{status}{key}", subject, text) for key, subject, text in (CALM, DANGER)))
        update(desk, ConversationRow, calm, status=status)
        kept = merge(desk, danger, calm)
        assert case(desk, calm).status == "open"
        undo(desk, kept)
        assert case(desk, calm).status == status
        desk.change(ConversationRow, status="resolved")


def thread(desk: Desk, *said: tuple[str, str]) -> UUID:
    first = said[0][0]
    for key, text in said:
        reply = () if key == first else (f"{first}@customer.example",)
        desk.route(envelope(key, subject="Order 11", text=text, in_reply_to=reply))
    assert {home_of(desk, key) for key, _ in said} == {home_of(desk, first)}
    return home_of(desk, first)


def test_the_alarm_goes_with_the_message_that_called(desk: Desk) -> None:
    home = thread(desk, ("one", "Please refund order 11."), ("two", "And I was hacked"))
    before, rows = known(desk, home), alarms(desk)

    new, kept = split(desk, home, "two")

    assert {*alarms(desk)} == {new}
    assert (case(desk, new).emergency, case(desk, new).team) == (True, "risk")
    stays = case(desk, home)
    assert (stays.emergency, stays.team, stays.sla, stays.priority) == (False, "front-line", "standard", "normal")
    wait(desk)
    assert called(desk) == [new]
    undo(desk, kept)
    assert {*alarms(desk)} == {home} == {*rows}
    assert alarms(desk)[home].steps == 1
    after = known(desk, home)
    assert after[0] | {"last_message_at": None} == before[0] | {"last_message_at": None}


def test_what_is_split_off_without_danger_is_no_emergency(desk: Desk) -> None:
    home = thread(desk, ("one", "I was hacked"), ("two", "Please refund order 11, too."))
    rows = alarms(desk)
    new, kept = split(desk, home, "two")
    assert alarms(desk) == rows
    off = case(desk, new)
    assert (off.emergency, off.team, off.priority, off.sla) == (False, "front-line", "normal", "standard")
    with desk.database.read() as connection, pytest.raises(NotFound):
        find_emergency(connection, new)
    undo(desk, kept)
    assert alarms(desk) == rows


def test_both_parts_of_a_merged_emergency_have_an_alarm_when_both_tell_of_danger(desk: Desk) -> None:
    one, two = opened(desk, DANGER, OTHER)
    merge(desk, two, one)
    desk.route(envelope("more", text="Please refund it.", in_reply_to=("other@customer.example",)))
    new, _ = split(desk, one, "other", "more")
    wait(desk)
    assert sorted(called(desk)) == sorted([one, new])


def test_danger_that_is_said_in_a_part_comes_back_with_it(desk: Desk) -> None:
    home = thread(desk, ("one", "Please refund order 11."), ("two", "My parcel has not come."))
    new, kept = split(desk, home, "two")
    desk.route(envelope("three", text="I was hacked", in_reply_to=("two@customer.example",)))
    assert {*alarms(desk)} == {new}
    undo(desk, kept)
    assert {*alarms(desk)} == {home}
    assert (case(desk, home).emergency, case(desk, home).team) == (True, "risk")
    wait(desk)
    assert called(desk) == [home]


def asked(desk: Desk, conversation_id: UUID, key: str) -> None:
    """Raise the question of danger, as a message that may tell of it."""
    (inbound,) = [row.inbound_id for row in desk.rows(MessageRow) if row.rfc_message_id == f"{key}@customer.example"]
    paged = {"team": "risk", "priority": "urgent", "route": "security, day and night", "sla": "emergency"}
    paged |= {"teams": ["risk"], "priorities": ["urgent"]}
    row = {"conversation_id": conversation_id, "inbound_id": inbound, "at": datetime.now(UTC), "paged": paged}
    with desk.database.write() as connection:
        ask_about_danger(connection, [row | {"evidence": {}}])


@pytest.mark.parametrize("danger", [True, False])
def test_a_question_of_danger_is_answered_at_the_end_of_a_chain_and_the_answer_goes_back(
    desk: Desk, danger: bool
) -> None:
    one, two, last = opened(desk, CALM, ("b", "Refund", "Please refund order 12."), ("c", "Copy", "An invoice copy."))
    asked(desk, one, "calm")
    first, second = merge(desk, one, two), merge(desk, two, last)
    assert case(desk, last).possible_danger
    judge(desk, last, danger=danger)
    assert case(desk, last).emergency is danger
    undo(desk, second)
    undo(desk, first)
    cases = [case(desk, id_) for id_ in (one, two, last)]
    assert [row.possible_danger for row in cases] == [False] * 3
    assert [row.emergency for row in cases] == [danger, False, False]
    assert [row.team for row in cases] == ["risk" if danger else "front-line", "front-line", "front-line"]
    assert {*alarms(desk)} == ({one} if danger else set())


@pytest.mark.parametrize("danger", [True, False, None])
def test_a_question_of_danger_goes_with_its_message(desk: Desk, danger: bool | None) -> None:
    home = thread(desk, ("one", "Please refund order 11."), ("two", "My parcel has not come."))
    asked(desk, home, "two")
    new, kept = split(desk, home, "two")
    assert (case(desk, home).possible_danger, case(desk, new).possible_danger) == (False, True)
    if danger is not None:
        judge(desk, new, danger=danger)
    undo(desk, kept)
    assert case(desk, home).possible_danger is (danger is None)
    assert case(desk, home).emergency is bool(danger)
    judge(desk, home, danger=True)
    assert case(desk, home).emergency
