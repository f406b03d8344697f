"""Emergencies at the desk: their evidence, possible danger, and the verdicts of agents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from api.http.permissions import Role
from store.db.bulk import insert_rows
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.desk.false_alarms import tally
from store.tables.emergencies import DangerQuestionRow, EmergencyRow
from tests.app_client import AppClient
from tests.inbox_builder import Builder


def test_an_agent_confirms_or_releases_and_the_evidence_stays(
    client_of: Callable[[Role], AppClient], database: Database
) -> None:
    evidence = {"words": ["hacked"], "category": "account_security", "probability": 0.9, "model": "rules"}
    with database.write() as connection:
        conversation = Builder(connection).conversation(emergency=True, priority="urgent")
        calm = Builder(connection).conversation(handle="calm@example.com")
        row = {"conversation_id": conversation, "inbound_id": new_id(), "at": read_clock(connection)}
        insert_rows(connection, EmergencyRow, rows=[row | {"evidence": evidence}])
    path, agent = f"/api/v1/conversations/{conversation}/emergency", client_of(Role.AGENT)

    assert agent.get(path).json()["confirmed"] is None
    assert client_of(Role.VIEWER).post(path, json={"confirmed": True}).status_code == 403
    confirmed = agent.post(path, json={"confirmed": True}).json()
    assert (confirmed["confirmed"], confirmed["evidence"]) == (True, evidence)
    assert agent.post(path, json={"confirmed": False}).json()["confirmed"] is False
    shown = agent.get(f"/api/v1/conversations/{conversation}").json()
    assert (shown["emergency"], shown["priority"]) == (False, "normal")
    with database.read() as connection:
        assert (tally(connection).paged, tally(connection).confirmed, tally(connection).released) == (1, 0, 1)
    assert agent.post(f"/api/v1/conversations/{calm}/emergency", json={"confirmed": True}).status_code == 404


def test_possible_danger_is_listed_first_and_answered_by_any_of_the_ways(
    client_of: Callable[[Role], AppClient], database: Database
) -> None:
    agent = client_of(Role.AGENT)
    with database.write() as connection:
        build = Builder(connection)
        doubtful = [suspected(build, number) for number in range(2)]
        later = build.conversation(handle="calm@example.com", last_message_at=build.now + timedelta(hours=1))
    first, second = (f"/api/v1/conversations/{conversation}" for conversation in doubtful)

    listed = agent.get("/api/v1/conversations").json()["conversations"]
    assert [row["possible_danger"] for row in listed] == [True, True, False]
    newest = agent.get("/api/v1/conversations?sort=newest").json()["conversations"]
    assert newest[0]["id"] == str(later)
    only = agent.get("/api/v1/conversations?possible_danger=true").json()["conversations"]
    assert {row["id"] for row in only} == {str(conversation) for conversation in doubtful}
    assert agent.get(f"{first}/emergency").json()["paged"] is False

    denied = agent.post(f"{first}/emergency", json={"confirmed": False}).json()
    assert (denied["confirmed"], denied["paged"]) == (False, False)
    assert agent.patch(second, json={"emergency": True}).status_code == 200
    shown = agent.get(second).json()
    assert (shown["emergency"], shown["possible_danger"], shown["team"]) == (True, False, "risk")
    assert agent.get(f"{second}/emergency").json()["paged"] is True
    assert agent.patch(second, json={"emergency": False}).status_code == 200
    assert agent.get(second).json()["team"] == "payments"
    assert agent.post(f"{second}/emergency", json={"confirmed": None}).json()["confirmed"] is True
    assert agent.patch(f"/api/v1/conversations/{later}", json={"emergency": True}).status_code == 409


def suspected(build: Builder, number: int) -> UUID:
    """Return a conversation about which an agent is asked."""
    conversation = build.conversation(handle=f"doubtful{number}@example.com", possible_danger=True)
    paged = {"team": "risk", "priority": "urgent", "route": "security", "sla": None, "teams": ["risk"]}
    row = {"conversation_id": conversation, "inbound_id": new_id(), "at": read_clock(build.connection)}
    row |= {"evidence": {"words": ["gave the code"], "danger": 0.09}, "paged": paged}
    insert_rows(build.connection, DangerQuestionRow, rows=[row])
    return conversation
