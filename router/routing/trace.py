"""The reasons of a decision as plain JSON: kept with each message, shown to agents, printed by `omniyard explain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from router.classify import Classification
from router.origin.automatic import Origin
from router.origin.sender_signals import Signal
from router.threads.correlation import Correlation

if TYPE_CHECKING:
    # Which reads what `router.analysis` has made.
    from router.routing.routes import Decision

Json = dict[str, object]


def explain_alone(
    *,
    origin: Origin,
    signals: Sequence[Signal],
    secrets: Sequence[str],
    defects: Sequence[str],
    classification: Classification,
) -> Json:
    """Return what was seen in a message by itself, as the first part of its reasons."""
    return {
        "origin": {"kind": origin.kind.value, "why": list(origin.reasons)},
        "signals": [{"kind": signal.kind.value, "why": signal.why} for signal in signals],
        "masked": list(secrets),
        "defects": list(defects),
        "classification": _classification(classification),
    }


def explain(alone: Mapping[str, object], *, correlation: Correlation, decision: Decision) -> Json:
    """Return every test that ran, what it saw and what followed; no message text, no secrets.

    alone: as `explain_alone` has it.
    """
    return {
        **alone,
        "correlation": _correlation(correlation),
        "hours": {
            "calendar": decision.hours.calendar,
            "open": decision.hours.is_open,
            "why": decision.hours.why,
            "opens_at": _moment(decision.hours.opens_at),
            "holiday": decision.hours.holiday,
            "gate": decision.gate.value,
            "second_look": list(decision.hints),
            "held_until": _moment(decision.held_until),
        },
        "route": {
            "fired": decision.route.name,
            "team": decision.team,
            "priority": decision.route.priority,
            "tried": [{"route": name, "why_not": why} for name, why in decision.tried],
        },
        "due": {
            "sla": decision.route.sla,
            "first_reply": _moment(decision.due.first_reply),
            "next_reply": _moment(decision.due.next_reply),
            "resolve": _moment(decision.due.resolve),
        },
    }


def _classification(seen: Classification) -> Json:
    return {
        "category": seen.category,
        "confidence": seen.confidence,
        "runner_up": seen.runner_up,
        "abstained": seen.abstained,
        "emergency": seen.emergency,
        "evidence": list(seen.evidence),
        "model": seen.model,
        "language": seen.language,
        # The kinds alone: a fact's value is the customer's own account name or number.
        "facts": sorted({fact.kind for fact in seen.facts}),
        "missing_facts": list(seen.missing_facts),
    }


def _correlation(correlation: Correlation) -> Json:
    return {
        "joined": str(correlation.joins.conversation_id) if correlation.joins else None,
        "sign": correlation.sign,
        "why": correlation.why,
        "linked_to": str(correlation.linked_to) if correlation.linked_to else None,
    }


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
