"""Format times for people: in the desk's zone, without the date if it is today; due times as countdowns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from api.text.phrases import Words

_SOON: Final = timedelta(hours=1)
# From here on a smaller unit changes nothing that an agent does.
_MANY_HOURS: Final = timedelta(hours=10)
_DAY: Final = timedelta(days=1)
_MANY_DAYS: Final = timedelta(days=2)
# A measured time that is shorter is said in seconds: one minute and nearly two are not the same.
_IN_SECONDS: Final = 120.0
# No one says "0 minutes".
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DueClock:
    """A due time relative to now. level: overdue, soon or later, for the style."""

    text: str
    level: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Formats times for a reader. now: aware."""

    now: datetime
    zone: ZoneInfo
    words: Words

    def short(self, at: datetime) -> str:
        """Return only the time for today, else day, weekday and time; the year where it is another."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone)
        return _clock(local) if local.date() == today.date() else self.dated(at)

    def dated(self, at: datetime) -> str:
        """Return day, weekday and time, which can be misread in no country; the year where it is another."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone)
        values = {"year": local.year, "month": local.month, "day": local.day, "time": _clock(local)}
        values |= {"weekday": self.words(f"day_{local.isoweekday()}"), "month_name": self.words(f"month_{local.month}")}
        return self.words("dated" if local.year == today.year else "dated_year", **values)

    def day(self, at: datetime) -> str:
        """Return weekday and day; the year where it is another."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone)
        names = {"weekday": self.words(f"day_{local.isoweekday()}"), "month_name": self.words(f"month_{local.month}")}
        said = "day_only" if local.year == today.year else "day_only_year"
        return self.words(said, year=local.year, month=local.month, day=local.day, **names)

    def day_line(self, at: datetime) -> str:
        """Return the day as a line between messages: today and yesterday also by name."""
        past = (self.now.astimezone(self.zone).date() - at.astimezone(self.zone).date()).days
        name = {0: "today", 1: "yesterday"}.get(past)
        return f"{self.words(name)} · {self.day(at)}" if name else self.day(at)

    def full(self, at: datetime) -> str:
        """Return date, time and zone."""
        return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M %Z")

    def due(self, at: datetime | None) -> DueClock | None:
        """Return the countdown to a due time, or None when there is none."""
        if at is None:
            return None
        left = at - self.now
        is_over, is_now = left < timedelta(), abs(left) < _MINUTE
        if is_over:
            said = self.words("overdue_now") if is_now else self.words("overdue_by", span=self._rough(-left))
            return DueClock(said, "overdue", at)
        said = self.words("due_now") if is_now else self.words("due_in", span=self._rough(left))
        return DueClock(said, "soon" if left < _SOON else "later", at)

    def length(self, seconds: float) -> str:
        """Return a measured duration in words, to the nearest minute; a short one in seconds."""
        if seconds < _IN_SECONDS:
            return self.words("span_s", seconds=max(0, round(seconds)))
        return self._span(timedelta(minutes=round(seconds / 60)))

    def _rough(self, length: timedelta) -> str:
        """Return a duration that stands next to a subject: what is far away has one unit."""
        if length >= _MANY_DAYS:
            return self.words("span_days", days=length.days)
        if _MANY_HOURS <= length < _DAY:
            return self.words("span_hours", hours=length // timedelta(hours=1))
        return self._span(length)

    def _span(self, length: timedelta) -> str:
        minutes = int(length.total_seconds()) // 60
        hours, days = minutes // 60, minutes // 1440
        if days:
            return self.words("span_d", days=days, hours=hours % 24)
        if hours:
            return self.words("span_h", hours=hours, minutes=minutes % 60)
        return self.words("span_m", minutes=minutes)


def _clock(local: datetime) -> str:
    # Four times as fast as strftime; a list has a hundred of them.
    return f"{local.hour:02}:{local.minute:02}"
