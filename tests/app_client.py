"""A client of an ASGI application without a socket: httpx in front, the application's event loop behind.

Starlette's own test client needs a library that is not locked; these few lines are all that we need of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI


class _Transport(httpx.BaseTransport):
    def __init__(self, app: Any, portal: BlockingPortal, client: tuple[str, int]) -> None:
        self._asgi = httpx.ASGITransport(app, client=client)
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._answer, request)

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        answer = await self._asgi.handle_async_request(request)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content, request=request)


class AppClient(httpx.Client):
    """Sends requests to `app`; redirects are not followed. peer: the client address that the application sees."""

    def __init__(
        self,
        app: Any,
        portal: BlockingPortal,
        *,
        peer: str = "203.0.113.7",
        base_url: str = "http://testserver",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(transport=_Transport(app, portal, (peer, 50000)), base_url=base_url, headers=headers)


@contextmanager
def started(app: FastAPI, portal: BlockingPortal) -> Iterator[FastAPI]:
    """Start an application, and end its threads before the test closes the database that they write to."""
    with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
        yield app
