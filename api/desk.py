"""The dependencies of the routes: settings, database, clock, and the objects made once per application."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sized
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

from api.services.audit_trail import Trail, note_rows
from api.services.chats import Chats
from api.services.desk_stream import DeskStream
from api.services.event_stream import Tail
from api.services.originals import OriginalReader
from api.services.rate_limits import SignInLimits, TokenBuckets
from api.services.refusals import Refusals
from api.services.request_metrics import Meter
from api.services.sessions import Sessions
from api.services.visitors import VisitorPace, Visitors
from router.settings import Settings
from store.db.engine import Database
from workers.calls.hotline import Hotline
from workers.generated.writer import TextWriter
from workers.intake.provider_webhooks import ProviderWebhooks
from workers.routing.danger_findings import EmergencyService
from workers.sending.reply import ReplyService

if TYPE_CHECKING:
    from connectors.oidc.identity_provider import OidcProvider
    from workers.broker.doorbell import Bell


class Ringer:
    """Rings for outgoing messages; may be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._lock = settings, threading.Lock()
        self._bell: Bell | None = None

    def ring_to_send(self) -> None:
        """Ring. A broker's failure never raises: senders poll every few seconds anyway."""
        self._opened().ring_to_send()

    def _opened(self) -> Bell:
        with self._lock:
            if self._bell is None:
                from workers.broker.doorbell import Bell, broker_url  # noqa: PLC0415  (redis, with the first message that leaves)

                self._bell = Bell(lambda: broker_url(self._settings))
            return self._bell


Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the current time, aware UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The objects of one application. secure: people reach it by https, so cookies are only sent over https.

    reads: the pace of each agent's costly reads.
    provider: where agents sign in by OpenID Connect; None without one.
    """

    settings: Settings
    database: Database
    now: Clock
    sessions: Sessions
    originals: OriginalReader
    webhooks: ProviderWebhooks
    hotline: Hotline
    replying: ReplyService
    emergencies: EmergencyService
    bell: Ringer
    meter: Meter
    refusals: Refusals
    tail: Tail
    stream: DeskStream
    trail: Trail
    visitors: Visitors
    writer: TextWriter
    chats: Chats
    buckets: TokenBuckets
    reads: VisitorPace
    sign_ins: SignInLimits
    token_failures: SignInLimits
    provider: OidcProvider | None
    secure: bool


def desk_of(request: Request) -> Desk:
    """Return the desk of this request's application."""
    return cast("Desk", request.app.state.desk)


class ShownRows:
    """How many rows the answer to a request shows, for the audit trail."""

    def __init__(self, request: Request) -> None:
        self._scope = request.scope

    def are(self, rows: Sized) -> None:
        """Write down the number of rows."""
        note_rows(self._scope, rows)


# Asynchronous: another function would be handed to a thread and back, which takes longer than all that it does.
async def _desk_of(request: Request) -> Desk:
    return desk_of(request)


async def _shown_rows(request: Request) -> ShownRows:
    return ShownRows(request)


Shown = Annotated[ShownRows, Depends(_shown_rows)]
DeskPart = Annotated[Desk, Depends(_desk_of)]
