"""The trace of a message: every decision with its reasons; stored with it, shown in the desk, REST and a terminal.

It contains no message text and no secret. Reasons are keys with values (`router.reason`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from router.origin.verdicts import Origin, Signal
from router.reason import StoredReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationTrace:
    """The classification, as in `router.classify.classifier.Classification`.

    evidence: the words that decided.  facts: their kinds only; a fact's value belongs to the customer.
    remark: its kind, such as thanks; empty for a message with a matter (`RemarkKind`).
    danger: its probability; None in a trace of an older version.  danger_threshold: from which it is an emergency.
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
    danger_threshold: float | None = None
    danger_evidence: tuple[StoredReason, ...] = ()
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrespondentTrace:
    """The customer, where that is not simply the author. source: the field that names them (`CorrespondentSource`).

    answer_to: where an answer goes.  other: another address that the mail names for answers.
    """

    address: str
    source: str
    answer_to: str
    other: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrelationTrace:
    """The conversation. joined, linked_to: ids.  sign: a `SignKind`; a sentence in a trace of an older version."""

    joined: str | None
    sign: str = ""
    why: StoredReason | None = None
    linked_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursTrace:
    """The calendar's state, and how the message passed it (`HoursGate`). second_look: hints at danger."""

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
    """A route that did not match, and the reason."""

    route: str
    why_not: StoredReason


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTrace:
    """The route that matched, and the earlier ones that did not."""

    fired: str
    team: str
    priority: str
    tried: tuple[TriedRoute, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTrace:
    """The due times. sla: None without promises."""

    sla: str | None
    first_reply: datetime | None = None
    next_reply: datetime | None = None
    resolve: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTrace:
    """The automatic reply. sent: its name; None without one."""

    sent: str | None
    language: str | None = None
    why: StoredReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The decisions on one message, in their order; None for a decision that was not taken.

    masked: kinds of the masked secrets.  defects: of the message.
    other: decisions of another version, by their key; shown as they are.
    """

    origin: Origin | None = None
    correspondent: CorrespondentTrace | None = None
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
        """Return it as JSON for the store; default values are left out, as `read_trace` expects."""
        # Every message is written once: the compiled serialiser takes half the time of hand-made dicts.
        return _adapter("").serializer.to_json(self, exclude_defaults=True)

    def to_json(self) -> dict[str, Any]:
        """Return the same as values, including the decisions of another version."""
        known: dict[str, Any] = _adapter("").serializer.to_python(self, mode="json", exclude_defaults=True)
        known.pop("other", None)
        return {**known, **self.other}


def read_trace(stored: Mapping[str, Any]) -> Trace:
    """Read the output of `Trace.written`, of this version or an older one; {} is the trace of no decision."""
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
    "correspondent": CorrespondentTrace,
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


# Built on first use: many commands read no trace.
@cache
def _adapter(step: str) -> TypeAdapter[Any]:
    """Return the adapter of one step; without a step, of a whole trace."""
    return TypeAdapter(_STEPS[step] if step else Trace)
