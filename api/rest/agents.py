"""`/agents`, `/teams`, `/reply-texts`: the agents and their duty, the teams, and the prepared texts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb, can
from api.http.problems import ProblemError, documented
from api.http.requests import Moment, RequestModel
from api.paths import API
from router.errors import NotFound
from router.settings.values import title_in
from store.db.engine import read_clock
from store.desk.agents import AgentRecord, list_agents, names_in_teams
from store.desk.assignment import Duty, duties, set_absence, set_duty
from store.events.append import EventKind, NewEvent, append_events
from store.tables.agents import SkillKind

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_MOST_CAPACITY: Final = 1_000
_MOST_SLOTS: Final = 100
_MOST_VALUES: Final = 50
_AGENT: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "Ann",
    "role": "agent",
    "available": True,
    "capacity": 20,
    "chat_slots": None,
    "teams": ["payments"],
    "languages": ["zh", "en"],
    "categories": [],
    "last_used_at": "2026-11-20T04:00:00Z",
    "away_from": None,
    "away_until": None,
}
_TEAM: Final[dict[str, Any]] = {
    "name": "payments",
    "title": "Payments",
    "assign": "round_robin",
    "fallback": None,
    "agents": ["Ann"],
}
_TEXT: Final[dict[str, Any]] = {
    "name": "receipt",
    "texts": {"en": "We have your message. Case {reference}.", "zh": "已收到您的消息。编号 {reference}。"},
}

routes: Final = APIRouter(prefix=API, tags=["agents"])
Reader = Annotated[Actor, Depends(Requires(Verb.READ_AGENTS))]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class AgentEntry(BaseModel):
    """An agent. Work needs at least one team; no language or category means any."""

    model_config = example(_AGENT)

    id: UUID
    name: str
    role: str
    available: bool = Field(description="Takes assigned work.")
    capacity: int = Field(description="The limit of assigned work: low counts 1, normal 2, high 3, urgent 4.")
    chat_slots: int | None = Field(description="How many chats at once; null for what the chat's channel says.")
    teams: list[str]
    languages: list[str]
    categories: list[str]
    last_used_at: datetime | None = Field(description="The last request, to ten minutes.")
    away_from: datetime | None = Field(description="When an absence begins; null for at once.")
    away_until: datetime | None = Field(description="When it ends: no work is assigned before; null for no absence.")


class AgentList(BaseModel):
    """All agents who are not revoked, by name."""

    model_config = example({"agents": [_AGENT]})

    agents: list[AgentEntry]


class DutyOrder(RequestModel):
    """What to change. Agents may change their own availability, `capacity`, `chat_slots` and absence.

    The rest needs a supervisor.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"available": True, "capacity": 20}]})

    available: bool | None = None
    capacity: int | None = Field(default=None, ge=0, le=_MOST_CAPACITY)
    chat_slots: int | None = Field(
        default=None, ge=0, le=_MOST_SLOTS, description="Chats at once; null for what the chat's channel says."
    )
    away_from: Moment | None = Field(default=None, description="With `away_until`: when an absence begins.")
    away_until: Moment | None = Field(default=None, description="When it ends; null takes an absence back.")
    teams: list[Name] | None = Field(default=None, max_length=_MOST_VALUES, description="Whose conversations they see.")
    languages: list[Name] | None = Field(default=None, max_length=_MOST_VALUES)
    categories: list[Name] | None = Field(default=None, max_length=_MOST_VALUES)

    def slots(self) -> int | None:
        """Return the chats at once as `set_duty` takes them: None changes nothing, below 0 takes the number back."""
        return -1 if "chat_slots" in self.model_fields_set and self.chat_slots is None else self.chat_slots

    def skills(self) -> dict[SkillKind, list[str]]:
        """Return the skills that the order names."""
        pairs = (
            (SkillKind.TEAM, self.teams),
            (SkillKind.LANGUAGE, self.languages),
            (SkillKind.CATEGORY, self.categories),
        )
        return {kind: values for kind, values in pairs if values is not None}


class TeamEntry(BaseModel):
    """A team of the configuration."""

    model_config = example(_TEAM)

    name: str
    title: str
    assign: str = Field(description="`manual`, `round_robin` or `least_busy`.")
    fallback: str | None = Field(description="The team that takes over while no agent of this one is available.")
    agents: list[str]


class TeamList(BaseModel):
    """Every team."""

    model_config = example({"teams": [_TEAM]})

    teams: list[TeamEntry]


class ReplyText(BaseModel):
    """A prepared text of the configuration. Its placeholders are in braces."""

    model_config = example(_TEXT)

    name: str
    texts: dict[str, str] = Field(description="By language.")


class ReplyTextList(BaseModel):
    """Every text."""

    model_config = example({"reply_texts": [_TEXT]})

    reply_texts: list[ReplyText]


@routes.get("/agents", responses=documented(), summary="List the agents")
def list_all(desk: DeskPart, actor: Reader, shown: Shown) -> AgentList:
    """Return all agents, with their duty; readers who are limited to teams get those of their teams."""
    with desk.database.read() as connection:
        agents = _entries(connection, actor=actor)
    shown.are(agents)
    return AgentList(agents=agents)


@routes.patch("/agents/{agent_id}", responses=documented("not-found"), summary="Availability, capacity and skills")
def change_agent(
    desk: DeskPart,
    agent_id: UUID,
    order: DutyOrder,
    actor: Annotated[Actor, Depends(Requires(Verb.SET_OWN_DUTY))],
) -> AgentEntry:
    """Change an agent's duty: your own availability and capacity, or, as a supervisor, everything of any agent."""
    with desk.database.write() as connection:
        return set_duty_of(connection, desk, agent_id, order=order, actor=actor)


def set_duty_of(connection: Connection, desk: Desk, agent_id: UUID, *, order: DutyOrder, actor: Actor) -> AgentEntry:
    """Change an agent's duty and append its event; the page's forms call it too.

    Raises NotFound when there is no such agent, ProblemError for a field that the actor may not change.
    """
    _known(order.teams, desk.settings.teams, noun="team")
    _known(order.categories, desk.settings.categories, noun="category")
    name = next((each.name for each in _in_force(connection) if each.id == agent_id), None)
    if name is None:
        raise NotFound("there is no agent with that id")
    _refuse_foreign(actor, agent_id, order=order)
    set_duty(
        connection,
        name=name,
        available=order.available,
        capacity=order.capacity,
        chat_slots=order.slots(),
        skills=order.skills(),
    )
    if "away_until" in order.model_fields_set:
        set_absence(connection, name=name, away_from=order.away_from, away_until=order.away_until)
    payload = {"agent": name, "by": actor.name, **order.model_dump(mode="json", exclude_unset=True)}
    append_events(connection, [NewEvent(EventKind.AGENT_DUTY_CHANGED, None, payload, at=read_clock(connection))])
    return next(entry for entry in _entries(connection, actor=actor) if entry.id == agent_id)


@routes.get("/teams", responses=documented(), summary="List the teams and their agents")
def list_teams(desk: DeskPart, actor: Reader, shown: Shown) -> TeamList:
    """Return the teams of the configuration, with the agents that you see."""
    with desk.database.read() as connection:
        agents = _entries(connection, actor=actor)
    teams = [
        TeamEntry(
            name=name,
            title=title_in(team.title, "en", name=name),
            assign=team.assign,
            fallback=team.fallback,
            agents=[agent.name for agent in agents if name in agent.teams],
        )
        for name, team in desk.settings.teams.items()
    ]
    shown.are(teams)
    return TeamList(teams=teams)


@routes.get("/reply-texts", responses=documented(), summary="List the prepared texts")
def list_reply_texts(desk: DeskPart, _: Reader, shown: Shown) -> ReplyTextList:
    """Return the texts of the configuration, with unfilled placeholders."""
    texts = [ReplyText(name=name, texts=dict(reply.text)) for name, reply in desk.settings.replies.items()]
    shown.are(texts)
    return ReplyTextList(reply_texts=texts)


def _refuse_foreign(actor: Actor, agent_id: UUID, *, order: DutyOrder) -> None:
    if can(actor, Verb.SET_DUTIES):
        return
    if agent_id != actor.id:
        raise ProblemError("forbidden", "your role may set only your own availability")
    # Teams decide whose conversations an agent sees: an agent may not extend that.
    if order.skills():
        raise ProblemError("forbidden", "teams, languages and categories are set by a supervisor")


def refuse_unknown_teams(desk: Desk, teams: Collection[str]) -> None:
    """Raise ProblemError if a team is not in the configuration."""
    _known(teams, desk.settings.teams, noun="team")


def _known(names: Collection[str] | None, known: Mapping[str, object], *, noun: str) -> None:
    for name in names or ():
        if known and name not in known:
            raise ProblemError("invalid", f"there is no {noun} named {name}; expected one of: {', '.join(known)}")


def _in_force(connection: Connection) -> list[AgentRecord]:
    return [row for row in list_agents(connection) if row.revoked_at is None]


def _entries(connection: Connection, *, actor: Actor) -> list[AgentEntry]:
    known, teams = duties(connection), actor.sees_only
    seen = known.keys() if teams is None else names_in_teams(connection, teams)
    return [_entry(row, known[row.name]) for row in _in_force(connection) if row.name in seen]


def _entry(row: AgentRecord, duty: Duty) -> AgentEntry:
    return AgentEntry(
        id=row.id,
        name=row.name,
        role=row.role,
        available=duty.available,
        capacity=duty.capacity,
        chat_slots=duty.chat_slots,
        teams=list(duty.skills[SkillKind.TEAM]),
        languages=list(duty.skills[SkillKind.LANGUAGE]),
        categories=list(duty.skills[SkillKind.CATEGORY]),
        last_used_at=row.last_used_at,
        away_from=duty.away_from,
        away_until=duty.away_until,
    )
