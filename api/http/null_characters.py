"""Refuse U+0000 in forms and paths of pages: PostgreSQL cannot store it, and no person writes it.

The REST API names the field in which it stands (`api.http.requests`).
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import ProblemError, respond
from api.paths import API
from connectors.registry_row import VOICE_PATH, WEBHOOKS_PATH

HAS_NULL: Final = "the request contains the character U+0000"


_FREE: Final = (f"{WEBHOOKS_PATH}/", f"{VOICE_PATH}/", f"{API}/")


class RefuseNull:
    """ASGI middleware for paths, queries and urlencoded forms; the boundary limits the size of a body.

    What providers bring is a customer's message, which is never refused: its endpoint replaces the character.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. See the ASGI specification."""
        if scope["type"] != "http" or scope["path"].startswith(_FREE):
            await self._app(scope, receive, send)
        elif "\x00" in scope["path"]:
            await respond(Request(scope), "not-found")(scope, receive, send)
        elif _has_null(scope["query_string"]):
            await respond(Request(scope), "bad-request", detail=HAS_NULL)(scope, receive, send)
        elif Headers(scope=scope).get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
            await self._app(scope, _CheckedForm(receive), send)
        else:
            await self._app(scope, receive, send)


class _CheckedForm:
    """The body while it arrives. Its pieces are searched together, because the cut may be anywhere."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._seen = receive, b""

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += message.get("body", b"")
            if _has_null(self._seen):
                raise ProblemError("bad-request", HAS_NULL)
        return message


def _has_null(text: bytes) -> bool:
    return b"%00" in text or b"\x00" in text
