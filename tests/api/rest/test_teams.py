"""Access: every route and role, objects of other teams; tokens with scopes, with an expiry, and rotated ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.http.permissions import Role
from store.db.engine import Database
from store.desk.agents import add_agent, find_by_token, revoke_agent, rotate_token
from store.desk.assignment import set_duty
from store.tables.agents import SkillKind
from tests.app_client import AppClient
from tests.inbox_builder import Builder, mail_with_file

API = "/api/v1"
# Anything of the other team's that an answer may not hold.
THEIRS = ("Chen Fang", "chen@example.com", "QQQQQQQQ2", "secret of risk")


@pytest.fixture
def foreign(database: Database) -> dict[str, str]:
    """Things of the team risk, by the name that routes give to their ids."""
    with database.write() as connection:
        build = Builder(connection)
        home = build.conversation(
            reference="QQQQQQQQ2", team="risk", subject="A secret of risk", handle="chen@example.com", name="Chen Fang"
        )
        message = build.message(
            home, mail=mail_with_file(), text="The secret of risk", contact_id=build.contacts["chen@example.com"],
            sender_handle="chen@example.com", sender_name="Chen Fang",
        )  # fmt: skip
        return {
            "key": str(home),
            "message_id": str(message),
            "attachment_id": str(build.attachment(message)),
            "outbound_id": str(build.outbound(home, state="needs_person", recipient="chen@example.com")),
            "contact_id": str(build.contacts["chen@example.com"]),
        }


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in app.openapi()["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def example_body(app: FastAPI, operation: dict[str, Any]) -> Any:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    name = content["schema"]["$ref"].rpartition("/")[2]
    return app.openapi()["components"]["schemas"][name]["examples"][0]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT, Role.SENIOR])
def test_things_of_another_team_are_found_by_no_route(
    app: FastAPI, client_of: Callable[[str], AppClient], database: Database, foreign: dict[str, str], role: Role
) -> None:
    client = client_of(role)
    with database.write() as connection:
        set_duty(connection, name=f"the {role}", skills={SkillKind.TEAM: ["payments"]})
    before = _conversations(database)
    swept = 0
    for method, path, operation in operations(app):
        names = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"]
        if not path.startswith(API) or path.endswith("/stream") or any(name not in foreign for name in names):
            continue
        url = path.format(**foreign)
        query = {each["name"]: "secret" for each in operation.get("parameters", ()) if each["name"] == "q"}
        query |= {"handle": "chen@example.com"} if path.endswith("/contacts") else {}
        body = example_body(app, operation)
        for key in [foreign["key"], "QQQQQQQQ2"] if "key" in names else [""]:
            answer = client.request(
                method, url.replace(foreign["key"], key or foreign["key"]), params=query, json=body,
                headers={"Idempotency-Key": f"sweep-of-all-{swept}"},
            )  # fmt: skip
            swept += 1
            if names:
                assert answer.status_code in {403, 404}, f"{role} {method} {path}: {answer.status_code} {answer.text}"
            assert answer.status_code < 500, f"{role} {method} {path}: {answer.text}"
            said = answer.text.replace(answer.json().get("instance", "-") if answer.status_code >= 400 else "-", "")
            assert not any(each in said for each in THEIRS), f"{role} {method} {path}: {answer.text}"
    assert swept > 40
    assert _conversations(database) == before
    # Many at once, and a merge with one of theirs.
    bulk = client.post(f"{API}/conversations/bulk", json={"keys": [foreign["key"]], "change": {"priority": "low"}})
    assert bulk.status_code == 403 or [each["status"] for each in bulk.json()["results"]] == [404]
    assert client.get("/conversations/QQQQQQQQ2", headers={"Accept": "text/html"}).status_code == 404
    assert client.get(f"/messages/{foreign['message_id']}/frame").status_code == 404


def _conversations(database: Database) -> list[Any]:
    with database.read() as connection:
        return list(connection.execute(sa.text("SELECT * FROM conversation")).all())


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN])
def test_who_answers_for_the_desk_sees_every_team(
    client_of: Callable[[str], AppClient], database: Database, foreign: dict[str, str], role: Role
) -> None:
    client = client_of(role)
    with database.write() as connection:
        set_duty(connection, name=f"the {role}", skills={SkillKind.TEAM: ["payments"]})
    assert client.get(f"{API}/conversations/{foreign['key']}").status_code == 200
    assert client.get(f"{API}/messages/{foreign['message_id']}").status_code == 200


def test_a_token_may_do_less_than_its_role_and_not_for_ever(
    app: FastAPI, portal: BlockingPortal, database: Database
) -> None:
    with database.write() as connection:
        _, token = add_agent(connection, name="reader", role="admin", scopes=["inbox:read"], lasts=timedelta(days=90))
    client = AppClient(app, portal, headers={"Authorization": f"Bearer {token}"})
    assert client.get(f"{API}/conversations").status_code == 200
    assert client.get(f"{API}/channels").status_code == 403
    assert client.post(f"{API}/quarantine/replay", json={"ids": []}).status_code == 403
    with database.write() as connection:
        connection.execute(sa.text("UPDATE agent SET expires_at = '2026-01-01 00:00:00.000000'"))
    assert client.get(f"{API}/conversations").status_code == 401


def test_a_new_token_leaves_time_to_tell_the_programs(database: Database) -> None:
    with database.write() as connection:
        _, old = add_agent(connection, name="sync", role="agent")
        agent, new = rotate_token(connection, name="sync")
        assert find_by_token(connection, old) == find_by_token(connection, new) == agent
        _, newest = rotate_token(connection, name="sync", overlap=timedelta())
        assert [bool(find_by_token(connection, token)) for token in (old, new, newest)] == [False, False, True]
        _, last = rotate_token(connection, name="sync")
        revoke_agent(connection, name="sync")
        assert [find_by_token(connection, token) for token in (newest, last)] == [None, None]


def test_agents_set_their_own_duty_and_supervisors_everybodys(
    client_of: Callable[[str], AppClient], database: Database
) -> None:
    agent, supervisor = client_of("agent"), client_of("supervisor")
    ids = {entry["name"]: entry["id"] for entry in agent.get(f"{API}/agents").json()["agents"]}
    own, other = f"{API}/agents/{ids['the agent']}", f"{API}/agents/{ids['the supervisor']}"
    answer = agent.patch(own, json={"available": True, "capacity": 7})
    assert (answer.json()["available"], answer.json()["capacity"]) == (True, 7)
    assert agent.patch(own, json={"teams": ["risk"]}).status_code == 403
    assert agent.patch(other, json={"available": True}).status_code == 403
    assert client_of("viewer").patch(own, json={"available": True}).status_code == 403
    assert supervisor.patch(own, json={"teams": ["nobodys"]}).status_code == 422
    assert supervisor.patch(own, json={"teams": ["risk"], "languages": ["zh"]}).json()["teams"] == ["risk"]
    teams = {team["name"]: team["agents"] for team in agent.get(f"{API}/teams").json()["teams"]}
    assert teams == {"payments": [], "risk": ["the agent"]}
    assert agent.get(f"{API}/reply-texts").json() == {"reply_texts": []}
