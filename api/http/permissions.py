"""Permissions in one table. Every route asks `can`, and a test fails on a route that does not.

Three things must agree: the role allows it, the token allows it, and the thing belongs to a team that the agent sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID


class Role(StrEnum):
    """The role of an agent."""

    VIEWER = "viewer"
    AGENT = "agent"
    SENIOR = "senior"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Verb(StrEnum):
    """A permission; `noun:verb`."""

    READ_INBOX = "inbox:read"
    WORK_CONVERSATIONS = "conversations:work"
    MERGE_CONVERSATIONS = "conversations:merge"
    EDIT_CONTACTS = "contacts:edit"
    BLOCK_CONTACTS = "contacts:block"
    MERGE_CONTACTS = "contacts:merge"
    EXPORT_CONTACTS = "contacts:export"
    ERASE_CONTACTS = "contacts:erase"
    READ_AGENTS = "agents:read"
    SET_OWN_DUTY = "duty:set-own"
    SET_DUTIES = "duty:set"
    MANAGE_AGENTS = "agents:manage"
    SEND_REPLIES = "replies:send"
    SETTLE_OUTBOUND = "outbound:settle"
    READ_FILES = "files:read"
    READ_ORIGINALS = "originals:read"
    READ_QUARANTINE = "quarantine:read"
    REPLAY_QUARANTINE = "quarantine:replay"
    DISCARD_QUARANTINE = "quarantine:discard"
    READ_CHANNELS = "channels:read"
    READ_METRICS = "metrics:read"
    READ_EVENTS = "events:read"
    READ_WEBHOOKS = "webhooks:read"
    REPLAY_WEBHOOKS = "webhooks:replay"
    READ_AUDIT = "audit:read"
    READ_SUPERVISION = "supervision:read"
    EDIT_READY_TEXTS = "ready-texts:edit"
    APPROVE_PHRASINGS = "phrasings:approve"


class OfTeam(Protocol):
    """A thing that belongs to a team."""

    @property
    def team(self) -> str:
        """Return the team's name."""


# These roles are responsible for the whole desk, so they see all teams.
_UNLIMITED: Final = frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The authenticated caller.

    role: as stored; an unknown role has no permissions.  teams: the agent's teams; empty means all.
    scopes: the token's verbs; None means all of the role.  available, away_from, away_until: see `AgentRow`.
    """

    id: UUID
    name: str
    role: str
    teams: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None
    available: bool = False
    away_from: datetime | None = None
    away_until: datetime | None = None

    def on_leave_until(self, now: datetime) -> datetime | None:
        """Return when the absence ends in which the actor is now; None for an actor who is not absent."""
        has_begun = self.away_from is None or self.away_from <= now
        return self.away_until if has_begun and self.away_until is not None and now < self.away_until else None

    @property
    def sees_only(self) -> frozenset[str] | None:
        """The teams whose conversations the actor sees; None means all."""
        return None if self.role in _UNLIMITED or not self.teams else self.teams


_EVERYONE: Final = frozenset(Role)
_WORKING: Final = frozenset({Role.AGENT, Role.SENIOR, Role.SUPERVISOR, Role.ADMIN})

# Originals are unmasked: they may contain card numbers and passwords of customers.
_POLICY: Final[Mapping[Verb, frozenset[Role]]] = {
    Verb.READ_INBOX: _EVERYONE,
    Verb.WORK_CONVERSATIONS: _WORKING,
    Verb.MERGE_CONVERSATIONS: _WORKING,
    Verb.EDIT_CONTACTS: _WORKING,
    Verb.BLOCK_CONTACTS: _WORKING,
    # Merging contacts decides about identity; a mistake shows one customer's case to another.
    Verb.MERGE_CONTACTS: frozenset({Role.SENIOR, Role.SUPERVISOR, Role.ADMIN}),
    Verb.EXPORT_CONTACTS: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    # It cannot be undone.
    Verb.ERASE_CONTACTS: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    Verb.READ_AGENTS: _EVERYONE,
    Verb.SET_OWN_DUTY: _WORKING,
    Verb.SET_DUTIES: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    # Tokens and passwords: who has them is the desk.
    Verb.MANAGE_AGENTS: frozenset({Role.ADMIN}),
    Verb.SEND_REPLIES: _WORKING,
    # A second text to the same customer is a decision, so it needs an accountable person.
    Verb.SETTLE_OUTBOUND: _WORKING,
    Verb.READ_FILES: _EVERYONE - {Role.VIEWER},
    Verb.READ_ORIGINALS: frozenset({Role.SENIOR, Role.ADMIN}),
    Verb.READ_QUARANTINE: _EVERYONE - {Role.VIEWER},
    Verb.REPLAY_QUARANTINE: frozenset({Role.SENIOR, Role.SUPERVISOR, Role.ADMIN}),
    Verb.DISCARD_QUARANTINE: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    Verb.READ_CHANNELS: _EVERYONE,
    Verb.READ_METRICS: _EVERYONE,
    Verb.READ_EVENTS: _EVERYONE,
    # It shows each agent's load.
    Verb.READ_SUPERVISION: frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN}),
    # What every agent sends in the desk's name.
    Verb.EDIT_READY_TEXTS: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    Verb.READ_WEBHOOKS: frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN}),
    Verb.READ_AUDIT: frozenset({Role.AUDITOR, Role.ADMIN}),
    Verb.REPLAY_WEBHOOKS: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    # A way to ask changes what the machine answers to every customer.
    Verb.APPROVE_PHRASINGS: frozenset({Role.SENIOR, Role.SUPERVISOR, Role.ADMIN}),
}


def can(actor: Actor, verb: Verb, thing: OfTeam | None = None) -> bool:
    """Return whether the actor may do it: in general, or with this thing."""
    may = actor.role in _POLICY[verb] and (actor.scopes is None or verb in actor.scopes)
    return may and (thing is None or actor.sees_only is None or thing.team in actor.sees_only)
