"""Types of values in the file besides text and numbers: durations, dates, zones, weekdays, times of the day."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SPAN: Final = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_ADDRESS: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):(\d{1,5})")
_COUNTRY: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?|none")
_REGION: Final = re.compile(r"[A-Z]{2}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
# A longer duration is a typing error; a much longer one makes dates overflow. Seconds.
_LONGEST: Final = 3650 * 86_400
MINUTES_A_DAY: Final = 1440
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Frozen(BaseModel):
    """A table of the file: unknown keys are errors, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True)


class WrongKeys(ValueError):
    """The keys of a table contradict each other; `problems` are the keys, with the error of each."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(message for _, message in problems))
        self.problems = tuple(problems)


def OneOrMany(value: object) -> object:  # noqa: N802  (reads as a type where it is used)
    """Accept one value in the place of a list."""
    return value if isinstance(value, list | tuple) else (value,)


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match or not value:
        raise ValueError('expected a duration such as "15m", "4h", "1h30m" or "2d"')
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    duration = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
    if duration > _LONGEST:
        raise ValueError("expected a duration of ten years at most")
    return timedelta(seconds=duration)


Duration = Annotated[timedelta, BeforeValidator(_duration)]


def _pause(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError("expected a duration of at least 1s")
    return value


# A poll without a pause, a message that is old on arrival, a folder of which nothing is read again: none is meant.
Pause = Annotated[Duration, AfterValidator(_pause)]


def _promise(value: timedelta) -> timedelta:
    if not value:
        raise ValueError("expected more than 0; leave the key out for none")
    return value


Promise = Annotated[Duration, AfterValidator(_promise)]

# Text in quotes is no switch: "off" or "nein" would be read as something by one reader and refused by another.
Switch = Annotated[bool, Field(strict=True)]


def _no_switch(value: object) -> object:
    # For Python true is 1.
    if isinstance(value, bool):
        raise ValueError("expected a number")
    return value


Whole = Annotated[int, BeforeValidator(_no_switch)]
Number = Annotated[float, BeforeValidator(_no_switch)]


def _day(value: object) -> date:
    # For Python a datetime is a date, but its time would be lost silently.
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError("expected a date such as 2027-02-05") from error


Day = Annotated[date, BeforeValidator(_day)]


def _start(value: object) -> date | Literal["now"]:
    try:
        return "now" if value == "now" else _day(value)
    except ValueError as error:
        raise ValueError('expected "now" or a date such as 2026-11-01') from error


Start = Annotated[Literal["now"] | date, BeforeValidator(_start)]


def _zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError('expected an IANA time zone such as "Asia/Shanghai"') from error


Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]


@dataclass(frozen=True, slots=True, order=True)
class DaySpan:
    """Open from `start` to `end`, in minutes after local midnight; `end` over 1440 runs into the next day."""

    start: int
    end: int

    def __str__(self) -> str:
        """Return the span as the file writes it."""
        end = self.end - MINUTES_A_DAY if self.end > MINUTES_A_DAY else self.end
        return f"{self.start // 60:02}:{self.start % 60:02}-{end // 60:02}:{end % 60:02}"


def _span(value: Any) -> DaySpan:  # noqa: ANN401
    if isinstance(value, DaySpan):
        return value
    if value == "24h":
        return DaySpan(0, MINUTES_A_DAY)
    match = _SPAN.fullmatch(value) if isinstance(value, str) else None
    if match:
        start_hour, start_minute, end_hour, end_minute = (int(group) for group in match.groups())
        start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
        if start < MINUTES_A_DAY and end <= MINUTES_A_DAY and start_minute < 60 and end_minute < 60 and start != end:
            return DaySpan(start, end if end > start else end + MINUTES_A_DAY)
    raise ValueError('expected a span of the day such as "09:00-12:00", "22:00-06:00" or "24h"')


Span = Annotated[DaySpan, BeforeValidator(_span)]


def weekdays(name: str) -> tuple[int, ...]:
    """Return the days, Monday is 0, of "sat", "mon-fri" or "fri-mon".

    Raises ValueError for any other text.
    """
    first, dash, last = name.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise ValueError('expected a weekday or a range of them such as "sat" or "mon-fri"')
    start = WEEKDAYS.index(first)
    length = (WEEKDAYS.index(last) - start) % 7 + 1 if dash else 1
    return tuple((start + offset) % 7 for offset in range(length))


def _weekdays(value: str) -> str:
    name = value.lower()
    weekdays(name)
    return name


Weekdays = Annotated[str, AfterValidator(_weekdays)]


def _matching(pattern: re.Pattern[str], expected: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f"expected {expected}")
        return value

    return AfterValidator(check)


AnswerMode = Literal["off", "agents", "offer", "answer"]
Name = Annotated[str, _matching(_NAME, "a name of letters, digits, - and _")]
Language = Annotated[str, _matching(_LANGUAGE, 'a language (BCP 47) such as "zh", "zh-Hant" or "en"')]
# For numbers that are written without a country code.
Region = Annotated[str, _matching(_REGION, 'a country (ISO 3166) such as "CN"')]
Country = Annotated[str, _matching(_COUNTRY, 'a country (ISO 3166) such as "CN" or "DE-BE", or "none"')]

# The key of a title that is written once, for every language (BCP 47: undetermined).
_EVERY_LANGUAGE: Final = "und"


def _titles(value: object) -> object:
    if isinstance(value, str):
        return {_EVERY_LANGUAGE: value} if value else {}
    if not isinstance(value, Mapping):
        raise ValueError('expected text in quotes, or a text for each language such as { en = "Refund", zh = "退款" }')
    return value


# How a name is shown to agents, by language.
Titles = Annotated[dict[Language, str], BeforeValidator(_titles)]


def title_in(titles: Mapping[str, str], language: str, *, name: str) -> str:
    """Return the title in a language; else the one for every language, else any that there is, else the name."""
    found = titles.get(language) or titles.get(_EVERY_LANGUAGE)
    return found or next((title for title in titles.values() if title), name)


def _address(value: str) -> str:
    match = _ADDRESS.fullmatch(value)
    if not match or not 0 < int(match[1]) <= 65535:
        raise ValueError('expected an address and a port such as "127.0.0.1:2525" or "[::1]:2525"')
    return value


Listen = Annotated[str, AfterValidator(_address)]


def _public_url(value: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?", value):
        raise ValueError('expected the address that people type, without a path, such as "https://desk.example.com"')
    return value.rstrip("/")


PublicUrl = Annotated[str, AfterValidator(_public_url)]


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        network = ip_network(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError('expected an address or a network such as "10.0.0.7", "10.0.0.0/24" or "fd00::/64"') from error
    if network.prefixlen == 0:
        raise ValueError("that is every address there is; name the proxies")
    return network


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]


# A channel's own host is asked about with each mail.
@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Return whether the host is this machine itself."""
    with suppress(ValueError):
        return ip_address(host.strip("[]")).is_loopback
    return host.lower() == "localhost"


def require_safe_url(url: str, *, allow_private: bool) -> None:
    """Raise WrongKeys of `url` unless it is an address that we may call. allow_private: plain http is allowed too."""
    if not url.isascii() or any(char.isspace() for char in url):
        raise WrongKeys([("url", "expected an address without blanks, other letters as %XX or xn--")])
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WrongKeys([("url", "its host or port is not valid; a port is a number up to 65535")]) from None
    known = parts.scheme == "https" or (parts.scheme == "http" and allow_private)
    if not known or not parts.hostname or parts.username or parts.fragment or port == 0:
        why = "expected https://HOST/PATH without a user name; plain http needs `allow_private = true`"
        raise WrongKeys([("url", why)])
