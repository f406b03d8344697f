"""The public endpoints for providers' webhooks: verify the signature, store the content, then respond."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Path, Request, Response

from api.desk import DeskPart
from api.http.problems import ProblemError
from connectors.base import WebhookRequest
from connectors.registry_row import WEBHOOKS_PATH
from router.errors import ConfigError
from workers.intake.provider_webhooks import Unsigned

routes: Final = APIRouter(prefix=WEBHOOKS_PATH, include_in_schema=False)
_UNSIGNED: Final = "the signature is missing, or does not match this URL and these bytes"

_log = structlog.get_logger()


async def _webhook_request(request: Request) -> WebhookRequest:
    # Signatures cover the raw bytes, so read them before any parsing.
    headers = {name.lower(): value for name, value in request.headers.items()}
    path = request.url.path.removeprefix(f"{WEBHOOKS_PATH}/{request.path_params['channel']}")
    return WebhookRequest(body=await request.body(), headers=headers, query=request.url.query, path=path)


WebhookPart = Annotated[WebhookRequest, Depends(_webhook_request)]
ChannelName = Annotated[str, Path(max_length=64)]


@routes.get("/{channel}")
def challenge(desk: DeskPart, channel: ChannelName, request: WebhookPart) -> Response:
    """Answer a provider's challenge."""
    reply = desk.webhooks.challenge(channel, request)
    return Response(reply.text, media_type=reply.media_type)


@routes.post("/{channel}")
def message(desk: DeskPart, channel: ChannelName, request: WebhookPart) -> Response:
    """Store what a provider delivers."""
    try:
        reply = desk.webhooks.message(channel, request, now=desk.now())
    except Unsigned as error:
        raise ProblemError("unauthenticated", _UNSIGNED) from error
    except ConfigError as error:
        raise _unusable(channel, error) from error
    return Response(reply.text, status_code=reply.status, media_type=reply.media_type)


@routes.post("/{channel}/status")
def status(desk: DeskPart, channel: ChannelName, request: WebhookPart, outbound: UUID) -> Response:
    """Record a delivery report. `outbound` names the message; the signature covers the query."""
    try:
        desk.webhooks.status(channel, request, outbound_id=outbound, now=desk.now())
    except Unsigned as error:
        raise ProblemError("unauthenticated", _UNSIGNED) from error
    except ConfigError as error:
        raise _unusable(channel, error) from error
    return Response(status_code=204)


def _unusable(channel: str, error: ConfigError) -> ProblemError:
    _log.error("webhook.unusable", channel=channel, error=str(error))
    return ProblemError("unavailable", "this desk is not configured for webhooks")
