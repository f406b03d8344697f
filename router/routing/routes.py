"""Choose the route of a message: the first whose condition matches; team, due times and reply follow from it.

The emergency check comes before the hours gate: a route may test for `emergency` and name a calendar that never closes.
A message that would wait because the desk is closed gets a second, more sensitive check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Final

from router.analysis import Analysis
from router.hours.calendar import Calendar
from router.hours.from_settings import ALWAYS, build_calendars
from router.masking.mask import mask
from router.reason import Reason
from router.remarks.remark_kind import NEEDS_NOTHING, RemarkKind
from router.routing.conditions import Background, Hours, RouteInput, Test, tests_of
from router.routing.emergency import SecondLook, build_second_look
from router.routing.sla import Due, due_times, moments
from router.routing.trace import (
    ClassificationTrace,
    CorrelationTrace,
    CorrespondentTrace,
    DueTrace,
    HoursTrace,
    ReplyTrace,
    RouteTrace,
    Trace,
    TriedRoute,
)
from router.settings.model import RouteSettings, Settings, SlaSettings
from router.threads.correlation import Correlation

NOTHING_KNOWN: Final = Background()
_MOMENTS: Final = 1024

Promises = Callable[[str | None, datetime], tuple[Due, datetime | None]]


class HoursGate(StrEnum):
    """How a message passed the hours gate.

    open: the desk is open.  emergency: by its words, at any hour.  held: it waits until the desk opens.
    released: it would wait, but the second check found a hint.
    """

    OPEN = "open"
    EMERGENCY = "emergency"
    HELD = "held"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision on a message that opens a conversation.

    team: the route's team, else the channel's, else the last route's.
    hints: found by the second check.  held_until: snoozed until then; None if not.
    watch_at: when the promises or the hold need the first update; None without any.
    tried: the earlier routes, which did not match.
    """

    route: RouteSettings
    team: str
    hours: Hours
    due: Due
    gate: HoursGate
    hints: tuple[Reason, ...]
    held_until: datetime | None
    watch_at: datetime | None
    tried: tuple[TriedRoute, ...]

    @property
    def emergency(self) -> bool:
        """Whether it must not wait for opening hours."""
        return self.gate in {HoursGate.EMERGENCY, HoursGate.RELEASED}


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """The operator's routes, with their calendars and SLAs; build with `build_table`.

    promises: the due times of an SLA (None: none) for a conversation opened then, and when they need the first update.
    tests: of the routes, in their order.
    """

    settings: Settings
    calendars: Mapping[str, Calendar]
    second_look: SecondLook
    promises: Promises
    tests: tuple[tuple[RouteSettings, tuple[Test, ...]], ...]

    @property
    def asks_for_labels(self) -> bool:
        """Whether any route tests labels of contacts; if none does, they need not be read."""
        return any(route.when and route.when.contact for route in self.settings.routes)

    def hours(self, channel: str, *, at: datetime) -> Hours:
        """Return the state of the channel's calendar at `at`. An unknown channel is always open."""
        configured = self.settings.channels.get(channel)
        name = configured.calendar if configured else ALWAYS
        calendar = self.calendars[name]
        return Hours(
            calendar=name,
            zone=self.settings.omniyard.timezone if name == ALWAYS else calendar.zone,
            is_open=calendar.is_open(at),
            why=calendar.why(at),
            opens_at=calendar.next_opening(at),
            holiday=calendar.day(at).holiday,
        )

    def decide(
        self,
        analysis: Analysis,
        *,
        now: datetime,
        background: Background = NOTHING_KNOWN,
        hours: Hours | None = None,
        emergency: bool | None = None,
    ) -> Decision:
        """Return the decision of the first matching route.

        now: for the hours; promises count from the message's receipt.
        hours: the result of `hours` for this channel and `now`, if many messages are decided at once.
        emergency: decide as if it were one, or not one; None: by what the message says.
        """
        hours = hours or self.hours(analysis.envelope.channel, at=now)
        gate, hints = self._pass(analysis, hours) if emergency is None else (_gate(hours, emergency=emergency), ())
        is_emergency = gate in {HoursGate.EMERGENCY, HoursGate.RELEASED}
        facts = RouteInput(analysis=analysis, hours=hours, background=background, emergency=is_emergency)
        route, tried = self._first(facts)
        since = min(analysis.envelope.received_at, now)
        due, first_moment = self.promises(route.sla, since)
        held_until = hours.opens_at if route.hold and gate is HoursGate.HELD else None
        return Decision(
            route=route,
            team=self._team(route, channel=analysis.envelope.channel),
            hours=hours,
            due=due,
            gate=gate,
            hints=hints,
            held_until=held_until,
            watch_at=min((at for at in (held_until, first_moment) if at), default=None),
            tried=tried,
        )

    def _pass(self, analysis: Analysis, hours: Hours) -> tuple[HoursGate, tuple[Reason, ...]]:
        if analysis.classification.emergency:
            return HoursGate.EMERGENCY, ()
        if hours.is_open:
            return HoursGate.OPEN, ()
        hints = self.second_look.find(analysis)
        return HoursGate.RELEASED if hints else HoursGate.HELD, hints

    def _first(self, message: RouteInput) -> tuple[RouteSettings, tuple[TriedRoute, ...]]:
        tried: list[TriedRoute] = []
        for route, tests in self.tests:
            for test in tests:
                if reason := test(message):
                    tried.append(TriedRoute(route.name, reason))
                    break
            else:
                return route, tuple(tried)
        raise AssertionError("the last route has no condition: validation requires it")

    def _team(self, route: RouteSettings, *, channel: str) -> str:
        configured = self.settings.channels.get(channel)
        # The last route has a team: validation requires it.
        return route.team or (configured.team if configured else None) or self.settings.routes[-1].team or ""


def _gate(hours: Hours, *, emergency: bool) -> HoursGate:
    if emergency:
        return HoursGate.EMERGENCY
    return HoursGate.OPEN if hours.is_open else HoursGate.HELD


def build_table(settings: Settings) -> RoutingTable:
    """Build the routing table from the operator's file."""
    calendars = build_calendars(settings)
    # The messages of a page have few different times of receipt, so their due times are few too.
    promises = lru_cache(maxsize=_MOMENTS)(partial(_promised, settings.sla, calendars))
    tests = tuple((route, tests_of(route.when)) for route in settings.routes)
    return RoutingTable(settings, calendars, build_second_look(settings), promises, tests)


def _promised(
    slas: Mapping[str, SlaSettings], calendars: Mapping[str, Calendar], sla: str | None, since: datetime
) -> tuple[Due, datetime | None]:
    """Return the due times of `sla` for a conversation opened at `since`, and when they need the first update."""
    promised = slas.get(sla) if sla else None
    if promised is None:
        return Due(), None
    due = due_times(promised, calendars=calendars, opened_at=since)
    first = moments(promised, calendars=calendars, due=due, opened_at=since)[:1]
    return due, first[0].at if first else None


def explain(analysis: Analysis, *, correlation: Correlation, decision: Decision, reply: ReplyTrace | None) -> Trace:
    """Return every test that ran, its input and its result. reply: the automatic reply, or why there is none."""
    hours = decision.hours
    return Trace(
        origin=analysis.origin,
        correspondent=_correspondent(analysis),
        signals=analysis.signals,
        masked=analysis.shown.secrets,
        defects=analysis.envelope.defects,
        classification=_classification(analysis),
        correlation=CorrelationTrace(
            joined=str(correlation.joins.conversation_id) if correlation.joins else None,
            sign=correlation.sign.value,
            why=correlation.why,
            linked_to=str(correlation.linked_to) if correlation.linked_to else None,
        ),
        hours=HoursTrace(
            calendar=hours.calendar,
            open=hours.is_open,
            why=hours.why,
            opens_at=hours.opens_at,
            holiday=hours.holiday,
            gate=decision.gate.value,
            second_look=decision.hints,
            held_until=decision.held_until,
        ),
        route=RouteTrace(
            fired=decision.route.name, team=decision.team, priority=decision.route.priority, tried=decision.tried
        ),
        due=_promised_by(decision) if _has_promise(analysis) else DueTrace(sla=None),
        reply=reply,
    )


def _has_promise(analysis: Analysis) -> bool:
    return not (analysis.remark in NEEDS_NOTHING or analysis.is_campaign)


def _promised_by(decision: Decision) -> DueTrace:
    due = decision.due
    return DueTrace(sla=decision.route.sla, first_reply=due.first_reply, next_reply=due.next_reply, resolve=due.resolve)


def _correspondent(analysis: Analysis) -> CorrespondentTrace | None:
    found = analysis.correspondent
    if found.is_plain:
        return None
    address, answer_to, other = (mask(each).text for each in (found.party.handle, found.answer_to, found.other))
    return CorrespondentTrace(address=address, source=found.source.value, answer_to=answer_to, other=other)


def _classification(analysis: Analysis) -> ClassificationTrace:
    seen = analysis.classification
    return ClassificationTrace(
        category=seen.category,
        confidence=seen.confidence,
        runner_up=seen.runner_up,
        abstained=seen.abstained,
        emergency=seen.emergency,
        evidence=seen.evidence,
        model=seen.model,
        language=seen.language,
        facts=tuple(sorted({fact.kind for fact in seen.facts})),
        missing_facts=seen.missing_facts,
        possible_danger=seen.possible_danger,
        danger=seen.danger,
        danger_threshold=seen.danger_threshold,
        danger_evidence=seen.danger_evidence,
        remark="" if analysis.remark is RemarkKind.CONTENT else analysis.remark.value,
    )
