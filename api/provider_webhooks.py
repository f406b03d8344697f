"""The doors for providers: signed by them, open to nobody else, answered once what they bring is on disk."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.responses import JSONResponse

from api.desk import DeskPart
from api.http.problems import ProblemError
from router.errors import ConfigError
from workers.intake.provider_webhooks import PATH, Unsigned, WebhookRequest

routes: Final = APIRouter(prefix=PATH, include_in_schema=False)
_UNSIGNED: Final = "the signature is missing or is not the provider's over this address and these bytes"

_log = structlog.get_logger()


async def _knock(request: Request) -> WebhookRequest:
    # Signatures are over the raw bytes, so they are read before anything parses them.
    headers = {name.lower(): value for name, value in request.headers.items()}
    return WebhookRequest(body=await request.body(), headers=headers, query=request.url.query)


KnockPart = Annotated[WebhookRequest, Depends(_knock)]
ChannelName = Annotated[str, Path(max_length=64)]


@routes.get("/{channel}")
def challenge(desk: DeskPart, channel: ChannelName, crc_token: Annotated[str, Query(max_length=512)]) -> Response:
    """Prove to X who we are."""
    return JSONResponse({"response_token": desk.doors.challenge(channel, crc_token)})


@routes.post("/{channel}")
def message(desk: DeskPart, channel: ChannelName, knock: KnockPart) -> Response:
    """Take what a provider tells."""
    try:
        reply = desk.doors.message(channel, knock, now=desk.now())
    except Unsigned as error:
        raise ProblemError("unauthenticated", _UNSIGNED) from error
    except ConfigError as error:
        raise _unusable(channel, error) from error
    return Response(reply.text, media_type=reply.media_type)


@routes.post("/{channel}/status")
def status(desk: DeskPart, channel: ChannelName, knock: KnockPart, outbound: UUID) -> Response:
    """Note what became of a message of ours. `outbound` names it; the signature covers the query."""
    try:
        desk.doors.status(channel, knock, outbound_id=outbound)
    except Unsigned as error:
        raise ProblemError("unauthenticated", _UNSIGNED) from error
    except ConfigError as error:
        raise _unusable(channel, error) from error
    return Response(status_code=204)


def _unusable(channel: str, error: ConfigError) -> ProblemError:
    _log.error("webhook.unusable", channel=channel, error=str(error))
    return ProblemError("unavailable", "this desk is not set up for webhooks")
