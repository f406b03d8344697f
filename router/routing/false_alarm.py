"""What an emergency makes of a case, and what the case becomes again when the alarm was false.

Both are decided when people are called, from the same facts: a release months later needs neither the model nor the
routes of that day. What an agent has changed in between stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from router.conversation_status import Status
from router.settings.model import Settings

if TYPE_CHECKING:
    from router.routing.routes import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedCase:
    """What the emergency route, its promise and its escalation may make of a case.

    team, priority, labels: of the route.  teams, priorities, all_labels: these and whatever else follows by itself.
    reply: what the route says to the customer.
    """

    team: str
    priority: str
    route: str
    sla: str | None
    labels: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    all_labels: tuple[str, ...] = ()
    reply: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalmCase:
    """What the case would be without the emergency.

    held_until: out of the agents' way until then.
    was_there: the case existed before its emergency; the fields below are what it was then.
    """

    team: str
    priority: str
    route: str
    sla: str | None
    labels: tuple[str, ...] = ()
    held_until: datetime | None = None
    was_there: bool = False
    assignee: str | None = None
    clock_started_at: datetime | None = None
    replied_at: datetime | None = None
    waiting_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseState:
    """The columns of a conversation that an emergency changes."""

    status: str
    team: str
    assignee: str | None
    priority: str
    labels: tuple[str, ...]
    route: str
    sla: str | None
    clock_started_at: datetime | None
    replied_at: datetime | None
    waiting_since: datetime | None
    held_until: datetime | None


_PAGED: Final = TypeAdapter(PagedCase)
_CALM: Final = TypeAdapter(CalmCase)
_STATE: Final = TypeAdapter(CaseState)


def paged_case(decision: Decision, *, settings: Settings) -> dict[str, Any]:
    """Return the `PagedCase` of an emergency's decision, as JSON."""
    route, sla = decision.route, settings.sla.get(decision.route.sla or "")
    steps = [step for step in (sla.on_warning, sla.on_breach) if step] if sla else []
    paged = PagedCase(
        team=decision.team,
        priority=route.priority,
        route=route.name,
        sla=route.sla,
        labels=route.labels,
        teams=(decision.team, *(step.team for step in steps if step.team)),
        priorities=(route.priority, *(step.priority for step in steps if step.priority)),
        all_labels=(*route.labels, *(label for step in steps for label in step.labels)),
        reply=route.reply,
    )
    return dict(_PAGED.dump_python(paged, mode="json"))


def calm_case(decision: Decision) -> dict[str, Any]:
    """Return the `CalmCase` of a decision without the emergency, as JSON."""
    route = decision.route
    calm = CalmCase(
        team=decision.team,
        priority=route.priority,
        route=route.name,
        sla=route.sla,
        labels=route.labels,
        held_until=decision.held_until,
    )
    return dict(_CALM.dump_python(calm, mode="json"))


def calm_before(state: CaseState) -> dict[str, Any]:
    """Return the `CalmCase` of a case that is about to become an emergency, as JSON."""
    calm = CalmCase(
        team=state.team,
        priority=state.priority,
        route=state.route,
        sla=state.sla,
        labels=state.labels,
        held_until=state.held_until if state.status == Status.SNOOZED else None,
        was_there=True,
        assignee=state.assignee,
        clock_started_at=state.clock_started_at,
        replied_at=state.replied_at,
        # What an agent resolved without an answer counts no more when the case is open again.
        waiting_since=state.waiting_since if state.status != Status.RESOLVED else None,
    )
    return dict(_CALM.dump_python(calm, mode="json"))


def read_paged(stored: Mapping[str, Any]) -> PagedCase:
    """Read what `paged_case` made."""
    return _PAGED.validate_python(stored)


def read_calm(stored: Mapping[str, Any]) -> CalmCase:
    """Read what `calm_case` or `calm_before` made."""
    return _CALM.validate_python(stored)


def state_to_json(state: CaseState) -> dict[str, Any]:
    """Return the state as JSON."""
    return dict(_STATE.dump_python(state, mode="json"))


def read_state(stored: Mapping[str, Any]) -> CaseState:
    """Read what `state_to_json` made."""
    return _STATE.validate_python(stored)


def calmed(state: CaseState, *, paged: PagedCase, calm: CalmCase, now: datetime) -> CaseState:
    """Return the case after its alarm was found false: what the emergency made is undone, what an agent made stays."""
    team = calm.team if state.team in paged.teams else state.team
    added = () if calm.was_there else tuple(label for label in calm.labels if label not in paged.labels)
    kept = tuple(label for label in state.labels if label in calm.labels or label not in paged.all_labels)
    after = replace(
        state,
        team=team,
        # Another team assigns it again.
        assignee=calm.assignee if team != state.team else state.assignee or calm.assignee,
        priority=calm.priority if state.priority in paged.priorities else state.priority,
        labels=tuple(dict.fromkeys((*kept, *added))),
        route=calm.route,
        sla=calm.sla,
    )
    if calm.was_there:
        after = replace(
            after,
            clock_started_at=calm.clock_started_at,
            replied_at=calm.replied_at or state.replied_at,
            waiting_since=_longer(calm.waiting_since, state.waiting_since),
        )
    is_held = calm.held_until is not None and calm.held_until > now and _is_untouched(state)
    return replace(after, status=Status.SNOOZED.value, held_until=calm.held_until) if is_held else after


def restored(current: CaseState, *, before: CaseState, after: CaseState) -> CaseState:
    """Return the case as it was `before`, where it is still what the change made of it (`after`)."""
    names = CaseState.__dataclass_fields__
    unchanged = [name for name in names if getattr(current, name) == getattr(after, name)]
    return replace(current, **{name: getattr(before, name) for name in unchanged})


def _longer(before: datetime | None, since: datetime | None) -> datetime | None:
    """Return since when the customer waits; None if the customer was answered since."""
    return min(before or since, since) if since else None


def _is_untouched(state: CaseState) -> bool:
    return state.status == Status.OPEN and state.replied_at is None
