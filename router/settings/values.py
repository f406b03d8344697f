"""Values that a key may have beside text and numbers: durations, zones, spans of the day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator

_DURATION: Final = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SPAN: Final = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
MINUTES_A_DAY: Final = 1440


def OneOrMany(value: object) -> object:  # noqa: N802  (reads as a type where it is used)
    """Let one value stand where a list is meant."""
    return value if isinstance(value, list | tuple) else (value,)


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not match or not value:
        raise ValueError('expected a duration such as "15m", "4h", "1h30m" or "2d"')
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


Duration = Annotated[timedelta, BeforeValidator(_duration)]


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
