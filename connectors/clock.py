"""The gates' clock; whoever needs another one passes it in."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
