"""Agents, tokens and saved views by REST: the rights of the pages, secrets shown once, and rows in the trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.assignment import set_duty
from store.tables.agents import SkillKind
from store.tables.operations import AuditRow
from tests.api.conftest import MovingClock
from tests.app_client import AppClient

AGENTS = "/api/v1/agents"
TOKENS = "/api/v1/tokens"
VIEWS = "/api/v1/views"
Client = Callable[[str], AppClient]


def trail_of(app: Any, database: Database) -> list[tuple[str, str]]:
    app.state.desk.trail.flush()
    table = table_of(AuditRow)
    ours = sa.select(table.c.action, table.c.object).where(table.c.action.startswith("agent."))
    with database.read() as connection:
        return [(row.action, row.object) for row in connection.execute(ours.order_by(table.c.at, table.c.id))]


@pytest.fixture
def bearer(app: Any, portal: Any) -> Callable[[str], AppClient]:
    return lambda token: AppClient(app, portal, headers={"Authorization": f"Bearer {token}"})


def test_an_agent_is_added_changed_and_ended(
    app: Any, client_of: Client, bearer: Callable[[str], AppClient], database: Database
) -> None:
    admin = client_of("admin")
    made = admin.post(AGENTS, json={"name": "Li Na", "role": "agent", "teams": ["risk"], "email": "Li@wallet.example"})
    assert made.status_code == 201
    agent, theirs = made.json(), bearer(made.json()["token"])
    assert theirs.get(VIEWS).status_code == 200
    assert admin.post(AGENTS, json={"name": "Li Na", "role": "agent"}).status_code == 409
    same = {"name": "Wu", "role": "agent", "email": "li@wallet.example"}
    assert (admin.post(AGENTS, json=same).status_code, len(admin.get(AGENTS).json()["agents"])) == (409, 2)
    assert admin.post(AGENTS, json={"name": "Wu", "role": "agent", "teams": ["nowhere"]}).status_code == 422
    access = f"{AGENTS}/{agent['id']}/access"
    assert admin.get(access).json() == {
        "id": agent["id"],
        "name": "Li Na",
        "role": "agent",
        "email": "li@wallet.example",
        "has_account": False,
        "has_second_factor": False,
        "recovery_codes": 0,
    }
    assert admin.patch(access, json={"role": "senior", "email": ""}).json()["role"] == "senior"
    assert admin.patch(access, json={"email": "not an address"}).status_code == 422
    assert admin.delete(f"{AGENTS}/{agent['id']}").status_code == 204
    assert (admin.delete(f"{AGENTS}/{agent['id']}").status_code, theirs.get(VIEWS).status_code) == (404, 401)
    assert trail_of(app, database) == [
        *(("agent.added", "Li Na"), ("agent.role", "Li Na"), ("agent.email", "Li Na"), ("agent.revoke", "Li Na"))
    ]


def test_a_token_is_listed_without_itself_made_limited_and_ended(
    app: Any, client_of: Client, bearer: Callable[[str], AppClient], database: Database, clock: MovingClock
) -> None:
    admin = client_of("admin")
    agent = admin.post(AGENTS, json={"name": "Exporter", "role": "agent"}).json()
    path = f"{AGENTS}/{agent['id']}/token"
    made = admin.post(path, json={"overlap_days": 0, "expires_at": "2027-01-01T00:00:00Z"})
    assert (made.status_code, made.json()["entry"]["expires_at"]) == (201, "2027-01-01T00:00:00Z")
    new, old = bearer(made.json()["token"]), bearer(agent["token"])
    assert (new.get(VIEWS).status_code, old.get(VIEWS).status_code) == (200, 401)
    limited = admin.patch(path, json={"scopes": ["agents:read"]}).json()
    assert (limited["scopes"], limited["expires_at"]) == (["agents:read"], "2027-01-01T00:00:00Z")
    assert (new.get(VIEWS).status_code, new.get(AGENTS).status_code) == (403, 200)
    assert admin.patch(path, json={"scopes": None, "expires_at": None}).json()["scopes"] is None
    assert new.get(VIEWS).status_code == 200
    listed = admin.get(TOKENS).text
    assert '"Exporter"' in listed
    assert made.json()["token"] not in listed
    assert admin.delete(path).status_code == 204
    assert new.get(VIEWS).status_code == 401
    assert [each["agent"] for each in admin.get(TOKENS).json()["tokens"]] == ["the admin"]
    actions = [action for action, _ in trail_of(app, database)]
    assert actions == ["agent.added", "agent.token", "agent.token_limited", "agent.token_limited", "agent.token_ended"]


@pytest.mark.parametrize("role", ["viewer", "agent", "senior", "supervisor", "auditor"])
def test_only_administrators_manage_access_and_none_ends_their_own(client_of: Client, role: str) -> None:
    admin, other = client_of("admin"), client_of(role)
    mine = next(each["id"] for each in admin.get(AGENTS).json()["agents"] if each["name"] == "the admin")
    asks = (
        ("POST", AGENTS, {"name": "x", "role": "admin"}),
        ("GET", TOKENS, None),
        ("GET", f"{AGENTS}/{mine}/access", None),
        ("PATCH", f"{AGENTS}/{mine}/access", {"role": "viewer"}),
        ("POST", f"{AGENTS}/{mine}/token", {}),
        ("PATCH", f"{AGENTS}/{mine}/token", {"scopes": []}),
        ("DELETE", f"{AGENTS}/{mine}/token", None),
        ("DELETE", f"{AGENTS}/{mine}", None),
    )
    assert {other.request(method, path, json=body).status_code for method, path, body in asks} == {403}
    own = [admin.request(method, path, json=body).status_code for method, path, body in asks if mine in path]
    assert own == [200, 403, 201, 401, 401, 401] or own == [200, 403, 201, 403, 403, 403]


def test_views_are_kept_changed_and_deleted_for_oneself_and_for_ones_teams(
    client_of: Client, database: Database
) -> None:
    agent, viewer, senior = client_of("agent"), client_of("viewer"), client_of("senior")
    with database.write() as connection:
        set_duty(connection, name="the agent", skills={SkillKind.TEAM: ["payments"]})
        set_duty(connection, name="the senior", skills={SkillKind.TEAM: ["risk"]})
    mine = agent.post(VIEWS, json={"name": "Mine", "query": "category=refund&cursor=zzz&view=mine"})
    assert (mine.status_code, mine.json()["query"]) == (201, "category=refund&view=mine")
    ours = agent.post(VIEWS, json={"name": "Ours", "query": "", "team": "payments"}).json()
    assert agent.post(VIEWS, json={"name": "Theirs", "query": "", "team": "risk"}).status_code == 403
    assert viewer.post(VIEWS, json={"name": "Ours", "query": "", "team": "payments"}).status_code == 403
    assert agent.post(VIEWS, json={"name": "  ", "query": ""}).status_code == 422
    assert agent.post(VIEWS, json={"name": "x", "query": "overdue=perhaps"}).status_code == 422
    changed = agent.patch(f"{VIEWS}/{mine.json()['id']}", json={"name": "Refunds"}).json()
    assert (changed["name"], changed["query"]) == ("Refunds", "category=refund&view=mine")
    assert [(view["name"], view["may_change"]) for view in agent.get(VIEWS).json()["views"]] == [
        ("Refunds", True),
        ("Ours", True),
    ]
    # An agent without teams sees the team's view; only those who may share it change it; another team has neither.
    assert [(view["name"], view["may_change"]) for view in viewer.get(VIEWS).json()["views"]] == [("Ours", False)]
    path = f"{VIEWS}/{ours['id']}"
    for other in (viewer, senior):
        assert other.patch(path, json={"name": "Gone"}).status_code == 404
        assert other.delete(path).status_code == 404
    assert senior.get(VIEWS).json()["views"] == []
    assert (agent.delete(path).status_code, agent.delete(path).status_code) == (204, 404)
