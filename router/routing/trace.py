"""Every decision about a message with its reasons: kept with the message, shown at the desk, in REST and in a terminal.

No message text and no secret stands in it. Reasons are keys with values (`router.reason`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from router.origin.automatic import Origin
from router.origin.sender_signals import Signal
from router.reason import StoredReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationTrace:
    """What the message is about, as `router.classify.classifier.Classification` has it.

    evidence: the words that decided.  facts: their kinds alone; a fact's value is the customer's own.
    danger: its probability; None in a trace of an older version.
    """

    category: str | None
    confidence: float
    runner_up: str | None = None
    abstained: bool = False
    emergency: bool = False
    evidence: tuple[str, ...] = ()
    model: str = ""
    language: str = ""
    facts: tuple[str, ...] = ()
    missing_facts: tuple[str, ...] = ()
    possible_danger: bool = False
    danger: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationTrace:
    """Which conversation. joined, linked_to: ids.  sign: a `SignKind`; a sentence in a trace of an older version."""

    joined: str | None
    sign: str = ""
    why: StoredReason | None = None
    linked_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursTrace:
    """What the calendar said, and how the message passed it (`HoursGate`). second_look: what hinted at danger."""

    calendar: str
    open: bool
    why: StoredReason | None = None
    opens_at: datetime | None = None
    holiday: StoredReason | None = None
    gate: str = ""
    second_look: tuple[StoredReason, ...] = ()
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class TriedRoute:
    """A route that did not fire, and what kept it from that."""

    route: str
    why_not: StoredReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTrace:
    """The route that fired, and those before it that did not."""

    fired: str
    team: str
    priority: str
    tried: tuple[TriedRoute, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTrace:
    """What is promised. sla: None when nothing is."""

    sla: str | None
    first_reply: datetime | None = None
    next_reply: datetime | None = None
    resolve: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTrace:
    """The automatic reply. sent: its name; None when none was sent."""

    sent: str | None
    language: str | None = None
    why: StoredReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The decisions about one message, in the order in which they were taken; None where one was not taken.

    masked: kinds of the secrets that were hidden.  defects: what was wrong with the message.
    other: decisions as another version kept them, by their key; shown as they are.
    """

    origin: Origin | None = None
    signals: tuple[Signal, ...] = ()
    masked: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    classification: ClassificationTrace | None = None
    correlation: CorrelationTrace | None = None
    hours: HoursTrace | None = None
    route: RouteTrace | None = None
    due: DueTrace | None = None
    reply: ReplyTrace | None = None
    other: Mapping[str, Any] = field(default_factory=dict)

    def written(self) -> bytes:
        """Return it as JSON for the store; what stands at its default is left out, as `read_trace` knows it."""
        # Every message is written once: the compiled serialiser takes half the time of dicts made by hand.
        return _adapter("").serializer.to_json(self, exclude_defaults=True)

    def to_json(self) -> dict[str, Any]:
        """Return the same as values, with the decisions of another version."""
        known: dict[str, Any] = _adapter("").serializer.to_python(self, mode="json", exclude_defaults=True)
        known.pop("other", None)
        return {**known, **self.other}


def read_trace(stored: Mapping[str, Any]) -> Trace:
    """Read what `Trace.written` wrote, in this version or in an older one; {} is the trace of no decision."""
    known: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for step, value in stored.items():
        if value is None:
            continue
        try:
            known[step] = _adapter(step).validate_python(value)
        except (KeyError, ValidationError):
            other[step] = value
    return Trace(**known, other=other)


_STEPS: Final[Mapping[str, Any]] = {
    "origin": Origin,
    "signals": tuple[Signal, ...],
    "masked": tuple[str, ...],
    "defects": tuple[str, ...],
    "classification": ClassificationTrace,
    "correlation": CorrelationTrace,
    "hours": HoursTrace,
    "route": RouteTrace,
    "due": DueTrace,
    "reply": ReplyTrace,
}


# Built when first asked for: many commands read no trace.
@cache
def _adapter(step: str) -> TypeAdapter[Any]:
    """Return what reads one step; of no step, what writes a whole trace."""
    return TypeAdapter(_STEPS[step] if step else Trace)
