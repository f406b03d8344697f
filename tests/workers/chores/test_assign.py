"""Assignment: the oldest conversation first, to an agent who may take it, never twice, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from router.envelope import Party, PartyKind
from router.errors import NotFound
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.assignment import set_duty
from store.tables.agents import SkillKind
from store.tables.messages import ConversationRow
from store.tables.operations import EventRow
from tests.desk import TOML, Desk, envelope
from workers.chores.assign import Assigner

HANDED_OUT = """
[teams.front-line]
title = "Front line"
assign = "{mode}"
fallback = "risk"
[teams.risk]
title = "Risk"
"""
PAIRS = 50


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return desk_with(database, tmp_path, mode="round_robin")


def desk_with(database: Database, folder: Path, *, mode: str) -> Desk:
    teams = '[teams.front-line]\ntitle = "Front line"\n[teams.risk]\ntitle = "Risk"\n'
    assert teams in TOML
    return Desk(database, folder, toml=TOML.replace(teams, HANDED_OUT.format(mode=mode)))


def agent(desk: Desk, name: str, *, team: str = "front-line", **duty: Any) -> None:
    skills = {SkillKind.TEAM: [team]} | {SkillKind(kind): values for kind, values in duty.pop("skills", {}).items()}
    with desk.database.write() as connection:
        add_agent(connection, name=name, role="agent")
        set_duty(connection, name=name, **({"available": True} | duty), skills=skills)


def change(desk: Desk, name: str, **duty: Any) -> None:
    with desk.database.write() as connection:
        set_duty(connection, name=name, **duty)


def hand_out(desk: Desk) -> int:
    return Assigner(desk.database, desk.brain).once()


def route(desk: Desk, *keys: str, **fields: Any) -> None:
    """Open one conversation for each sender, in this order."""
    for key in keys:
        desk.route(envelope(key, subject=key, sender=Party(PartyKind.EMAIL, f"{key}@c.example"), **fields))


def assignees(desk: Desk) -> dict[str, str | None]:
    return {row.subject: row.assignee for row in desk.rows(ConversationRow)}


def events(desk: Desk, kind: str) -> Sequence[Any]:
    return [row for row in desk.rows(EventRow) if row.kind == kind]


def test_round_robin_goes_around(desk: Desk) -> None:
    for name in ("Ann", "Bo", "Cy"):
        agent(desk, name)
    route(desk, "1", "2", "3", "4")

    assert hand_out(desk) == 4
    assert assignees(desk) == {"1": "Ann", "2": "Bo", "3": "Cy", "4": "Ann"}
    route(desk, "5")
    hand_out(desk)
    assert assignees(desk)["5"] in {"Bo", "Cy", "Ann"}
    assert len(events(desk, "conversation.assigned")) == 5


def test_the_least_busy_gets_it_by_weight_and_capacity(database: Database, tmp_path: Path) -> None:
    desk = desk_with(database, tmp_path, mode="least_busy")
    agent(desk, "Ann", capacity=4)
    agent(desk, "Bo", capacity=20)
    route(desk, "1", "2", "3", "4")

    hand_out(desk)

    assert list(assignees(desk).values()).count("Ann") == 1
    assert list(assignees(desk).values()).count("Bo") == 3


def test_a_conversation_without_a_free_agent_waits_and_the_oldest_goes_first(desk: Desk) -> None:
    agent(desk, "Ann", capacity=2)
    route(desk, "1", "2", "3")
    assert hand_out(desk) == 1
    assert hand_out(desk) == 0

    resolve(desk, "1")
    assert hand_out(desk) == 1

    assert assignees(desk) == {"1": "Ann", "2": "Ann", "3": None}


def test_languages_and_categories_are_respected(desk: Desk) -> None:
    agent(desk, "Ann", skills={"language": ["en"]})
    agent(desk, "Bo", skills={"language": ["zh"]})
    agent(desk, "Cy", skills={"language": ["en"], "category": ["account_security"]})
    route(desk, "zh", text="你好，我的余额不对，请尽快帮我看一下，谢谢")
    route(desk, "en", text="I would like a refund for my order, please, it never arrived")

    hand_out(desk)

    assert assignees(desk) == {"zh": "Bo", "en": "Ann"}


def test_a_manual_team_assigns_nothing(desk: Desk) -> None:
    agent(desk, "Ann", team="risk")
    route(desk, "1", text="my account was hacked")

    assert hand_out(desk) == 0
    assert assignees(desk) == {"1": None}


def test_a_held_conversation_waits_for_the_opening(desk: Desk) -> None:
    agent(desk, "Ann")
    desk.close()
    route(desk, "1")

    assert hand_out(desk) == 0


def test_without_an_agent_another_team_gets_it_and_one_alarm_is_raised(desk: Desk) -> None:
    agent(desk, "Ann", available=False)
    route(desk, "1")
    for _ in range(3):
        assert hand_out(desk) == 0

    (alarm,) = events(desk, "assignment.nobody")
    assert (alarm.payload["team"], alarm.payload["moved_to"]) == ("front-line", "risk")
    assert desk.rows(ConversationRow, "team") == ["risk"]


def test_at_night_no_agent_is_required(desk: Desk) -> None:
    desk.close()
    desk.use(desk.settings.model_copy(update={"routes": (desk.settings.routes[-1],)}))  # which holds nothing
    route(desk, "1")
    hand_out(desk)

    assert events(desk, "assignment.nobody") == []
    assert desk.rows(ConversationRow, "team") == ["front-line"]


def test_a_customer_who_writes_to_an_absent_agent_gets_another(desk: Desk) -> None:
    agent(desk, "Ann")
    route(desk, "1")
    hand_out(desk)
    agent(desk, "Bo")
    change(desk, "Ann", available=False)
    assert assignees(desk) == {"1": "Ann"}  # until the customer writes again

    follow_up(desk)
    hand_out(desk)

    assert assignees(desk) == {"1": "Bo"}


def test_an_absent_agent_keeps_the_case_while_no_other_agent_is_available(desk: Desk) -> None:
    agent(desk, "Ann")
    route(desk, "1")
    hand_out(desk)
    change(desk, "Ann", available=False)

    follow_up(desk)

    assert assignees(desk) == {"1": "Ann"}


def test_a_later_emergency_takes_the_case_from_its_agent(desk: Desk) -> None:
    agent(desk, "Ann")
    route(desk, "1")
    hand_out(desk)

    follow_up(desk, text="my account was hacked")

    assert (assignees(desk), desk.rows(ConversationRow, "team")) == ({"1": None}, ["risk"])


def test_a_revoked_agent_has_no_duty(desk: Desk) -> None:
    with pytest.raises(NotFound, match="no agent of that name"):
        change(desk, "Unknown", available=True)


def test_fifty_pairs_of_workers_race_and_each_race_has_one_winner(desk: Desk) -> None:
    for number in range(5):
        agent(desk, f"Agent {number}", capacity=2 * PAIRS)
    keys = [str(number) for number in range(PAIRS)]
    route(desk, *keys)
    desk.change(ConversationRow, status="snoozed")
    pair = [Assigner(desk.database, desk.brain) for _ in range(2)]

    wins = [race(desk, pair, key) for key in keys]

    assert wins == [1] * PAIRS
    assert len(events(desk, "conversation.assigned")) == PAIRS
    assert None not in assignees(desk).values()


def test_workers_that_race_for_many_overfill_no_agent(desk: Desk) -> None:
    agent(desk, "Ann", capacity=10)
    agent(desk, "Bo", capacity=6)
    route(desk, *(str(number) for number in range(12)))
    workers = [Assigner(desk.database, desk.brain) for _ in range(4)]

    run_at_once([worker.once for worker in workers])

    given = list(assignees(desk).values())
    assert (given.count("Ann"), given.count("Bo"), given.count(None)) == (5, 3, 4)


def race(desk: Desk, pair: Sequence[Assigner], key: str) -> int:
    table = table_of(ConversationRow)
    with desk.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.subject == key).values(status="open"))
    return sum(run_at_once([worker.once for worker in pair]))


def run_at_once(actions: Sequence[Any]) -> list[int]:
    gate = threading.Barrier(len(actions))
    results: list[int] = []

    def act(action: Any) -> None:
        gate.wait()
        results.append(action())

    threads = [threading.Thread(target=act, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == len(actions)
    return results


def resolve(desk: Desk, key: str) -> None:
    table = table_of(ConversationRow)
    with desk.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.subject == key).values(status="resolved"))


def follow_up(desk: Desk, **fields: Any) -> None:
    sender = Party(PartyKind.EMAIL, "1@c.example")
    desk.route(envelope("again", subject="Re: 1", sender=sender, in_reply_to=("1@customer.example",), **fields))


def test_possible_danger_is_assigned_before_what_is_older(desk: Desk) -> None:
    agent(desk, "Ann", capacity=2)
    route(desk, "older", "may be in danger")
    with desk.database.write() as connection:
        table = table_of(ConversationRow)
        connection.execute(sa.update(table).where(table.c.subject == "may be in danger").values(possible_danger=True))

    hand_out(desk)

    assert assignees(desk) == {"older": None, "may be in danger": "Ann"}
