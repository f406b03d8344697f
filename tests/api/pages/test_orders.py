"""The times until which agents can snooze."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from api.pages.orders import local_moment, snoozes

SHANGHAI = ZoneInfo("Asia/Shanghai")
# A Friday, 17:30 in that zone.
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def test_presets_are_moments_of_the_desks_zone_in_order() -> None:
    opens_at = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
    found = snoozes(NOW, zone=SHANGHAI, opens_at=opens_at)
    assert found == {
        "in_1_hour": NOW + timedelta(hours=1),
        "in_4_hours": NOW + timedelta(hours=4),
        "at_opening": opens_at,
        "tomorrow": datetime(2026, 11, 21, 1, tzinfo=UTC),
        "monday": datetime(2026, 11, 23, 1, tzinfo=UTC),
    }
    assert list(found.values()) == sorted(found.values())
    assert "at_opening" not in snoozes(NOW, zone=SHANGHAI, opens_at=None)


def test_on_a_monday_monday_is_the_next_one() -> None:
    monday = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
    assert snoozes(monday, zone=SHANGHAI, opens_at=None)["monday"] == datetime(2026, 11, 30, 1, tzinfo=UTC)


def test_a_time_field_is_in_the_desks_zone() -> None:
    assert local_moment("2026-11-23T09:00", zone=SHANGHAI) == datetime(2026, 11, 23, 1, tzinfo=UTC)
