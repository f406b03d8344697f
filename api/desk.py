"""What every route may ask for: the settings, the database, the clock, and the parts made once for the application."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

from api.services.audit_trail import Trail
from api.services.event_stream import Tail
from api.services.originals import OriginalReader
from api.services.rate_limits import TokenBuckets
from api.services.request_metrics import Meter
from api.services.sessions import Sessions
from api.services.visitors import Visitors
from router.settings import Settings
from store.db.engine import Database
from workers.intake.provider_webhooks import ProviderWebhooks
from workers.routing.danger_findings import EmergencyService
from workers.sending.reply import ReplyService

if TYPE_CHECKING:
    from workers.broker.doorbell import Bell


class Ringer:
    """Rings for what is to leave; may be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._bell: Bell | None = None

    def ring_to_send(self) -> None:
        """Ring. Never raises on account of the broker: senders look for themselves every few seconds."""
        self._opened().ring_to_send()

    def _opened(self) -> Bell:
        with self._lock:
            if self._bell is None:
                from workers.broker.doorbell import Bell, broker_url  # noqa: PLC0415

                self._bell = Bell(lambda: broker_url(self._settings))
            return self._bell


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
    webhooks: ProviderWebhooks
    replying: ReplyService
    emergencies: EmergencyService
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
