"""The conditions of a route: each asks one thing about a message and answers with the reason why not, or with None."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from router.analysis import Analysis
from router.reason import Reason, ReasonKey
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
    why: Reason
    opens_at: datetime | None
    holiday: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What is known beside the message's own words. It counts only for a sender that is proven to be the contact.

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


def why_not(condition: Condition, sight: RouteInput) -> Reason | None:
    """Return what keeps the condition from holding; None if it holds."""
    wanted = condition.model_fields_set
    for name, test in _TESTS.items():
        reason = test(condition, sight) if name in wanted else None
        if reason:
            return reason
    return None


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


def _emergency(condition: Condition, sight: RouteInput) -> Reason | None:
    if condition.emergency in {None, sight.emergency}:
        return None
    return _IS_EMERGENCY if sight.emergency else _IS_NO_EMERGENCY


def _open(condition: Condition, sight: RouteInput) -> Reason | None:
    hours = sight.hours
    if condition.open in {None, hours.is_open}:
        return None
    key = ReasonKey.CALENDAR_IS_OPEN if hours.is_open else ReasonKey.CALENDAR_IS_CLOSED
    return Reason(key, {"calendar": hours.calendar})


def _holiday(condition: Condition, sight: RouteInput) -> Reason | None:
    holiday = sight.hours.holiday
    if condition.holiday in {None, holiday is not None}:
        return None
    return Reason(ReasonKey.IS_HOLIDAY, {"holiday": holiday}) if holiday else _IS_NO_HOLIDAY


def _channel(condition: Condition, sight: RouteInput) -> Reason | None:
    channel = sight.reading.envelope.channel
    if not condition.channel or channel in condition.channel:
        return None
    return Reason(ReasonKey.CHANNEL_IS, {"channel": channel})


def _category(condition: Condition, sight: RouteInput) -> Reason | None:
    category = sight.reading.classification.category
    if not condition.category or category in condition.category:
        return None
    return Reason(ReasonKey.CATEGORY_IS, {"category": category}) if category else _CATEGORY_IS_UNKNOWN


def _language(condition: Condition, sight: RouteInput) -> Reason | None:
    # "zh" means Chinese in either script; "zh-Hant" means one of them.
    language = sight.reading.classification.language
    spoken = {language, language.partition("-")[0]}
    if not condition.language or spoken & set(condition.language):
        return None
    return Reason(ReasonKey.LANGUAGE_IS, {"language": language})


def _origin(condition: Condition, sight: RouteInput) -> Reason | None:
    kind = sight.reading.origin.kind.value
    if not condition.origin or kind in condition.origin:
        return None
    return Reason(ReasonKey.ORIGIN_IS, {"origin": kind})


def _sender(condition: Condition, sight: RouteInput) -> Reason | None:
    handle = sight.reading.envelope.sender.handle
    domain = f"@{handle.rpartition('@')[2]}"
    wanted = {each.casefold() for each in condition.sender}
    return None if not wanted or wanted & {handle.casefold(), domain.casefold()} else _SENDER_IS_NOT_NAMED


def _signal(condition: Condition, sight: RouteInput) -> Reason | None:
    wanted, noticed = set(condition.signal), {signal.kind.value for signal in sight.reading.signals}
    return None if not wanted or wanted & noticed else _SIGNAL_IS_MISSING


def _contact(condition: Condition, sight: RouteInput) -> Reason | None:
    wanted, labels = set(condition.contact), sight.background.contact_labels
    if not wanted:
        return None
    if not sight.reading.proof.inherits:
        return _SENDER_INHERITS_NOTHING
    return None if wanted & labels else _CONTACT_LABEL_IS_MISSING


def _follows_case(condition: Condition, sight: RouteInput) -> Reason | None:
    inherits, earlier = sight.reading.proof.inherits, sight.background.follows_case
    follows = inherits and earlier
    if condition.follows_case in {None, follows}:
        return None
    if earlier and not inherits:
        return _SENDER_INHERITS_NOTHING
    return _FOLLOWS_CASE if follows else _FOLLOWS_NO_CASE


def _words(condition: Condition, sight: RouteInput) -> Reason | None:
    found = not condition.words or any(word.casefold() in sight.said for word in condition.words)
    return None if found else _WORDS_ARE_MISSING


# In the order in which they are asked; the key is the condition's name in the file.
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
