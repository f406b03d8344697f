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
# A clock, half of the day, and a zone as programs write it: `10:00 PM`, `GMT+8`, `UTC+08:00`, `+8`, `GMT+0800 (CST)`.
_CLOCK: Final = re.compile(
    r"\b([0-9]{1,2})(:[0-9]{2}(?::[0-9]{2})?)(?:\.[0-9]{1,9})?\s{0,5}([AaPp])?(?:(?<=[AaPp])\.?[Mm]\b\.?)?"
    r"\s{0,5}(?:(?:GMT|UTC?|Z)\s{0,5})?([+-])([0-9]{1,2})(?::?([0-5][0-9]))?(?![0-9:])"
)
_HALF: Final = re.compile(r"\b([0-9]{1,2})(:[0-9]{2}(?::[0-9]{2})?)\s{0,5}([AaPp])\.?[Mm]\b\.?")
# What follows a clock: a zone's name, and in the form of `date` the year behind it.
_NAMED: Final = re.compile(
    r":[0-9]{2}(?:\.[0-9]{1,9})?\s{0,5}(?:([^\s\d:.][^\s]*(?: [^\s\d]+){0,3})\s{0,5})?([12][0-9]{3})?\s*$"
)
_ISO: Final = re.compile(r"([12][0-9]{3}-[01][0-9]-[0-3][0-9])[T ]{1,3}(.*)")
# RFC 5322 section 4.3.
_KNOWN: Final = frozenset(
    ["ut", "utc", "gmt", "z", "ast", "adt", "est", "edt", "cst", "cdt", "mst", "mdt", "pst", "pdt"]
)
# Names that have one meaning. RFC 5322 section 4.3 gives those of North America, which the standard library knows.
_ZONES: Final = {
    "wet": "+0000", "west": "+0100", "bst": "+0100", "cet": "+0100", "cest": "+0200", "mez": "+0100", "mesz": "+0200",
    "met": "+0100", "mest": "+0200", "eet": "+0200", "eest": "+0300", "msk": "+0300", "hkt": "+0800", "sgt": "+0800",
    "jst": "+0900", "kst": "+0900", "aest": "+1000", "aedt": "+1100", "nzst": "+1200", "nzdt": "+1300",
    "中国标准时间": "+0800", "北京时间": "+0800", "asia/shanghai": "+0800", "china standard time": "+0800",
}  # fmt: skip
_UNZONED: Final = "The Date field names a zone that is not known."
# Older mail exists, but no desk has any: an earlier date comes from a clock that was never set.
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
# Zones reach from -12:00 to +14:00; more than a day means a wrong clock, not a zone.
_TOLERANCE: Final = timedelta(days=1)


def read_date(written: str, *, received_at: datetime) -> tuple[datetime | None, str]:
    """Return the moment in the field, aware UTC, and what is wrong with it, in a sentence or empty.

    None if unreadable, in an unknown zone or before 1990. The moment of receipt if it is more than a day after it.
    """
    if not written:
        return None, ""
    match = _USUAL.match(written)
    if match is not None and match[2] in _MONTHS:
        moment = _usual(match)
    else:
        value = _in_standard_form(written[:200])
        if value is None:
            return None, _UNZONED
        moment = _parse(value)
    if moment is None or moment < _EARLIEST:
        return None, "The Date field cannot be right."
    if moment > received_at + _TOLERANCE:
        return received_at, "The Date field lies in the future."
    return moment, ""


def _in_standard_form(value: str) -> str | None:
    """Return the field with its zone as RFC 5322 section 3.3 writes it; None if it names a zone that is not known."""
    half = _HALF.search(value)
    if half is not None:
        hour = int(half[1]) % 12 + (12 if half[3] in "Pp" else 0)
        value = f"{value[: half.start()]}{hour:02}{half[2]}{value[half.end() :]}"
    clock = _CLOCK.search(value)
    if clock is not None:
        hours, minutes = clock[5], clock[6] or "00"
        return f"{value[: clock.start()]}{clock[1]}{clock[2]} {clock[4]}{hours:0>2}{minutes}"
    named = _NAMED.search(value)
    if named is None or named[1] is None:
        return value
    name = named[1].strip('()"').lower()
    if name in _KNOWN:
        return value
    zone = _ZONES.get(name)
    return f"{value[: named.start(1)]}{named[2] or ''} {zone}" if zone is not None else None


def _usual(match: re.Match[str]) -> datetime | None:
    day, month, year, clock, second, zone = match.groups()
    try:
        # RFC 5322 section 3.3 allows a leap second; Python does not.
        return datetime.fromisoformat(
            f"{year}-{_MONTHS[month]}-{day:0>2}T{clock}:{min(second, '59')}{zone}"
        ).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _parse(value: str) -> datetime | None:
    try:
        match = _USUAL.match(value)
        if match is not None and match[2] in _MONTHS:
            return _usual(match)
        iso = _ISO.match(value.strip())
        if iso is not None:
            moment = datetime.fromisoformat(f"{iso[1]}T{''.join(iso[2].split())}")
            return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        fields = parsedate_tz(value)
        if fields is None or abs(fields[9] or 0) > _TOLERANCE.total_seconds():
            return None
        local = datetime(*fields[:5], min(fields[5], 59), tzinfo=UTC)
        return local - timedelta(seconds=fields[9] or 0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
