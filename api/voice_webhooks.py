"""The public address of calls: each step is answered within seconds, also while the database is away."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

import anyio
import structlog
from anyio import to_thread
from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool

from api.desk import Desk, DeskPart
from api.http.problems import ProblemError
from connectors.base import WebhookRequest, WebhookResponse
from connectors.call_machine import CallMachine
from connectors.registry_row import VOICE_PATH
from router.errors import ConfigError, TransientError
from workers.calls.hotline import UnsignedCall

routes: Final = APIRouter(prefix=VOICE_PATH, include_in_schema=False)
_UNSIGNED: Final = "the signature is missing, or does not match this URL and these bytes"
# A caller hears silence meanwhile; the provider gives up after 15 seconds.
_PATIENCE_SECONDS: Final = 1.5

_log = structlog.get_logger()


@routes.post("/{channel}")
async def call(desk: DeskPart, http: Request, channel: Annotated[str, Path(max_length=64)]) -> Response:
    """Answer one step of a call."""
    headers = {name.lower(): value for name, value in http.headers.items()}
    request = WebhookRequest(body=await http.body(), headers=headers, query=http.url.query)
    machine = await run_in_threadpool(_verified, desk, channel, request)
    answer = await _answered(desk, channel, machine, request)
    return Response(answer.text, status_code=answer.status, media_type=answer.media_type)


def _verified(desk: Desk, channel: str, request: WebhookRequest) -> CallMachine:
    try:
        return desk.hotline.verified(channel, request)
    except UnsignedCall as error:
        raise ProblemError("forbidden", _UNSIGNED) from error
    except ConfigError as error:
        _log.error("call.unusable", channel=channel, error=str(error))
        raise ProblemError("unavailable", "this desk is not configured for calls") from error


async def _answered(desk: Desk, channel: str, machine: CallMachine, request: WebhookRequest) -> WebhookResponse:
    ask = partial(desk.hotline.answer, channel, machine, request, now=desk.now())
    try:
        with anyio.fail_after(_PATIENCE_SECONDS):
            return await to_thread.run_sync(ask, abandon_on_cancel=True)
    except (TransientError, TimeoutError) as error:
        _log.error("call.answered_without_database", channel=channel, error=type(error).__name__)
        desk.meter.call_without_database(channel)
        return machine.fallback(request)
