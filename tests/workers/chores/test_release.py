"""Assignees: in force, allowed to work, of the team; what ends returns to the queue, and fall-backs give back."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from router.errors import NotFound, PermanentError
from router.routing.assignment import SEES_ALL_ROLES, WORK_SCOPE, WORKING_ROLES, fallbacks_of
from store.conversations.changes import Change, change, lock
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.desk.agents import add_agent, revoke_agent
from store.desk.assignment import set_duty
from store.tables.agents import AgentRow, SkillKind
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow
from tests import forks
from tests.desk import TOML, Desk, envelope
from workers.chores.assign import Assigner
from workers.runtime.failpoints import RELEASING

TEAMS = """
[teams.front-line]
assign = "round_robin"
fallback = "second"
[teams.second]
assign = "round_robin"
fallback = "third"
[teams.third]
assign = "{third}"
fallback = "front-line"
[teams.risk]
"""
_OLD = '[teams.front-line]\ntitle = "Front line"\n[teams.risk]\ntitle = "Risk"\n'


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return desk_with(database, tmp_path)


def desk_with(database: Database, folder: Path, *, third: str = "round_robin") -> Desk:
    return Desk(database, folder, toml=TOML.replace(_OLD, TEAMS.format(third=third)))


def agent(desk: Desk, name: str, *teams: str, available: bool = True, **more: Any) -> None:
    with desk.database.write() as connection:
        add_agent(connection, name=name, **({"role": "agent"} | more))
        set_duty(connection, name=name, available=available, skills={SkillKind.TEAM: teams or ("front-line",)})


def put(desk: Desk, name: str, **values: object) -> None:
    table = table_of(AgentRow)
    with desk.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.name == name).values(**values))


def duty(desk: Desk, name: str, **more: Any) -> None:
    with desk.database.write() as connection:
        set_duty(connection, name=name, **more)


def hand_out(desk: Desk) -> None:
    Assigner(desk.database, desk.brain).once()


def case(desk: Desk) -> tuple[str, str | None]:
    (row,) = desk.rows(ConversationRow)
    return row.team, row.assignee


def returned(desk: Desk) -> Sequence[Any]:
    payloads = [row.payload for row in desk.rows(EventRow) if row.kind == "conversation.assigned"]
    return [(each["from"], each["why"]["key"]) for each in payloads if each["assignee"] is None]


def now(desk: Desk) -> Any:
    with desk.database.read() as connection:
        return read_clock(connection)


def revoke(desk: Desk) -> None:
    with desk.database.write() as connection:
        revoke_agent(connection, name="Ann")


ENDS: dict[str, tuple[Callable[[Desk], None], str]] = {
    "revoked": (revoke, "agent_not_in_force"),
    "the token has expired": (lambda desk: put(desk, "Ann", expires_at=now(desk)), "agent_not_in_force"),
    "the role may only read": (lambda desk: put(desk, "Ann", role="viewer"), "agent_may_not_work"),
    "the token may only read": (lambda desk: put(desk, "Ann", scopes=["inbox:read"]), "agent_may_not_work"),
    "left the team": (lambda desk: duty(desk, "Ann", skills={SkillKind.TEAM: ["risk"]}), "agent_not_in_team"),
    "the case moved": (lambda desk: desk.change(ConversationRow, team="risk"), "agent_not_in_team"),
}


@pytest.mark.parametrize(("end", "why"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("status", ["open", "pending", "snoozed"])
def test_what_ends_returns_the_case_to_its_queue_with_an_event(
    desk: Desk, end: Callable[[Desk], None], why: str, status: str
) -> None:
    agent(desk, "Ann")
    desk.route(envelope("1"))
    hand_out(desk)
    assert case(desk) == ("front-line", "Ann")
    desk.change(ConversationRow, status=status)

    end(desk)
    for _ in range(2):
        hand_out(desk)

    assert case(desk)[1] is None
    assert returned(desk) == [("Ann", why)]


# Not an end: an absence alone, a rotated token, no team at all, a supervisor of another team; what is closed.
@pytest.mark.parametrize(
    "change_of",
    [
        lambda desk: duty(desk, "Ann", available=False),
        lambda desk: put(desk, "Ann", expires_at=now(desk), previous_until=now(desk) + timedelta(days=1)),
        lambda desk: duty(desk, "Ann", skills={SkillKind.TEAM: []}),
        lambda desk: put(desk, "Ann", role="supervisor") or duty(desk, "Ann", skills={SkillKind.TEAM: ["risk"]}),
        lambda desk: desk.change(ConversationRow, status="resolved") or revoke(desk),
    ],
)
def test_what_does_not_end_returns_nothing(desk: Desk, change_of: Callable[[Desk], None]) -> None:
    agent(desk, "Ann")
    desk.route(envelope("1"))
    hand_out(desk)

    change_of(desk)
    hand_out(desk)

    assert (case(desk)[1], returned(desk)) == ("Ann", [])


def test_another_agent_gets_what_was_returned_and_a_viewer_nothing(desk: Desk) -> None:
    agent(desk, "Ann")
    agent(desk, "A viewer", role="viewer")
    agent(desk, "Zoe", available=False)
    desk.route(envelope("1"))
    hand_out(desk)
    duty(desk, "Zoe", available=True)

    revoke(desk)
    hand_out(desk)

    assert case(desk) == ("front-line", "Zoe")


def test_the_customer_of_an_absent_agent_gets_another_with_an_event(desk: Desk) -> None:
    agent(desk, "Ann")
    desk.route(envelope("1"))
    hand_out(desk)
    agent(desk, "Bo")
    duty(desk, "Ann", available=False)

    desk.route(envelope("2", subject="Re: A question", in_reply_to=("1@customer.example",)))
    hand_out(desk)

    assert (case(desk)[1], returned(desk)) == ("Bo", [("Ann", "agent_is_away")])


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"role": "viewer"}, PermanentError),
        ({"role": "auditor"}, PermanentError),
        ({"scopes": ["inbox:read"]}, PermanentError),
        ({"lasts": timedelta(seconds=-1)}, NotFound),
        ({"role": "senior"}, None),
        ({"role": "supervisor"}, None),
    ],
)
@pytest.mark.parametrize("team", ["front-line", "risk"])
def test_only_who_may_work_and_sees_the_case_can_be_its_assignee(
    desk: Desk, more: dict[str, Any], error: type[Exception] | None, team: str
) -> None:
    agent(desk, "Ann", team, available=False, **more)
    desk.route(envelope("1"))
    (row,) = desk.rows(ConversationRow)
    blind = team == "risk" and more.get("role") != "supervisor"

    def assign() -> None:
        with desk.database.write() as connection:
            change(connection, lock(connection, row.id), wanted=Change(assignee="Ann"), by="Bo", now=now(desk))

    if error or blind:
        with pytest.raises(error or PermanentError):
            assign()
    else:
        assign()
    assert case(desk)[1] == (None if error or blind else "Ann")


def test_the_rules_of_assignees_are_those_of_the_permissions() -> None:
    from api.http.permissions import _POLICY, _UNLIMITED, Verb  # noqa: PLC0415

    assert _POLICY[Verb.WORK_CONVERSATIONS] == WORKING_ROLES
    assert (_UNLIMITED, Verb.WORK_CONVERSATIONS.value) == (SEES_ALL_ROLES, WORK_SCOPE)


# --- Fall-backs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("team", "chain"),
    [("a", ["b", "c"]), ("b", ["c", "a"]), ("d", []), ("e", [])],
)
def test_a_circle_of_fallbacks_ends(team: str, chain: list[str]) -> None:
    fallbacks = {"a": "b", "b": "c", "c": "a", "d": None, "e": "e"}
    assert fallbacks_of(team, fallbacks=fallbacks) == chain


def test_a_case_goes_along_the_fallbacks_and_returns_when_its_own_team_is_there(desk: Desk) -> None:
    # Given a case that no one took, with every team of the circle away
    desk.route(envelope("1"))
    hand_out(desk)
    assert case(desk) == ("second", None)

    # When one further along the circle is there, but has no room
    agent(desk, "Cy", "third")
    duty(desk, "Cy", capacity=0)
    hand_out(desk)
    assert case(desk) == ("third", None)

    # Then it returns as soon as its own team is there
    agent(desk, "Ann")
    hand_out(desk)
    assert case(desk) == ("front-line", "Ann")
    moves = [row.payload for row in desk.rows(EventRow) if row.kind == "conversation.moved"]
    assert [(each["from"], each["team"]) for each in moves] == [("second", "third"), ("third", "front-line")]


def test_what_a_fallback_took_stays_until_its_assignee_ends(desk: Desk) -> None:
    agent(desk, "Ann", "second")
    desk.route(envelope("1"))
    for _ in range(2):
        hand_out(desk)
    assert case(desk) == ("second", "Ann")
    agent(desk, "Bo")
    hand_out(desk)
    assert case(desk) == ("second", "Ann")

    revoke(desk)
    hand_out(desk)

    assert case(desk) == ("front-line", "Bo")


def test_a_team_that_takes_by_hand_gives_back_too(database: Database, tmp_path: Path) -> None:
    desk = desk_with(database, tmp_path, third="manual")
    desk.route(envelope("1"))
    hand_out(desk)
    assert case(desk) == ("third", None)

    agent(desk, "Ann")
    hand_out(desk)

    assert case(desk) == ("front-line", "Ann")


# An agent's order, and an emergency, decide where it is; it does not wander home from there.
@pytest.mark.parametrize("to", ["order", "emergency"])
def test_what_was_moved_on_purpose_stays(desk: Desk, to: str) -> None:
    desk.route(envelope("1"))
    hand_out(desk)
    (row,) = desk.rows(ConversationRow)
    if to == "order":
        with desk.database.write() as connection:
            change(connection, lock(connection, row.id), wanted=Change(team="third"), by="Bo", now=now(desk))
    else:
        desk.route(envelope("2", text="I was hacked", subject="Re: A question", in_reply_to=("1@customer.example",)))

    agent(desk, "Ann")
    # An agent who could take it where it is now, if there were room.
    agent(desk, "Cy", "third")
    duty(desk, "Cy", capacity=0)
    hand_out(desk)

    assert case(desk) == ("third" if to == "order" else "risk", None)


RELEASE = """
import sys
from router.settings import read_settings
from store.db.engine import Database
from workers.chores.assign import Assigner
from workers.routing.brain import build_brain
settings = read_settings(open(sys.argv[2], encoding="utf-8").read())
Assigner(Database(sys.argv[1]), build_brain(settings)).once()
"""


@pytest.mark.parametrize("place", RELEASING)
def test_a_crash_leaves_neither_a_second_event_nor_a_stranded_case(
    desk: Desk, database_url: str, tmp_path: Path, place: str
) -> None:
    agent(desk, "Ann")
    desk.route(envelope("1"))
    hand_out(desk)
    revoke(desk)
    config = tmp_path / "channels.toml"
    config.write_text(desk.text, encoding="utf-8")
    armed = os.environ | {"OMNIYARD_FAILPOINTS": f"{place}=kill"}
    died = forks.run(["-c", RELEASE, database_url, str(config)], env=armed)
    assert died.returncode == -9

    hand_out(desk)

    assert case(desk)[1] is None
    assert returned(desk) == [("Ann", "agent_not_in_force")]
