"""Who may do what: one table, one question. Every route asks it, and a test fails on a route that does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID


class Role(StrEnum):
    """What an agent is to the desk."""

    VIEWER = "viewer"
    AGENT = "agent"
    SENIOR = "senior"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Verb(StrEnum):
    """What can be done at the desk; `noun:verb`."""

    READ_INBOX = "inbox:read"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks. role: as stored; one that this version does not know may do nothing."""

    id: UUID
    name: str
    role: str


_EVERYONE: Final = frozenset(Role)

# Originals are unmasked: they may hold card numbers and passwords that customers typed.
_POLICY: Final[Mapping[Verb, frozenset[Role]]] = {
    Verb.READ_INBOX: _EVERYONE,
    Verb.SEND_REPLIES: frozenset({Role.AGENT, Role.SENIOR, Role.SUPERVISOR, Role.ADMIN}),
    # A second text to the same customer is a decision: whoever takes it can be asked.
    Verb.SETTLE_OUTBOUND: frozenset({Role.AGENT, Role.SENIOR, Role.SUPERVISOR, Role.ADMIN}),
    Verb.READ_FILES: _EVERYONE - {Role.VIEWER},
    Verb.READ_ORIGINALS: frozenset({Role.SENIOR, Role.ADMIN}),
    Verb.READ_QUARANTINE: _EVERYONE - {Role.VIEWER},
    Verb.REPLAY_QUARANTINE: frozenset({Role.SENIOR, Role.SUPERVISOR, Role.ADMIN}),
    Verb.DISCARD_QUARANTINE: frozenset({Role.SUPERVISOR, Role.ADMIN}),
    Verb.READ_CHANNELS: _EVERYONE,
    Verb.READ_METRICS: _EVERYONE,
    Verb.READ_EVENTS: _EVERYONE,
    Verb.READ_WEBHOOKS: frozenset({Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN}),
    Verb.REPLAY_WEBHOOKS: frozenset({Role.SUPERVISOR, Role.ADMIN}),
}


def can(actor: Actor, verb: Verb) -> bool:
    """Return whether the actor may do it."""
    return actor.role in _POLICY[verb]
