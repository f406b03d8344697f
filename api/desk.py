"""What every route may ask for: the settings, the database, the clock, and the parts made once for the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from api.feed import Tail
from api.limits import TokenBuckets
from api.meter import Meter
from api.originals import OriginalReader
from api.ringing import Ringer
from api.sessions import Sessions
from api.trail import Trail
from api.visitors import Visitors
from router.settings import Settings
from store.database import Database
from workers.doors import Doors
from workers.replying import Replying

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One application's parts. secure: people reach it by https, so cookies must not leave it."""

    settings: Settings
    database: Database
    now: Clock
    sessions: Sessions
    originals: OriginalReader
    doors: Doors
    replying: Replying
    bell: Ringer
    meter: Meter
    tail: Tail
    trail: Trail
    visitors: Visitors
    buckets: TokenBuckets
    secure: bool


def desk_of(request: Request) -> Desk:
    """Return the desk that answers this request."""
    return cast("Desk", request.app.state.desk)


DeskPart = Annotated[Desk, Depends(desk_of)]
