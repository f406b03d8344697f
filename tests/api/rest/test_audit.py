"""Each reading leaves a row in the audit trail, and is not slowed by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from fastapi import FastAPI

from store.db.engine import Database
from store.desk.audit import is_anything_unsealed
from tests.app_client import AppClient
from tests.inbox_builder import Builder
from workers.chores.publish_events import Publisher, seal_step


def test_who_reads_a_conversation_or_is_refused_stands_in_the_trail(
    app: FastAPI, client_of: Callable[[str], AppClient], database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="K7QF2MXD4")
        build.message(case)
    agent, auditor = client_of("agent"), client_of("auditor")
    # When an agent reads, a page polls itself, and an agent is refused
    agent.get("/api/v1/conversations")
    agent.get("/api/v1/conversations/K7QF2MXD4")
    for _ in range(3):
        agent.get(f"/api/v1/conversations/{case}", headers={"X-Omniyard-Poll": "1"})
    agent.get("/api/v1/audit")
    agent.get("/api/v1/conversations/%00%F0%9F")
    app.state.desk.trail.flush()
    publisher = Publisher(database, takeover=timedelta(seconds=5), steps=(seal_step,), is_due=(is_anything_unsealed,))
    while publisher.once():
        pass
    # Then each stands there once
    entries = auditor.get("/api/v1/audit", params={"actor": "the agent"}).json()["entries"]
    seen = [(entry["action"], entry["object"]) for entry in reversed(entries)]
    reads = [("request.listed", ""), ("request.read", "K7QF2MXD4"), ("request.read", str(case))]
    assert seen[:4] == [*reads, ("request.refused", "")]
    assert [action for action, _ in seen[4:]] == ["request.refused"]
    page = auditor.get("/api/v1/audit", params={"limit": 1}).json()
    assert page["next_before"] == page["entries"][0]["number"] == len(seen)
    publisher.release()
