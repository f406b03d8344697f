"""The public endpoints for providers' webhooks: verify the signature, store the content, then respond."""

from __future__ import annotations

from asyncio import sleep
from collections.abc import Mapping
from functools import partial
from time import monotonic
from typing import Annotated, Final
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from api.desk import Desk, DeskPart
from api.http.problems import ProblemError
from connectors.base import WebhookRequest
from connectors.registry_row import WEBHOOKS_PATH
from router.errors import ConfigError
from workers.intake.provider_webhooks import Unsigned
from workers.sending.pull_outbox import Collected

routes: Final = APIRouter(prefix=WEBHOOKS_PATH, include_in_schema=False)
_UNSIGNED: Final = "the signature is missing, or does not match this URL and these bytes"

# Seconds that a system that collects its answers may wait for the first, and between two looks.
_LONGEST_WAIT: Final = 20
_LOOK_EVERY: Final = 0.5

_log = structlog.get_logger()


class Ack(BaseModel):
    """What became of one answer. provider_id: their id of it.  refused: a code, if they will never take it."""

    id: UUID
    provider_id: str = Field(default="", max_length=256)
    refused: str = Field(default="", max_length=40, pattern=r"[A-Za-z0-9_.-]*")


class Confirmation(BaseModel):
    """Which of the collected answers arrived."""

    acks: list[Ack] = Field(min_length=1, max_length=100)


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


@routes.get("/{channel}/outbox")
async def collect(
    desk: DeskPart,
    http: Request,
    channel: ChannelName,
    request: WebhookPart,
    *,
    wait: Annotated[int, Query(ge=0, le=_LONGEST_WAIT)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 100,
) -> Response:
    """Hand out the answers that wait for the channel's own system; `wait`: seconds to wait for the first."""
    until = monotonic() + wait
    while True:
        found = await run_in_threadpool(partial(_collect, desk, channel, request, limit=limit))
        if found or monotonic() >= until or await http.is_disconnected():
            return JSONResponse({"items": found})
        await sleep(_LOOK_EVERY)


@routes.post("/{channel}/outbox")
def confirm(desk: DeskPart, channel: ChannelName, request: WebhookPart) -> Response:
    """Record which of the collected answers arrived."""
    answers = _answers(request.body)
    try:
        known = desk.webhooks.confirm(channel, request, answers=answers, now=desk.now())
    except Unsigned as error:
        raise ProblemError("unauthenticated", _UNSIGNED) from error
    except ConfigError as error:
        raise _unusable(channel, error) from error
    return JSONResponse({"known": [str(each) for each, is_known in known.items() if is_known]})


def _collect(desk: Desk, channel: str, request: WebhookRequest, *, limit: int) -> list[Mapping[str, object]]:
    try:
        return list(desk.webhooks.collect(channel, request, limit=limit, now=desk.now()))
    except Unsigned as error:
        raise ProblemError("unauthenticated", _UNSIGNED) from error
    except ConfigError as error:
        raise _unusable(channel, error) from error


def _answers(body: bytes) -> list[Collected]:
    try:
        confirmed = Confirmation.model_validate_json(body).acks
    except ValidationError as error:
        raise ProblemError("invalid", 'expected {"acks": [{"id": "..."}]} with our ids') from error
    return [Collected(each.id, each.provider_id, each.refused) for each in confirmed]


def _unusable(channel: str, error: ConfigError) -> ProblemError:
    _log.error("webhook.unusable", channel=channel, error=str(error))
    return ProblemError("unavailable", "this desk is not configured for webhooks")
