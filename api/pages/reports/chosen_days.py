"""The days that a page of figures shows, as its address names them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

_USUAL: Final = timedelta(days=13)
# A quarter; a chart with more days cannot be read.
_LONGEST: Final = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class ChosenDays:
    """The days from `first` to `last` in the desk's zone, both included."""

    first: date
    last: date
    zone: ZoneInfo

    @classmethod
    def read(cls, since: str, until: str, *, now: datetime, zone: ZoneInfo) -> Self:
        """Return the days that an address names; the default is the last two weeks.

        since, until: ISO dates; what is no date counts as not given.  now: aware, any zone.
        """
        last = _day(until) or now.astimezone(zone).date()
        first = max(min(_day(since) or last - _USUAL, last), last - _LONGEST)
        return cls(first, last, zone)

    @property
    def begin(self) -> datetime:
        """When the first day begins, aware UTC."""
        return self._midnight(self.first)

    @property
    def end(self) -> datetime:
        """When the last day ends, aware UTC."""
        return self._midnight(self.last + timedelta(days=1))

    @property
    def days(self) -> list[date]:
        """Every day."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # The first and the last day of the calendar have no neighbouring midnight.
    return day if 2000 <= day.year <= 2199 else None
