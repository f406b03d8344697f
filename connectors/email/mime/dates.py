"""Read a Date field (RFC 5322 section 3.3 and 4.3) into a moment that can be stored and compared."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from typing import Final

_USUAL: Final = re.compile(
    r"(?:[A-Za-z]{3},)?\s*([0-9]{1,2})\s+([A-Z][a-z]{2})\s+([0-9]{4})\s+([0-9]{2}:[0-9]{2}):([0-9]{2})"
    r"\s+([+-][0-9]{2}[0-5][0-9])\b"
)
_MONTHS: Final = {
    "Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06",
    "Jul": "07", "Aug": "08", "Sep": "09", "Oct": "10", "Nov": "11", "Dec": "12",
}  # fmt: skip
# Older mail exists, but no desk has any: an earlier date comes from a clock that was never set.
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
# Zones reach from -12:00 to +14:00; more than a day means a wrong clock, not a zone.
_TOLERANCE: Final = timedelta(days=1)


def read_date(value: str, *, received_at: datetime) -> tuple[datetime | None, str]:
    """Return the moment in the field, aware UTC, and what is wrong with it, in a sentence or empty.

    None if unreadable or before 1990. The moment of receipt if the field is more than a day after it.
    """
    if not value:
        return None, ""
    moment = _parse(value)
    if moment is None or moment < _EARLIEST:
        return None, "The Date field cannot be right."
    if moment > received_at + _TOLERANCE:
        return received_at, "The Date field lies in the future."
    return moment, ""


def _parse(value: str) -> datetime | None:
    match = _USUAL.match(value)
    try:
        if match is not None and match[2] in _MONTHS:
            day, month, year, clock, second, zone = match.groups()
            # RFC 5322 section 3.3 allows a leap second; Python does not.
            second = min(second, "59")
            return datetime.fromisoformat(f"{year}-{_MONTHS[month]}-{day:0>2}T{clock}:{second}{zone}").astimezone(UTC)
        fields = parsedate_tz(value[:200])
        if fields is None or abs(fields[9] or 0) > _TOLERANCE.total_seconds():
            return None
        local = datetime(*fields[:5], min(fields[5], 59), tzinfo=UTC)
        return local - timedelta(seconds=fields[9] or 0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
