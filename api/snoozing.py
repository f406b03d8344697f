"""Until when a conversation may be put aside by one key: moments that agents think in, in the desk's zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

# When a working day begins where no calendar says so.
_MORNING: Final = time(9)
_MONDAY: Final = 0


def snoozes(now: datetime, *, zone: ZoneInfo, opens_at: datetime | None) -> Mapping[str, datetime]:
    """Return the moments by name, aware UTC, the soonest first.

    opens_at: when the channel opens next; None while it is open, or if it never does.
    """
    local = now.astimezone(zone)
    found = {"in_1_hour": now + timedelta(hours=1), "in_4_hours": now + timedelta(hours=4)}
    if opens_at is not None and opens_at > now:
        found["at_opening"] = opens_at
    found["tomorrow"] = _morning(local, days=1, zone=zone)
    found["monday"] = _morning(local, days=(_MONDAY - local.weekday()) % 7 or 7, zone=zone)
    return dict(sorted(found.items(), key=lambda each: each[1]))


def local_moment(said: str, *, zone: ZoneInfo) -> datetime:
    """Return the moment that a field for local date and time means, aware UTC.

    Raises ValueError when it says none.
    """
    local = datetime.fromisoformat(said)
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone)
    return local.astimezone(UTC)


def _morning(local: datetime, *, days: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(local.date() + timedelta(days=days), _MORNING, zone).astimezone(UTC)
