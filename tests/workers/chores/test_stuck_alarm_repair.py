"""Alarms that merges of an older version left with their sources call people again, and come back with an undo."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from router.conversation_status import Status
from store.contacts.erasure import erase_contact
from store.db.engine import Database, read_clock
from store.tables.messages import ConversationRow
from tests.desk import Desk
from tests.older_merge import merge_as_the_older_version
from tests.workers.merged_alarms import (
    CALM,
    DANGER,
    ESCALATES,
    OTHER,
    alarms,
    answer,
    called,
    case,
    changed,
    judge,
    known,
    listed,
    merge,
    opened,
    undo,
    update,
    wait,
)
from workers.chores.stuck_alarm_repair import AlarmRepair

NEXT = ("next", "My address", "I have moved to Harbour Road 5.")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path, toml=ESCALATES)


def merge_as_before(desk: Desk, source: UUID, target: UUID) -> UUID:
    with desk.database.write() as connection:
        return merge_as_the_older_version(connection, source, target)


def repair(desk: Desk) -> int:
    return AlarmRepair(desk.database).once()


def test_an_alarm_that_an_older_merge_left_calls_again_and_comes_back(desk: Desk) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    before = known(desk, calm, danger)
    kept = merge_as_before(desk, danger, calm)
    wait(desk)
    assert (called(desk), case(desk, calm).team, {*alarms(desk)}) == ([], "front-line", {danger})

    assert repair(desk) == 1

    merged = case(desk, calm)
    assert (merged.emergency, merged.team, merged.sla, merged.status) == (True, "risk", "emergency", "open")
    assert ({*alarms(desk)}, listed(desk)) == ({calm}, [calm])
    assert repair(desk) == 0
    assert called(desk) == [calm]
    undo(desk, kept)
    assert {*alarms(desk)} == {danger}
    assert known(desk, calm) == before[:1]
    assert {name: value for name, value in known(desk, danger)[0].items() if name != "team"} == {
        name: value for name, value in before[1].items() if name != "team"
    }
    wait(desk)
    assert called(desk) == [danger]


def test_a_repaired_alarm_that_is_released_makes_the_case_calm(desk: Desk) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    team, sla = case(desk, calm).team, case(desk, calm).sla
    merge_as_before(desk, danger, calm)
    repair(desk)
    judge(desk, calm, danger=False)
    assert (case(desk, calm).emergency, case(desk, calm).team, case(desk, calm).sla) == (False, team, sla)


def test_a_repaired_alarm_that_is_released_stays_released_when_the_merge_is_undone(desk: Desk) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    kept = merge_as_before(desk, danger, calm)
    repair(desk)
    judge(desk, calm, danger=False)
    undo(desk, kept)
    wait(desk)
    assert ({*alarms(desk)}, called(desk), listed(desk)) == ({danger}, [], [])
    assert not case(desk, danger).emergency


def test_a_repaired_alarm_that_is_resolved_calls_when_the_merge_is_undone(desk: Desk) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    kept = merge_as_before(desk, danger, calm)
    repair(desk)
    changed(status=Status.RESOLVED)(desk, calm)
    undo(desk, kept)
    wait(desk)
    assert ({*alarms(desk)}, called(desk), listed(desk)) == ({danger}, [danger], [danger])


@pytest.mark.parametrize("newly", [False, True])
def test_an_alarm_goes_to_the_end_of_a_chain(desk: Desk, newly: bool) -> None:
    first, second, danger = opened(desk, CALM, NEXT, DANGER)
    inner = merge_as_before(desk, danger, second)
    outer = (merge if newly else merge_as_before)(desk, second, first)
    assert repair(desk) == 1
    wait(desk)
    assert (called(desk), listed(desk)) == ([first], [first])
    undo(desk, outer)
    undo(desk, inner)
    assert ({*alarms(desk)}, listed(desk)) == ({danger}, [danger])


@pytest.mark.parametrize("has_it", ["answered", "confirmed"])
def test_an_alarm_that_has_its_agent_goes_along_and_leaves_the_case_as_it_is(desk: Desk, has_it: str) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    if has_it == "confirmed":
        judge(desk, danger, danger=True)
    merge_as_before(desk, danger, calm)
    if has_it == "answered":
        answer(desk, calm)
    before = known(desk, calm)
    assert repair(desk) == 1
    assert known(desk, calm) == before
    wait(desk)
    assert ({*alarms(desk)}, listed(desk)) == ({calm}, [calm])
    judge(desk, calm, danger=False)
    assert not case(desk, calm).emergency


def test_what_is_over_is_left(desk: Desk, database: Database) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    update(desk, ConversationRow, danger, status="resolved")
    over = merge_as_before(desk, danger, calm)
    assert repair(desk) == 0
    undo(desk, over)
    update(desk, ConversationRow, danger, status="open")
    kept = merge_as_before(desk, danger, calm)
    update(desk, ConversationRow, calm, status="resolved")
    assert repair(desk) == 0
    undo(desk, kept)
    assert repair(desk) == 0
    merge_as_before(desk, danger, calm)
    with database.write() as connection:
        contact = case(desk, calm).contact_id
        erase_contact(connection, contact, by="Ann", reason="they asked", now=read_clock(connection))
    assert repair(desk) == 0


@pytest.mark.parametrize("again", [Status.OPEN, Status.PENDING])
def test_a_case_that_was_resolved_since_calls_no_one_though_it_is_open_again(desk: Desk, again: Status) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    merge_as_before(desk, danger, calm)
    changed(status=Status.RESOLVED)(desk, calm)
    changed(status=again)(desk, calm)
    before = known(desk, calm, danger)
    assert repair(desk) == 0
    wait(desk)
    assert (called(desk), known(desk, calm, danger)) == ([], before)


def test_what_was_resolved_before_the_danger_came_into_it_ends_no_alarm(desk: Desk) -> None:
    calm, danger = opened(desk, CALM, DANGER)
    changed(status=Status.RESOLVED)(desk, calm)
    changed(status=Status.OPEN)(desk, calm)
    merge_as_before(desk, danger, calm)
    assert repair(desk) == 1
    wait(desk)
    assert called(desk) == [calm]


@pytest.mark.parametrize("danger", [True, False, None])
def test_of_two_alarms_that_an_older_merge_joined_agents_see_one(desk: Desk, danger: bool | None) -> None:
    source, target = opened(desk, DANGER, OTHER)
    merge_as_before(desk, source, target)
    judge(desk, target, danger=danger)
    assert repair(desk) == 0
    wait(desk)
    assert called(desk) == ([target] if danger is None else [])


def test_an_alarm_whose_case_went_into_one_with_a_false_alarm_calls(desk: Desk) -> None:
    source, target = opened(desk, DANGER, OTHER)
    judge(desk, target, danger=False)
    merge_as_before(desk, source, target)
    assert repair(desk) == 1
    wait(desk)
    assert (called(desk), repair(desk)) == ([target], 0)


def test_merges_of_this_version_leave_nothing_to_repair(desk: Desk) -> None:
    calm, danger, other = opened(desk, CALM, DANGER, OTHER)
    merge(desk, danger, calm)
    merge(desk, other, calm)
    assert repair(desk) == 0
