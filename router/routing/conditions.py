"""The conditions of a route: each asks one thing about a message and answers with why not, or with nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from router.analysis import Analysis
from router.settings.model import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """What the channel's calendar says now.

    opens_at: when it opens next; now, if it is open; None if never.  holiday: the public holiday that it is, if any.
    zone: of the calendar; of the desk, where it never closes.
    """

    calendar: str
    zone: ZoneInfo
    is_open: bool
    why: str
    opens_at: datetime | None
    holiday: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is known beside the message's own words.

    contact_labels: what agents have called its sender, such as "vip".
    follows_case: it points at an earlier case of its sender that is closed or old, and opens a new one.
    """

    contact_labels: frozenset[str] = frozenset()
    follows_case: bool = False


@dataclass(frozen=True, kw_only=True)
class RouteInput:
    """All that a condition may look at. emergency: by its words, or by the second look at what would wait."""

    reading: Analysis
    hours: Hours
    background: Background
    emergency: bool

    @cached_property
    def said(self) -> str:
        """Subject and new words, as `words` compares them."""
        return f"{self.reading.subject}\n{self.reading.text}".casefold()


def why_not(condition: Condition, sight: RouteInput) -> str:
    """Return what keeps the condition from holding; empty if it holds."""
    wanted = condition.model_fields_set
    for name, test in _TESTS.items():
        reason = test(condition, sight) if name in wanted else ""
        if reason:
            return reason
    return ""


_Test = Callable[[Condition, RouteInput], str]


def _any_of(name: str, seen: Callable[[Analysis], str | None]) -> _Test:
    def test(condition: Condition, sight: RouteInput) -> str:
        wanted, value = getattr(condition, name), seen(sight.reading)
        return "" if not wanted or value in wanted else f"{name} is {value}"

    return test


def _emergency(condition: Condition, sight: RouteInput) -> str:
    return "" if condition.emergency in {None, sight.emergency} else f"emergency is {_word(sight.emergency)}"


def _open(condition: Condition, sight: RouteInput) -> str:
    hours = sight.hours
    return "" if condition.open in {None, hours.is_open} else f"{hours.calendar} is {_open_word(hours)}"


def _holiday(condition: Condition, sight: RouteInput) -> str:
    holiday = sight.hours.holiday
    if condition.holiday in {None, holiday is not None}:
        return ""
    return f"it is a public holiday: {holiday}" if holiday else "it is no public holiday"


def _language(condition: Condition, sight: RouteInput) -> str:
    # "zh" means Chinese in either script; "zh-Hant" means one of them.
    language = sight.reading.classification.language
    spoken = {language, language.partition("-")[0]}
    return "" if not condition.language or spoken & set(condition.language) else f"language is {language}"


def _sender(condition: Condition, sight: RouteInput) -> str:
    handle = sight.reading.envelope.sender.handle
    domain = f"@{handle.rpartition('@')[2]}"
    wanted = {each.casefold() for each in condition.sender}
    return "" if not wanted or wanted & {handle.casefold(), domain.casefold()} else "its sender is not named"


def _signal(condition: Condition, sight: RouteInput) -> str:
    wanted, noticed = set(condition.signal), {signal.kind.value for signal in sight.reading.signals}
    return "" if not wanted or wanted & noticed else "no such signal about the sender"


def _contact(condition: Condition, sight: RouteInput) -> str:
    wanted, labels = set(condition.contact), sight.background.contact_labels
    return "" if not wanted or wanted & labels else "the contact has no such label"


def _follows_case(condition: Condition, sight: RouteInput) -> str:
    follows = sight.background.follows_case
    return "" if condition.follows_case in {None, follows} else f"follows_case is {_word(follows)}"


def _words(condition: Condition, sight: RouteInput) -> str:
    found = not condition.words or any(word.casefold() in sight.said for word in condition.words)
    return "" if found else "none of its words is there"


def _word(value: bool) -> str:
    return "true" if value else "false"


def _open_word(hours: Hours) -> str:
    return "open" if hours.is_open else "closed"


# In the order in which they are asked; the key is the condition's name in the file.
_TESTS: Final[Mapping[str, _Test]] = {
    "emergency": _emergency,
    "open": _open,
    "holiday": _holiday,
    "channel": _any_of("channel", lambda reading: reading.envelope.channel),
    "category": _any_of("category", lambda reading: reading.classification.category),
    "language": _language,
    "origin": _any_of("origin", lambda reading: reading.origin.kind.value),
    "sender": _sender,
    "signal": _signal,
    "contact": _contact,
    "follows_case": _follows_case,
    "words": _words,
}
