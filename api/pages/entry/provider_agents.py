"""The agent whom a provider's token names: found, bound to the account, with the role and teams that its claims say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from api.desk import Desk
from api.http.permissions import Actor, Role
from connectors.oidc.rounds import ProvenIdentity
from router.errors import PermanentError
from router.settings.oidc import OidcSettings
from store.db.engine import read_clock
from store.desk.access.provider_accounts import bind_account, find_by_email
from store.desk.agents import AgentRecord, change_role, find_by_name
from store.desk.assignment import set_duty
from store.desk.audit import AuditAction, AuditEntry, append_audit
from store.tables.agents import SkillKind

_EMAIL: Final = "email"


class AgentRefusal(PermanentError):
    """The provider's token is right, but no agent may sign in with it. why: one word.  agent_id: who was named."""

    def __init__(self, why: str, *, agent_id: UUID | None = None) -> None:
        super().__init__(f"no agent may sign in with this account: {why}")
        self.why, self.agent_id = why, agent_id


def admit(desk: Desk, proven: ProvenIdentity) -> AgentRecord:
    """Return the agent, with role and teams as the claims say. Raises AgentRefusal if there is none."""
    oidc = desk.settings.desk.oidc
    if oidc is None:
        raise AgentRefusal("off")
    with desk.database.write() as connection:
        agent = _named(connection, proven, oidc=oidc)
        role, teams = _role(proven, oidc, agent=agent), _teams(desk, proven, oidc)
        limited = Actor(id=agent.id, name=agent.name, role=role, teams=frozenset({"any"})).sees_only is not None
        if teams is not None and not teams and limited:
            # No team means all teams: an agent who lost the last one at the provider would see more than before.
            raise AgentRefusal("team", agent_id=agent.id)
        if not bind_account(connection, agent, issuer=proven.issuer, subject=proven.subject):
            raise AgentRefusal("account", agent_id=agent.id)
        _follow(connection, agent, role=role, teams=teams)
        return find_by_name(connection, agent.name) or agent


def _named(connection: Connection, proven: ProvenIdentity, *, oidc: OidcSettings) -> AgentRecord:
    said = proven.claims.get(oidc.agent_claim)
    if not isinstance(said, str) or not said.strip():
        raise AgentRefusal("claim")
    is_email = oidc.agent_claim == _EMAIL
    # OpenID Connect Core 1.0 section 5.1: an address that the provider has not checked may be another person's.
    if is_email and proven.claims.get("email_verified", True) is not True:
        raise AgentRefusal("unverified")
    agent = find_by_email(connection, said) if is_email else find_by_name(connection, said)
    if agent is None:
        raise AgentRefusal("agent")
    return agent


def _role(proven: ProvenIdentity, oidc: OidcSettings, *, agent: AgentRecord) -> str:
    if oidc.role_claim is None:
        return agent.role
    said, known = _values(proven, oidc.role_claim), oidc.roles or {role.value: role.value for role in Role}
    found = next((role for value, role in known.items() if value in said), None)
    if found is None:
        raise AgentRefusal("role", agent_id=agent.id)
    return found


def _teams(desk: Desk, proven: ProvenIdentity, oidc: OidcSettings) -> list[str] | None:
    """Return the teams that the claim says; None if the desk's own hold."""
    if oidc.team_claim is None:
        return None
    said, known = _values(proven, oidc.team_claim), oidc.teams or {team: team for team in desk.settings.teams}
    return list(dict.fromkeys(team for value, team in known.items() if value in said))


def _values(proven: ProvenIdentity, claim: str) -> Sequence[str]:
    """Return the values of a claim that is a text or a list of texts."""
    said = proven.claims.get(claim)
    values = said if isinstance(said, list) else [said]
    return [value for value in values if isinstance(value, str)]


def _follow(connection: Connection, agent: AgentRecord, *, role: str, teams: Sequence[str] | None) -> None:
    """Give the agent the role and the teams, and write down what changed."""
    changes: dict[str, str] = {}
    if role != agent.role:
        change_role(connection, name=agent.name, role=role)
        changes["role"] = role
    if teams is not None and frozenset(teams) != agent.teams:
        set_duty(connection, name=agent.name, skills={SkillKind.TEAM: teams})
        changes["teams"] = ", ".join(teams)
    if changes:
        entry = AuditEntry(
            at=read_clock(connection),
            actor=agent.name,
            actor_id=agent.id,
            action=AuditAction.AGENT_PROVIDER_SET,
            object=agent.name,
            detail=changes,
        )
        append_audit(connection, [entry])
