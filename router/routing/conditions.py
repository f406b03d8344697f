"""The conditions of a route: each tests one property of a message and returns the reason why not, or None."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Final
from zoneinfo import ZoneInfo

from router.analysis import Analysis
from router.reason import Reason, ReasonKey
from router.settings.model import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The state of the channel's calendar.

    opens_at: the next opening; now, if it is open; None if never.  holiday: today's public holiday, if any.
    zone: of the calendar; the desk's zone for a calendar that never closes.
    """

    calendar: str
    zone: ZoneInfo
    is_open: bool
    why: Reason
    opens_at: datetime | None
    holiday: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Facts besides the message itself. They count only for a sender who is proven to be the contact.

    contact_labels: the sender's labels, such as "vip".
    follows_case: it refers to an earlier case of its sender that is closed or old, and opens a new one.
    """

    contact_labels: frozenset[str] = frozenset()
    follows_case: bool = False


@dataclass(frozen=True, kw_only=True)
class RouteInput:
    """The input of the conditions. emergency: by its words, or by the second check."""

    analysis: Analysis
    hours: Hours
    background: Background
    emergency: bool

    @cached_property
    def said(self) -> str:
        """Subject and new text, as `words` compares them."""
        return f"{self.analysis.shown.subject}\n{self.analysis.shown.text}".casefold()


def tests_of(condition: Condition | None) -> tuple[Test, ...]:
    """Return the tests that a condition asks for: none for a route that takes every message."""
    if condition is None:
        return ()
    return tuple(partial(test, condition) for name, test in _TESTS.items() if name in condition.model_fields_set)


# Returns why a message does not match; None if it matches.
Test = Callable[[RouteInput], Reason | None]
_Test = Callable[[Condition, RouteInput], Reason | None]
_IS_EMERGENCY: Final = Reason(ReasonKey.IS_EMERGENCY)
_IS_NO_EMERGENCY: Final = Reason(ReasonKey.IS_NO_EMERGENCY)
_IS_NO_HOLIDAY: Final = Reason(ReasonKey.IS_NO_HOLIDAY)
_CATEGORY_IS_UNKNOWN: Final = Reason(ReasonKey.CATEGORY_IS_UNKNOWN)
_SENDER_IS_NOT_NAMED: Final = Reason(ReasonKey.SENDER_IS_NOT_NAMED)
_SIGNAL_IS_MISSING: Final = Reason(ReasonKey.SIGNAL_IS_MISSING)
_CONTACT_LABEL_IS_MISSING: Final = Reason(ReasonKey.CONTACT_LABEL_IS_MISSING)
_SENDER_INHERITS_NOTHING: Final = Reason(ReasonKey.SENDER_INHERITS_NOTHING)
_FOLLOWS_CASE: Final = Reason(ReasonKey.FOLLOWS_CASE)
_FOLLOWS_NO_CASE: Final = Reason(ReasonKey.FOLLOWS_NO_CASE)
_WORDS_ARE_MISSING: Final = Reason(ReasonKey.WORDS_ARE_MISSING)


def _emergency(condition: Condition, message: RouteInput) -> Reason | None:
    if condition.emergency in {None, message.emergency}:
        return None
    return _IS_EMERGENCY if message.emergency else _IS_NO_EMERGENCY


def _open(condition: Condition, message: RouteInput) -> Reason | None:
    hours = message.hours
    if condition.open in {None, hours.is_open}:
        return None
    key = ReasonKey.CALENDAR_IS_OPEN if hours.is_open else ReasonKey.CALENDAR_IS_CLOSED
    return Reason(key, {"calendar": hours.calendar})


def _holiday(condition: Condition, message: RouteInput) -> Reason | None:
    holiday = message.hours.holiday
    if condition.holiday in {None, holiday is not None}:
        return None
    return Reason(ReasonKey.IS_HOLIDAY, {"holiday": holiday}) if holiday else _IS_NO_HOLIDAY


def _channel(condition: Condition, message: RouteInput) -> Reason | None:
    channel = message.analysis.envelope.channel
    if not condition.channel or channel in condition.channel:
        return None
    return Reason(ReasonKey.CHANNEL_IS, {"channel": channel})


def _category(condition: Condition, message: RouteInput) -> Reason | None:
    category = message.analysis.classification.category
    if not condition.category or category in condition.category:
        return None
    return Reason(ReasonKey.CATEGORY_IS, {"category": category}) if category else _CATEGORY_IS_UNKNOWN


def _language(condition: Condition, message: RouteInput) -> Reason | None:
    # "zh" means Chinese in either script; "zh-Hant" means only one of them.
    language = message.analysis.classification.language
    spoken = {language, language.partition("-")[0]}
    if not condition.language or spoken & set(condition.language):
        return None
    return Reason(ReasonKey.LANGUAGE_IS, {"language": language})


def _origin(condition: Condition, message: RouteInput) -> Reason | None:
    kind = message.analysis.origin.kind.value
    if not condition.origin or kind in condition.origin:
        return None
    return Reason(ReasonKey.ORIGIN_IS, {"origin": kind})


def _sender(condition: Condition, message: RouteInput) -> Reason | None:
    handle = message.analysis.envelope.sender.handle
    domain = f"@{handle.rpartition('@')[2]}"
    wanted = {each.casefold() for each in condition.sender}
    return None if not wanted or wanted & {handle.casefold(), domain.casefold()} else _SENDER_IS_NOT_NAMED


def _signal(condition: Condition, message: RouteInput) -> Reason | None:
    wanted, noticed = set(condition.signal), {signal.kind.value for signal in message.analysis.signals}
    return None if not wanted or wanted & noticed else _SIGNAL_IS_MISSING


def _contact(condition: Condition, message: RouteInput) -> Reason | None:
    wanted, labels = set(condition.contact), message.background.contact_labels
    if not wanted:
        return None
    if not message.analysis.proof.inherits:
        return _SENDER_INHERITS_NOTHING
    return None if wanted & labels else _CONTACT_LABEL_IS_MISSING


def _follows_case(condition: Condition, message: RouteInput) -> Reason | None:
    inherits, earlier = message.analysis.proof.inherits, message.background.follows_case
    follows = inherits and earlier
    if condition.follows_case in {None, follows}:
        return None
    if earlier and not inherits:
        return _SENDER_INHERITS_NOTHING
    return _FOLLOWS_CASE if follows else _FOLLOWS_NO_CASE


def _words(condition: Condition, message: RouteInput) -> Reason | None:
    found = not condition.words or any(word.casefold() in message.said for word in condition.words)
    return None if found else _WORDS_ARE_MISSING


# In the order of the tests; the key is the condition's name in the file.
_TESTS: Final[Mapping[str, _Test]] = {
    "emergency": _emergency,
    "open": _open,
    "holiday": _holiday,
    "channel": _channel,
    "category": _category,
    "language": _language,
    "origin": _origin,
    "sender": _sender,
    "signal": _signal,
    "contact": _contact,
    "follows_case": _follows_case,
    "words": _words,
}
