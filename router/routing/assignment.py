"""Choose the agent of a conversation: among those who are available, skilled and have capacity, the next in turn."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final, Literal

from router.reason import Reason, ReasonKey

Mode = Literal["manual", "round_robin", "least_busy"]

# How much of its agent's capacity a conversation takes.
WEIGHTS: Final[Mapping[str, int]] = {"low": 1, "normal": 2, "high": 3, "urgent": 4}


class Turn(IntEnum):
    """In which order cases are assigned; within a turn the oldest first."""

    EMERGENCY = 0
    POSSIBLE_DANGER = 1
    REST = 2


_UNKNOWN: Final = ("", "und", "mul")
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuty:
    """An agent who is available.

    load: the weights of the assigned conversations.  assigned_at: when the agent last got work.
    languages, categories: what the agent may get; empty means any.  sees_all: of every team.
    chats: how many visitors the agent talks to now.  chat_slots: the most; None for what the chat's channel says.
    """

    name: str
    teams: frozenset[str]
    languages: frozenset[str]
    categories: frozenset[str]
    capacity: int
    load: int
    assigned_at: datetime | None
    sees_all: bool = False
    chats: int = 0
    chat_slots: int | None = None

    def sees(self, team: str) -> bool:
        """Return whether the agent sees the team's conversations."""
        return self.sees_all or not self.teams or team in self.teams


# As `api.http.permissions` says it of `conversations:work`, and of those who see every team.
WORKING_ROLES: Final = frozenset({"agent", "senior", "supervisor", "admin"})
SEES_ALL_ROLES: Final = frozenset({"supervisor", "auditor", "admin"})
WORK_SCOPE: Final = "conversations:work"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignee:
    """An agent who has a conversation, or is to have it.

    in_force: neither revoked, nor with an expired token.  teams: empty means all.  scopes: None means all of the role.
    """

    name: str
    role: str
    in_force: bool
    teams: frozenset[str]
    scopes: frozenset[str] | None

    def refusal(self, team: str) -> Reason | None:
        """Return why the agent cannot have a conversation of the team; None if the agent can."""
        if not self.in_force:
            return Reason(ReasonKey.AGENT_NOT_IN_FORCE, {"agent": self.name})
        if self.role not in WORKING_ROLES or (self.scopes is not None and WORK_SCOPE not in self.scopes):
            return Reason(ReasonKey.AGENT_MAY_NOT_WORK, {"agent": self.name})
        if self.role not in SEES_ALL_ROLES and self.teams and team not in self.teams:
            return Reason(ReasonKey.AGENT_NOT_IN_TEAM, {"agent": self.name, "team": team})
        return None


def fallbacks_of(team: str, *, fallbacks: Mapping[str, str | None]) -> list[str]:
    """Return the teams that take over for a team, nearest first; a circle of fall-backs ends before it closes."""
    chain = [team]
    while (following := fallbacks.get(chain[-1])) is not None and following not in chain:
        chain.append(following)
    return chain[1:]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignableCase:
    """An unassigned conversation. slots: of a chat whose visitor is there, how many of them an agent has at once."""

    team: str
    priority: str
    language: str
    category: str | None
    slots: int | None = None

    @property
    def weight(self) -> int:
        """How much of its agent's capacity it takes."""
        return WEIGHTS.get(self.priority, WEIGHTS["normal"])


@dataclass(frozen=True, slots=True)
class AssigneeChoice:
    """agent: the assignee, None for none yet.  no_candidate: no agent could take it, even with free capacity."""

    agent: OnDuty | None
    no_candidate: bool
    why: Reason


def choose_assignee(case: AssignableCase, *, agents: Sequence[OnDuty], mode: Mode) -> AssigneeChoice:
    """Return the assignee of the case. agents: all available agents, of any team."""
    members = [agent for agent in agents if case.team in agent.teams]
    if not members:
        return AssigneeChoice(None, no_candidate=True, why=Reason(ReasonKey.TEAM_IS_AWAY, {"team": case.team}))
    able = [agent for agent in members if _speaks(agent, case.language) and _knows(agent, case.category)]
    if not able:
        return AssigneeChoice(None, no_candidate=True, why=_no_match(case))
    free = [agent for agent in able if _has_room(agent, case)]
    if not free:
        return AssigneeChoice(None, no_candidate=False, why=Reason(ReasonKey.TEAM_IS_FULL, {"team": case.team}))
    by_load = _by_load if case.slots is None else _by_chats
    chosen = min(free, key=by_load if mode == "least_busy" else _by_turn)
    key = ReasonKey.LEAST_BUSY if mode == "least_busy" else ReasonKey.NEXT_TURN
    return AssigneeChoice(chosen, no_candidate=False, why=Reason(key))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTarget:
    """Where an alarm goes that no one has confirmed: to an agent, or to a team whose agents take it."""

    team: str
    assignee: str | None

    @property
    def name(self) -> str:
        """Return the agent's name, else the team's."""
        return self.assignee or self.team


def next_target(
    now_at: AlarmTarget, *, listed: Sequence[str], step: int, teams: Collection[str], agents: Sequence[OnDuty]
) -> AlarmTarget | None:
    """Return where an alarm goes next; None if no one is there for it.

    listed: agents and teams of the operator's file, in turn and then from the start again; empty: an available
    agent of its team, the one whose turn it is.  step: 1 for the first time.
    teams: those that the file describes.  agents: of `listed` all who exist, else those who are available.
    """
    if not listed:
        members = [agent for agent in agents if now_at.team in agent.teams and agent.name != now_at.assignee]
        chosen = min(members, key=_by_turn, default=None)
        return AlarmTarget(team=now_at.team, assignee=chosen.name) if chosen else None
    known, first = {agent.name: agent for agent in agents}, (step - 1) % len(listed)
    for name in (*listed[first:], *listed[:first]):
        if name in teams:
            return AlarmTarget(team=name, assignee=None)
        if name in known and name != now_at.assignee:
            # An agent of other teams must see the case: it goes with the alarm to one of them.
            agent = known[name]
            team = now_at.team if agent.sees(now_at.team) else min(agent.teams)
            return AlarmTarget(team=team, assignee=name)
    return None


def _no_match(case: AssignableCase) -> Reason:
    wanted = ", ".join(filter(None, (case.language, case.category)))
    return Reason(ReasonKey.NO_AGENT_MATCHES, {"team": case.team, "wanted": wanted})


def _has_room(agent: OnDuty, case: AssignableCase) -> bool:
    if case.slots is not None:
        # A visitor waits at a screen: a chat needs a place of its own, and no mail keeps it from one.
        return agent.chats < (case.slots if agent.chat_slots is None else agent.chat_slots) and agent.capacity > 0
    # An agent without work takes any case; a capacity of 0 takes none.
    return agent.load + case.weight <= agent.capacity or (agent.load == 0 < agent.capacity)


def _speaks(agent: OnDuty, language: str) -> bool:
    # "zh" means Chinese in either script; a text without words needs no language.
    spoken = {language, language.partition("-")[0]}
    return not agent.languages or language in _UNKNOWN or bool(spoken & agent.languages)


def _knows(agent: OnDuty, category: str | None) -> bool:
    return not agent.categories or category is None or category in agent.categories


def _by_turn(agent: OnDuty) -> tuple[datetime, str]:
    return (agent.assigned_at or _NEVER, agent.name)


def _by_chats(agent: OnDuty) -> tuple[int, datetime, str]:
    return (agent.chats, *_by_turn(agent))


def _by_load(agent: OnDuty) -> tuple[float, datetime, str]:
    return (agent.load / agent.capacity, *_by_turn(agent))
