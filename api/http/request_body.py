"""Read a request's body before any route does: within a time limit, with a slot for large ones, which go to a file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.address_throttle import OVER_PACE
from api.http.problems import respond
from api.services.refusals import Refusals, Refused
from api.services.upload_slots import SMALL_BYTES, SPOOL_BYTES, NoSlotError, UploadSlots
from router.client_address import client_address
from router.settings.limits import LimitSettings
from store.db.private_files import make_private_folder

_RETRY: Final = {"Retry-After": "10"}
_OF_ADDRESS: Final = "this address already sends as many files as it may at once; wait for one of them"
_OF_ALL: Final = "too many files arrive at this moment; try again in some seconds"
_NO_ROOM: Final = "there is no room on the disk for this file"


class ReadBodies:
    """ASGI middleware; the boundary has compared the body's length with what its path allows. folder: for the files."""

    def __init__(self, app: ASGIApp, *, limits: LimitSettings, refusals: Refusals, folder: Path) -> None:
        self._app, self._refusals, self._folder = app, refusals, folder
        self._limits, self._slots = limits, UploadSlots(limits)
        # A large body is in memory several times while it is stored.
        self._large = asyncio.Semaphore(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. See the ASGI specification."""
        size = _declared(scope)
        if not size:
            await self._app(scope, receive, send)
            return
        host, _ = scope.get("client") or ("", 0)
        try:
            with self._slots.taken(client_address(host), size=size):
                await self._answer(scope, receive, send, within=self._within(size))
        except NoSlotError as error:
            self._refusals.note(error.what)
            own = error.what is Refused.UPLOADS_OF_ADDRESS
            slug, detail = ("too-many-requests", _OF_ADDRESS) if own else ("unavailable", _OF_ALL)
            await respond(Request(scope), slug, detail=detail, headers=_RETRY)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, *, within: float) -> None:
        with SpooledTemporaryFile(max_size=SPOOL_BYTES, dir=str(self._folder)) as file:
            try:
                async with asyncio.timeout(within):
                    size = await self._arrived(receive, file)
            except TimeoutError:
                self._refusals.note(Refused.SLOW_BODY)
                await respond(Request(scope), "timeout", headers={"Connection": "close"})(scope, receive, send)
                return
            except OSError:
                await respond(Request(scope), "unavailable", detail=_NO_ROOM, headers=_RETRY)(scope, receive, send)
                return
            async with AsyncExitStack() as turn:
                if size > SPOOL_BYTES:
                    await turn.enter_async_context(self._large)
                await self._app(scope, _Replay(file, receive), send)

    def _within(self, size: int) -> float:
        small = size <= SMALL_BYTES
        return (self._limits.request_within if small else self._limits.upload_within).total_seconds()

    async def _arrived(self, receive: Receive, file: IO[bytes]) -> int:
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            content, more = message.get("body", b""), message.get("more_body", False)
            if size <= SPOOL_BYTES < size + len(content):
                await run_in_threadpool(make_private_folder, self._folder)
            size += len(content)
            file.write(content)
        file.seek(0)
        return size


class _Replay:
    """Gives the route the whole body in one message: several would be copied together."""

    def __init__(self, file: IO[bytes], receive: Receive) -> None:
        self._read: Callable[[], bytes] | None = file.read
        self._receive = receive

    async def __call__(self) -> Message:
        if self._read is None:
            return await self._receive()
        read, self._read = self._read, None
        return {"type": "http.request", "body": await run_in_threadpool(read), "more_body": False}


def _declared(scope: Scope) -> int:
    if scope["type"] != "http" or scope["method"] == "GET" or OVER_PACE in scope:
        return 0
    length = Headers(scope=scope).get("content-length", "0")
    return int(length) if length.isdigit() else 0
