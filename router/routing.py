"""Who answers, how soon, and what is said at once: the first route whose condition holds, and what follows from it.

The emergency test comes before the hours gate: a route may ask for `emergency` and name a calendar that never closes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from router.hours import Calendar
from router.reading import Reading
from router.settings.model import Condition, RouteSettings, Settings, SlaSettings

ALWAYS: Final = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """What the channel's calendar says now. opens_at: when it opens next; now, if it is open; None if never."""

    calendar: str
    is_open: bool
    why: str
    opens_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """When answers are promised, aware UTC; None where nothing is promised."""

    first_reply: datetime | None = None
    next_reply: datetime | None = None
    resolve: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done with a message that opens a conversation.

    team: who answers: the route's team, else the channel's, else the last route's.
    tried: the routes that did not fire, and why.
    """

    route: RouteSettings
    team: str
    hours: Hours
    due: Due
    tried: tuple[tuple[str, str], ...]


_Test = Callable[[Condition, Reading, Hours], str]


def _any_of(name: str, seen: Callable[[Reading], str | None]) -> _Test:
    def test(condition: Condition, reading: Reading, _: Hours) -> str:
        wanted, value = getattr(condition, name), seen(reading)
        return "" if not wanted or value in wanted else f"{name} is {value}"

    return test


def _emergency(condition: Condition, reading: Reading, _: Hours) -> str:
    emergency = reading.classification.emergency
    return "" if condition.emergency in {None, emergency} else f"emergency is {str(emergency).lower()}"


def _open(condition: Condition, _: Reading, hours: Hours) -> str:
    return "" if condition.open in {None, hours.is_open} else f"{hours.calendar} is {_word(hours)}"


def _language(condition: Condition, reading: Reading, _: Hours) -> str:
    # "zh" means Chinese in either script; "zh-Hant" means one of them.
    language = reading.classification.language
    spoken = {language, language.partition("-")[0]}
    return "" if not condition.language or spoken & set(condition.language) else f"language is {language}"


def _words(condition: Condition, reading: Reading, _: Hours) -> str:
    said = f"{reading.subject}\n{reading.text}".casefold()
    found = not condition.words or any(word.casefold() in said for word in condition.words)
    return "" if found else "none of its words is there"


# Each test returns why the route does not fire, or nothing.
_TESTS: Final[tuple[_Test, ...]] = (
    _emergency,
    _open,
    _any_of("channel", lambda reading: reading.envelope.channel),
    _any_of("category", lambda reading: reading.classification.category),
    _language,
    _any_of("origin", lambda reading: reading.origin.kind.value),
    _words,
)


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """The operator's routes, with the calendars and promises they name."""

    settings: Settings
    calendars: Mapping[str, Calendar]

    def hours(self, channel: str, *, at: datetime) -> Hours:
        """Return what the channel's calendar says at `at`. A channel that is not configured any more is always open."""
        configured = self.settings.channels.get(channel)
        name = configured.calendar if configured else ALWAYS
        calendar = self.calendars[name]
        is_open = calendar.is_open(at)
        return Hours(calendar=name, is_open=is_open, why=calendar.why(at), opens_at=calendar.next_opening(at))

    def decide(self, reading: Reading, *, now: datetime) -> Decision:
        """Return what the first matching route says. now: for the hours; promises count from the message's receipt."""
        hours = self.hours(reading.envelope.channel, at=now)
        tried: list[tuple[str, str]] = []
        for route in self.settings.routes:
            reason = _why_not(route, reading=reading, hours=hours)
            if not reason:
                break
            tried.append((route.name, reason))
        # The last route has no condition: reading the file made sure of that.
        due = self.due(route.sla, since=min(reading.envelope.received_at, now))
        team = self._team(route, channel=reading.envelope.channel)
        return Decision(route=route, team=team, hours=hours, due=due, tried=tuple(tried))

    def _team(self, route: RouteSettings, *, channel: str) -> str:
        configured = self.settings.channels.get(channel)
        # The last route names a team: reading the file made sure of that.
        return route.team or (configured.team if configured else None) or self.settings.routes[-1].team or ""

    def due(self, sla: str | None, *, since: datetime) -> Due:
        """Return the promises of `sla`, counted from `since`; none when the route names none."""
        promised: SlaSettings | None = self.settings.sla.get(sla) if sla else None
        if promised is None:
            return Due()
        calendar = self.calendars[promised.calendar]
        first, following, resolve = (
            calendar.add(since, duration) if duration is not None else None
            for duration in (promised.first_reply, promised.next_reply, promised.resolve)
        )
        return Due(first_reply=first, next_reply=following, resolve=resolve)


def _why_not(route: RouteSettings, *, reading: Reading, hours: Hours) -> str:
    if route.when is None:
        return ""
    reasons: Sequence[str] = [test(route.when, reading, hours) for test in _TESTS]
    return next(filter(None, reasons), "")


def _word(hours: Hours) -> str:
    return "open" if hours.is_open else "closed"
