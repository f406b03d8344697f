"""Every decision about a message with its reasons: kept with the message, shown at the desk, in REST and in a terminal.

No message text and no secret stands in it. Reasons are keys with values (`router.reason`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from router.origin.automatic import Origin
from router.origin.sender_signals import Signal
from router.reason import Reason, StoredReason

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationTrace:
    """What the message is about, as `router.classify.classifier.Classification` has it.

    evidence: the words that decided.  facts: their kinds alone; a fact's value is the customer's own.
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

    def to_json(self) -> Json:
        """Return it as the store keeps it; decisions that were not taken are left out."""
        # Written out: every message is written once, and walking the fields would take four times as long.
        found: Json = {"masked": self.masked, "defects": self.defects}
        found["signals"] = [{"kind": each.kind.value, "why": each.why.to_json()} for each in self.signals]
        if self.origin:
            found["origin"] = {"kind": self.origin.kind.value, "why": _reasons(self.origin.why)}
        if self.classification:
            found["classification"] = _classification(self.classification)
        if self.correlation:
            found["correlation"] = _correlation(self.correlation)
        if self.hours:
            found["hours"] = _hours(self.hours)
        if self.route:
            found["route"] = _route(self.route)
        if self.due:
            found["due"] = _due(self.due)
        if self.reply:
            found["reply"] = _reply(self.reply)
        found.update(self.other)
        return found


def read_trace(stored: Mapping[str, Any]) -> Trace:
    """Read what `Trace.to_json` wrote, in this version or in an older one; {} is the trace of no decision."""
    known: dict[str, Any] = {}
    other: dict[str, Any] = {}
    for step, value in stored.items():
        if value is None:
            continue
        try:
            known[step] = _STEPS[step].validate_python(value)
        except (KeyError, ValidationError):
            other[step] = value
    return Trace(**known, other=other)


_STEPS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "origin": TypeAdapter(Origin),
    "signals": TypeAdapter(tuple[Signal, ...]),
    "masked": TypeAdapter(tuple[str, ...]),
    "defects": TypeAdapter(tuple[str, ...]),
    "classification": TypeAdapter(ClassificationTrace),
    "correlation": TypeAdapter(CorrelationTrace),
    "hours": TypeAdapter(HoursTrace),
    "route": TypeAdapter(RouteTrace),
    "due": TypeAdapter(DueTrace),
    "reply": TypeAdapter(ReplyTrace),
}


def _reasons(reasons: Sequence[Reason]) -> list[Json]:
    return [reason.to_json() for reason in reasons]


def _reason(reason: Reason | None) -> Json | None:
    return reason.to_json() if reason else None


def _classification(seen: ClassificationTrace) -> Json:
    return {
        "category": seen.category,
        "confidence": seen.confidence,
        "runner_up": seen.runner_up,
        "abstained": seen.abstained,
        "emergency": seen.emergency,
        "evidence": seen.evidence,
        "model": seen.model,
        "language": seen.language,
        "facts": seen.facts,
        "missing_facts": seen.missing_facts,
    }


def _correlation(found: CorrelationTrace) -> Json:
    return {
        "joined": found.joined,
        "sign": found.sign,
        "why": _reason(found.why),
        "linked_to": found.linked_to,
    }


def _hours(hours: HoursTrace) -> Json:
    return {
        "calendar": hours.calendar,
        "open": hours.open,
        "why": _reason(hours.why),
        "opens_at": _moment(hours.opens_at),
        "holiday": _reason(hours.holiday),
        "gate": hours.gate,
        "second_look": _reasons(hours.second_look),
        "held_until": _moment(hours.held_until),
    }


def _route(route: RouteTrace) -> Json:
    return {
        "fired": route.fired,
        "team": route.team,
        "priority": route.priority,
        "tried": [{"route": each.route, "why_not": each.why_not.to_json()} for each in route.tried],
    }


def _due(due: DueTrace) -> Json:
    return {
        "sla": due.sla,
        "first_reply": _moment(due.first_reply),
        "next_reply": _moment(due.next_reply),
        "resolve": _moment(due.resolve),
    }


def _reply(reply: ReplyTrace) -> Json:
    return {"sent": reply.sent, "language": reply.language, "why": _reason(reply.why)}


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
