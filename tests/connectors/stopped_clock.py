"""A clock that stands until a test moves it. A plain module."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


class StoppedClock:
    """Returns `at`, aware UTC."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at
