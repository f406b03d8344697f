"""Emergencies at the desk: their evidence, and an agent's verdict."""

from __future__ import annotations

from collections.abc import Callable

from api.http.permissions import Role
from store.conversations.alarms import tally
from store.db.bulk import insert_rows
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.tables.desk import EmergencyRow
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
