"""What people and time do to a case whose alarm waits: who is still called, and who is not called any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from router.conversation_status import Status
from router.envelope import Envelope, Party, PartyKind
from router.settings import read_settings
from store.contacts.blocked import block_sender
from store.contacts.erasure import erase_contact
from store.conversations.ratings import SPAM_LABEL
from store.db.engine import Database, read_clock
from store.desk.agents import add_agent, change_role, find_by_name, revoke_agent
from store.desk.assignment import set_absence, set_duty
from store.desk.false_alarms import count_false_alarms, tally
from store.desk.notices import notices_of, write_notices
from store.desk.reports.report_groups import Period, read_groups
from store.desk.supervisor_report import read_insight
from store.events.feed import newest_number, number_events
from store.inbound.retention import forget_originals
from store.tables.agents import SkillKind
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow, InboundRow, OriginalRow
from store.tables.operations import OutboundRow
from store.tables.outbound_state import OutboundState
from tests.desk import Desk, elsewhere, envelope
from tests.workers.merged_alarms import (
    DANGER,
    ESCALATES,
    OTHER,
    alarms,
    answer,
    called,
    case,
    changed,
    home_of,
    judge,
    listed,
    merge,
    opened,
    update,
    wait,
)
from workers.chores.assign import Assigner

LATER = datetime.now(UTC) + timedelta(days=3)
HANDED_OUT = ESCALATES.replace('title = "Risk"', 'title = "Risk"\nassign = "round_robin"')
NO_LIST = ESCALATES.replace('escalate_to = ["front-line"]\n', "")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    sends = "\n[channels.mail.send]\noutbox = true\n"
    return Desk(database, tmp_path, toml=ESCALATES.replace("[emergency]", f'{sends}[emergency]\ncorrection = "closed"'))


def block(desk: Desk, conversation_id: UUID) -> None:
    contact = case(desk, conversation_id).contact_id
    with desk.database.write() as connection:
        block_sender(connection, contact, blocked=True, by="Bo", now=read_clock(connection))


def erase(desk: Desk, conversation_id: UUID) -> None:
    contact = case(desk, conversation_id).contact_id
    desk.change(OutboundRow, state=OutboundState.SENT)
    with desk.database.write() as connection:
        erase_contact(connection, contact, by="Bo", reason="they asked", now=read_clock(connection))


def forget(desk: Desk, conversation_id: UUID) -> None:
    del conversation_id
    with desk.database.write() as connection:
        forget_originals(connection, before=LATER, limit=9)
    assert desk.rows(OriginalRow) == []


def receive_copy(desk: Desk, conversation_id: UUID) -> None:
    del conversation_id
    key, subject, text = DANGER
    desk.route(replace(elsewhere(envelope(key, subject=subject, text=text), channel="sales"), source_key="copy"))
    assert sorted(desk.rows(InboundRow, "state")) == ["duplicate", "routed"]


def link(desk: Desk, conversation_id: UUID) -> None:
    other = envelope("calm", subject="Refund", text="Please refund order 11.")
    desk.route(other)
    (calm,) = [row.id for row in desk.rows(ConversationRow) if row.id != conversation_id]
    desk.change(ConversationRow, linked_to=calm)


# Whether the alarm still calls people and stands among the emergencies.
WAITS = {
    "snoozed": changed(status=Status.SNOOZED, snoozed_until=LATER),
    "set to pending": changed(status=Status.PENDING),
    "given to another team": changed(team="front-line"),
    "not for us": changed(category=""),
    "its sender is blocked": block,
    "its originals are deleted": forget,
    "a copy arrives": receive_copy,
    "linked": link,
}
IS_OVER = {
    "resolved": changed(status=Status.RESOLVED),
    "spam": changed(status=Status.RESOLVED, add_labels=(SPAM_LABEL,)),
    "its customer is erased": erase,
}


@pytest.mark.parametrize("name", [*WAITS, *IS_OVER])
def test_an_alarm_calls_until_it_is_over_and_can_be_judged(desk: Desk, name: str) -> None:
    (danger,) = opened(desk, DANGER)
    (WAITS | IS_OVER)[name](desk, danger)
    wait(desk)

    for _ in range(2):
        assert listed(desk) == ([danger] if name in WAITS else [])
        assert called(desk) == ([danger] if name in WAITS else [])
        wait(desk)
    assert case(desk, danger).status == ("open" if name in WAITS else "resolved")
    assert [row.confirmed for row in alarms(desk).values()] == [None]
    replies = len(desk.rows(OutboundRow))
    judge(desk, danger, danger=False)
    assert (listed(desk), called(desk)) == ([], [])
    with desk.database.read() as connection:
        now = read_clock(connection)
        counted = count_false_alarms(connection, since=now - timedelta(days=1), until=now)
    assert (counted.called, counted.released, counted.unjudged) == (1, 1, 0)
    # Nothing is said to a customer who was erased.
    assert len(desk.rows(OutboundRow)) == replies + (name != "its customer is erased")


@pytest.mark.parametrize("status", ["snoozed", "pending"])
def test_an_alarm_that_goes_to_a_team_is_assigned_though_its_case_was_set_aside(
    database: Database, tmp_path: Path, status: str
) -> None:
    desk = Desk(database, tmp_path, toml=HANDED_OUT.replace('"front-line"]', '"risk"]'))
    (danger,) = opened(desk, DANGER)
    wanted = {"snoozed_until": LATER} if status == "snoozed" else {}
    changed(status=Status(status), **wanted)(desk, danger)
    agent(desk, "Ann")
    wait(desk)

    assert called(desk) == [danger]
    Assigner(desk.database, desk.brain).once()
    assert (case(desk, danger).assignee, case(desk, danger).held_until) == ("Ann", None)


def agent(desk: Desk, name: str, *, team: str = "risk") -> None:
    with desk.database.write() as connection:
        add_agent(connection, name=name, role="agent")
        set_duty(connection, name=name, available=True, skills={SkillKind.TEAM: [team]})


def revoke(desk: Desk, name: str) -> None:
    with desk.database.write() as connection:
        revoke_agent(connection, name=name)


def let_view(desk: Desk, name: str) -> None:
    with desk.database.write() as connection:
        change_role(connection, name=name, role="viewer")


def let_leave(desk: Desk, name: str) -> None:
    with desk.database.write() as connection:
        now = read_clock(connection)
        set_absence(connection, name=name, away_from=now - timedelta(days=1), away_until=now + timedelta(days=1))


@pytest.mark.parametrize("leave", [revoke, let_view, let_leave])
def test_an_alarm_of_an_agent_who_is_gone_goes_to_the_next_one(
    database: Database, tmp_path: Path, leave: Callable[[Desk, str], None]
) -> None:
    desk = Desk(database, tmp_path, toml=NO_LIST.replace('title = "Risk"', 'title = "Risk"\nassign = "round_robin"'))
    (danger,) = opened(desk, DANGER)
    agent(desk, "Ann")
    Assigner(desk.database, desk.brain).once()
    assert case(desk, danger).assignee == "Ann"
    leave(desk, "Ann")
    agent(desk, "Bo")
    wait(desk)
    assert called(desk) == [danger]
    assert (case(desk, danger).assignee, alarms(desk)[danger].stepped_to) == ("Bo", "Bo")


@pytest.mark.parametrize("is_there", [True, False])
def test_an_alarm_of_a_team_that_is_no_more_goes_to_the_team_that_is_called_today(
    database: Database, tmp_path: Path, is_there: bool
) -> None:
    desk = Desk(database, tmp_path, toml=NO_LIST)
    (danger,) = opened(desk, DANGER)
    assert case(desk, danger).team == "risk"
    desk.use(read_settings(desk.text.replace("[teams.risk]", "[teams.fraud]").replace('"risk"', '"fraud"')))
    if is_there:
        agent(desk, "Ann", team="fraud")
    wait(desk)
    assert called(desk) == [danger]
    assert (case(desk, danger).team, case(desk, danger).assignee) == ("fraud", "Ann" if is_there else None)
    assert alarms(desk)[danger].stepped_to == ("Ann" if is_there else "fraud")
    judge(desk, danger, danger=False)
    assert case(desk, danger).team == "front-line"


@pytest.mark.parametrize(("to", "hears"), [('"Ann"', 1), ('"front-line"', 0)])
def test_the_agent_to_whom_an_alarm_goes_hears_of_it_also_on_leave(
    database: Database, tmp_path: Path, to: str, hears: int
) -> None:
    desk = Desk(database, tmp_path, toml=ESCALATES.replace('"front-line"]', f"{to}]"))
    (danger,) = opened(desk, DANGER)
    agent(desk, "Ann")
    let_leave(desk, "Ann")
    wait(desk)
    assert called(desk) == [danger]
    with desk.database.write() as connection:
        before = newest_number(connection)
        number_events(connection, after=before, limit=100)
        write_notices(connection, after=before)
        ann = find_by_name(connection, "Ann")
        assert ann
        found = notices_of(connection, ann.id, only_teams=None, limit=9)
    assert [(row.kind, row.conversation_id) for row in found] == [("assigned", danger)] * hears


def test_an_alarm_that_was_merged_away_is_counted_once(desk: Desk) -> None:
    source, target = opened(desk, DANGER, OTHER)
    merge(desk, source, target)
    assert counts(desk) == [(1, 0)] * 4
    judge(desk, target, danger=True)
    assert counts(desk) == [(1, 1)] * 4
    assert {row.confirmed for row in desk.rows(EmergencyRow)} == {True, None}


def counts(desk: Desk) -> list[tuple[int, int]]:
    """Return how many were called and confirmed: by the metrics, the status, the overview and its comparison."""
    with desk.database.read() as connection:
        until = read_clock(connection) + timedelta(seconds=1)
        since = until - timedelta(days=1)
        period = Period(since=since, until=until)
        (group,) = read_groups(connection, period, by=None)
        insight = read_insight(connection, since=since, until=until)
        metrics, status = count_false_alarms(connection, since=since, until=until), tally(connection)
    return [
        (metrics.called, metrics.confirmed),
        (status.paged, status.confirmed),
        (insight.called, insight.confirmed),
        (group.called, group.confirmed),
    ]


def test_danger_that_several_customers_say_again_in_one_batch_is_decided_for_each(desk: Desk) -> None:
    # Given cases that were answered, that wait, that were confirmed, resolved, or found to be false alarms
    names = ("answered", "waits", "confirmed", "resolved", "false")
    people = {name: Party(PartyKind.EMAIL, f"{name}@customer.example", name) for name in names}
    desk.route(*(envelope(name, sender=people[name], subject=name, text="I was hacked") for name in names))
    homes = {name: home_of(desk, name) for name in names}
    past = datetime.now(UTC) - timedelta(hours=1)
    desk.change(EmergencyRow, at=past, steps=1, stepped_to="front-line")
    answer(desk, homes["answered"])
    for name, danger in (("confirmed", True), ("resolved", True), ("false", False)):
        judge(desk, homes[name], danger=danger)
    update(desk, ConversationRow, homes["resolved"], status="resolved")

    # When each of them says it again, one twice, and all of it is one batch
    def again(name: str, key: str, text: str) -> Envelope:
        parent = (f"{name}@customer.example",)
        return envelope(key, sender=people[name], subject=f"Re: {name}", text=text, in_reply_to=parent)

    said = [again(name, f"{name} again", "I was hacked again") for name in names]
    desk.route(*said, again("answered", "once more", "They have hacked me and I am waiting"))

    # Then those alarms start again that had ended, each with its own message
    assert {*desk.rows(InboundRow, "attempts")} == {1}, "in one batch, not one by one after it failed"
    called_by = {row.id: row.source_key for row in desk.rows(InboundRow)}
    found = {name: alarms(desk)[home] for name, home in homes.items()}
    assert {name: called_by[row.inbound_id] for name, row in found.items()} == {
        "answered": "answered again",
        "waits": "waits",
        "confirmed": "confirmed",
        "resolved": "resolved again",
        "false": "false again",
    }
    assert {name for name, row in found.items() if row.confirmed is None} == {"answered", "waits", "resolved", "false"}
    assert {name for name, row in found.items() if row.steps} == {"waits", "confirmed"}
