"""Moments as people type them in options."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import typer


def read_moment(text: str, *, zone: ZoneInfo, option: str) -> datetime:
    """Return an ISO 8601 date or moment in UTC. zone: whose clock is meant where the text names none.

    Raises BadParameter, which names the option.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter('expected a moment such as "2026-02-17T10:00"', param_hint=option) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
