"""Refuse NUL in what a request says: PostgreSQL cannot store it, and no person writes it."""

from __future__ import annotations

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import ProblemError, respond
from connectors.registry_row import WEBHOOKS_PATH

# A NUL in JSON (RFC 8259 section 7): an escape whose own backslash is not escaped.
_IN_JSON: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_DETAIL: Final = "the request contains the character U+0000"


class RefuseNull:
    """ASGI middleware for paths, queries, JSON and urlencoded forms; bodies are small, the boundary sees to it.

    What providers bring is a customer's message, which is never refused: its gate replaces the character.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. See the ASGI specification."""
        if scope["type"] != "http" or scope["path"].startswith(f"{WEBHOOKS_PATH}/"):
            await self._app(scope, receive, send)
        elif "\x00" in scope["path"]:
            await respond(Request(scope), "not-found")(scope, receive, send)
        elif _in_form(scope["query_string"]):
            await respond(Request(scope), "bad-request", detail=_DETAIL)(scope, receive, send)
        else:
            await self._app(scope, _Checked(receive, content_type=Headers(scope=scope).get("content-type", "")), send)


class _Checked:
    """The body on its way in. Its pieces are looked at together, because the cut may be anywhere."""

    def __init__(self, receive: Receive, *, content_type: str) -> None:
        self._receive, self._seen = receive, b""
        kind = content_type.partition(";")[0].strip().lower()
        self._is_form = kind == "application/x-www-form-urlencoded"
        self._is_json = not self._is_form and not kind.startswith("multipart/")

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and (self._is_form or self._is_json):
            self._seen += message.get("body", b"")
            found = _in_form(self._seen) if self._is_form else _IN_JSON.search(self._seen)
            if found:
                raise ProblemError("bad-request", _DETAIL)
        return message


def _in_form(text: bytes) -> bool:
    return b"%00" in text or b"\x00" in text
