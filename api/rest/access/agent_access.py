"""`/agents`: administrators add agents, change how they sign in, and end their access."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Role, Verb
from api.http.problems import ProblemError, documented
from api.http.requests import RequestModel
from api.paths import API
from api.rest.access.access_audit import write_down
from api.rest.agents import refuse_unknown_teams
from router.errors import NotFound
from store.desk.access.provider_accounts import email_of, is_bound, release_account, set_email
from store.desk.access.recovery_codes import count_recovery_codes
from store.desk.agents import AgentRecord, add_agent, change_role, list_agents, revoke_agent
from store.desk.assignment import set_duty
from store.desk.audit import AuditAction
from store.desk.passwords import has_factor
from store.tables.agents import SkillKind

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_TOKEN: Final = f"oy_{_ID.replace('-', '')}_shown-once"
_ACCESS: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "Ann",
    "role": "agent",
    "email": "ann@wallet.example",
    "has_account": False,
    "has_second_factor": True,
    "recovery_codes": 10,
}

routes: Final = APIRouter(prefix=API, tags=["agents"])
Manager = Annotated[Actor, Depends(Requires(Verb.MANAGE_AGENTS))]
Email = Annotated[str, Field(max_length=320)]


class NewAgent(RequestModel):
    """An agent to add. email: names the agent at the sign-in provider."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Ann", "role": "agent", "teams": ["payments"]}]}
    )

    name: str = Field(min_length=1, max_length=100)
    role: Role
    teams: list[str] = Field(default=[], max_length=50)
    email: Email = ""


class AddedAgent(BaseModel):
    """The new agent, with the token, which is shown only now."""

    model_config = example({"id": _ID, "name": "Ann", "role": "agent", "token": _TOKEN})

    id: UUID
    name: str
    role: str
    token: str


class AgentAccess(BaseModel):
    """How an agent gets in."""

    model_config = example(_ACCESS)

    id: UUID
    name: str
    role: str
    email: str = Field(description="Empty for none.")
    has_account: bool = Field(description="Linked to an account at the sign-in provider.")
    has_second_factor: bool
    recovery_codes: int = Field(description="How many are left.")


class AccessOrder(RequestModel):
    """What to change. `has_account: false` unlinks the account at the sign-in provider."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"role": "senior", "email": "ann@wallet.example"}]}
    )

    role: Role | None = None
    email: Email | None = None
    has_account: Annotated[bool, Field(strict=True)] | None = None


@routes.post("/agents", status_code=201, responses=documented("conflict"), summary="Add an agent")
def add(desk: DeskPart, order: NewAgent, actor: Manager) -> AddedAgent:
    """Add an agent and return the token, once. Without teams they see every team's conversations."""
    refuse_unknown_teams(desk, order.teams)
    with desk.database.write() as connection:
        made, token = add_agent(connection, name=order.name, role=order.role.value)
        set_duty(connection, name=made.name, skills={SkillKind.TEAM: order.teams})
        if order.email:
            set_email(connection, name=made.name, email=order.email)
    write_down(desk, actor, AuditAction.AGENT_ADDED, about=made.name, role=order.role.value)
    return AddedAgent(id=made.id, name=made.name, role=made.role, token=token)


@routes.get("/agents/{agent_id}/access", responses=documented("not-found"), summary="How an agent gets in")
def read_access(desk: DeskPart, agent_id: UUID, _: Manager) -> AgentAccess:
    """Return the role, the mail address, and what is set up; no secret."""
    with desk.database.read() as connection:
        return _access(connection, in_force(connection, agent_id))


@routes.patch("/agents/{agent_id}/access", responses=documented("not-found", "conflict"), summary="Role and address")
def change_access(desk: DeskPart, agent_id: UUID, order: AccessOrder, actor: Manager) -> AgentAccess:
    """Change the role or the mail address, or unlink the account; another role ends the agent's sessions."""
    if order.role is not None:
        refuse_own(actor, agent_id)
    with desk.database.write() as connection:
        agent = in_force(connection, agent_id)
        if order.role is not None:
            change_role(connection, name=agent.name, role=order.role.value)
        if order.email is not None:
            set_email(connection, name=agent.name, email=order.email)
        if order.has_account is False:
            release_account(connection, name=agent.name)
        access = _access(connection, in_force(connection, agent_id))
    for action, detail in _audit_rows(order):
        write_down(desk, actor, action, about=agent.name, **detail)
    return access


@routes.delete(
    "/agents/{agent_id}", status_code=204, responses=documented("not-found"), summary="End an agent's access"
)
def end(desk: DeskPart, agent_id: UUID, actor: Manager) -> None:
    """End the token and all sessions. The name stays taken, and what the agent did stays theirs."""
    refuse_own(actor, agent_id)
    with desk.database.write() as connection:
        agent = in_force(connection, agent_id)
        revoke_agent(connection, name=agent.name)
    write_down(desk, actor, AuditAction.AGENT_REVOKE, about=agent.name)


def in_force(connection: Connection, agent_id: UUID) -> AgentRecord:
    """Return an agent who is not revoked. Raises NotFound."""
    found = next((row for row in list_agents(connection) if row.id == agent_id and row.revoked_at is None), None)
    if found is None:
        raise NotFound("there is no agent with that id")
    return found


def refuse_own(actor: Actor, agent_id: UUID) -> None:
    """Raise ProblemError if it is the caller: an administrator who locks themselves out may be the last one."""
    if agent_id == actor.id:
        raise ProblemError("forbidden", "an administrator does not take the own access away")


def _access(connection: Connection, agent: AgentRecord) -> AgentAccess:
    return AgentAccess(
        id=agent.id,
        name=agent.name,
        role=agent.role,
        email=email_of(connection, agent.name),
        has_account=is_bound(connection, agent.name),
        has_second_factor=has_factor(connection, agent.name),
        recovery_codes=count_recovery_codes(connection, agent.id),
    )


def _audit_rows(order: AccessOrder) -> list[tuple[AuditAction, dict[str, str]]]:
    """Return the audit rows of a change, named as the page names them; an address is no detail of the trail."""
    rows: list[tuple[AuditAction, dict[str, str]]] = []
    if order.role is not None:
        rows.append((AuditAction.AGENT_ROLE, {"role": order.role.value}))
    if order.email is not None:
        rows.append((AuditAction.AGENT_EMAIL, {}))
    if order.has_account is False:
        rows.append((AuditAction.AGENT_ACCOUNT, {}))
    return rows
