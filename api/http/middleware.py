"""The outermost layer: an id and a log line for each request, safe headers, and a response to any error."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.problems import FieldError, respond
from api.http.requests import NOT_TEXT
from api.paths import POLL_HEADER
from api.services.audit_trail import Trail
from api.services.request_metrics import Meter

# The largest body of any other route is a sentence of reason.
MOST_BODY_BYTES: Final = 65_536
# An answer of 20,000 Chinese characters, as a form sends it: nine bytes each.
ANSWER_BYTES: Final = 262_144
# A form that waits during the sign-in, which is written into a form again: of each byte, three.
KEPT_BYTES: Final = 2 * ANSWER_BYTES
_ANSWER: Final = re.compile(r"/conversations/[^/]+/(say|draft|macro)")
# All files of an answer at once, with what a form writes around them (`api.pages.composer.answer_files`).
FILES_BYTES: Final = 19 * 1024 * 1024
_FILES: Final = re.compile(r"/conversations/[^/]+/files|/desk/new")
_GIVEN_ID: Final = re.compile(r"[0-9A-Za-z_-]{8,64}")
_ONE_CASE: Final = re.compile(r"^/case/[^/]+/")
_BODIES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_METHODS: Final = _BODIES | {"GET", "HEAD", "OPTIONS"}
STRICT: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A response that needs another value sets the header itself.
_HEADERS: Final = {
    "Content-Security-Policy": STRICT,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_HSTS: Final = "max-age=31536000"

# As nginx logs it; no answer is sent with it.
_CLIENT_CLOSED: Final = 499

_log = structlog.get_logger()


class Boundary:
    """ASGI middleware. secure: the desk is reached by https.

    larger: path -> the limit of its body; in the path of a case, * stands for its token.
    """

    def __init__(self, app: ASGIApp, *, meter: Meter, trail: Trail, secure: bool, larger: Mapping[str, int]) -> None:
        self._app, self._meter, self._trail, self._secure = app, meter, trail, secure
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request. See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["request_id"] = _request_id(Headers(scope=scope))
        began, method = time.perf_counter(), scope["method"]
        answer = _Answer(send, scope=scope, secure=self._secure, bodiless=method == "HEAD")
        if method == "HEAD":
            # RFC 9110 section 9.3.2: the answer to GET without its body. The routes know GET alone.
            scope["method"], receive = "GET", answer.gone_when_answered(receive)
        try:
            await self._answer(scope, receive, answer)
        finally:
            scope["method"] = method
            self._record(scope, status=answer.status, seconds=time.perf_counter() - began)

    async def _answer(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        refused = _refused_body(scope, most=self._most(scope["path"]))
        if refused:
            await respond(Request(scope), refused)(scope, receive, answer)
            return
        if errors := _unreadable_address(scope):
            await respond(Request(scope), "invalid", errors=errors)(scope, receive, answer)
            return
        try:
            await self._app(scope, receive, answer)
        except ClientDisconnect:
            # The client closed the connection before its request had arrived: no one reads a response.
            answer.status = answer.status or _CLIENT_CLOSED
        except Exception as error:  # noqa: BLE001  (the process's outer loop: log, respond, go on with the next request)
            _log.error("request.failed", request_id=scope["request_id"], route=_route(scope), exc_info=error)
            if not answer.status:
                await respond(Request(scope), "internal")(scope, receive, answer)

    def _most(self, path: str) -> int:
        """Return how large a body at this path may be."""
        usual = FILES_BYTES if _FILES.fullmatch(path) else MOST_BODY_BYTES
        one_case = _ONE_CASE.sub("/case/*/", path)
        return self._larger.get(one_case, ANSWER_BYTES if _ANSWER.fullmatch(path) else usual)

    def _record(self, scope: Scope, *, status: int, seconds: float) -> None:
        # A client may invent methods; each would be a new series.
        route, method = _route(scope), scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._meter.answered(method=method, route=route, status=status, seconds=seconds)
        self._trail.note(scope, route=route, status=status, is_poll=POLL_HEADER in Headers(scope=scope))
        _log.info(
            "request.answered",
            request_id=scope["request_id"],
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            agent_id=str(scope["actor"].id) if "actor" in scope else None,
        )


class _Answer:
    """The response: notes the status and adds the headers. bodiless: only the headers are wanted."""

    def __init__(self, send: Send, *, scope: MutableMapping[str, Any], secure: bool, bodiless: bool = False) -> None:
        self._send, self._scope, self._secure, self._bodiless = send, scope, secure, bodiless
        self.status = 0

    def gone_when_answered(self, receive: Receive) -> Receive:
        """Return a `receive` by which a stream learns that no more of it is wanted, once its headers are sent."""

        async def gone() -> Message:
            return {"type": "http.disconnect"} if self.status else await receive()

        return gone

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = self._scope["request_id"]
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if "session_cookie" in self._scope:
                headers.append("Set-Cookie", self._scope["session_cookie"])
            if self._secure:
                headers["Strict-Transport-Security"] = _HSTS
            if "location" in headers:
                headers["Location"] = _within(headers["location"], self._scope)
        if not self._bodiless:
            await self._send(message)
        elif message["type"] == "http.response.start":
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b""})


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)


def _within(location: str, scope: Scope) -> str:
    """Return the address of a redirect without the host that the client named: that may be any host."""
    parts = urlsplit(location)
    if parts.netloc and parts.netloc == Headers(scope=scope).get("host"):
        # Two slashes at the beginning would be a host again.
        return urlunsplit(("", "", f"/{parts.path.lstrip('/')}", parts.query, parts.fragment))
    return location


def _unreadable_address(scope: Scope) -> list[FieldError]:
    """Return which parts of the query hold control characters; no database could look for them.

    A path with them names nothing: `api.http.authentication` and the routes answer 404.
    """
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, errors="replace")
    wrong = [f"query.{NOT_TEXT.sub('', name)}" for name, value in query if NOT_TEXT.search(name + value)]
    return [FieldError(where=where, what="expected text without control characters") for where in wrong]


def _refused_body(scope: Scope, *, most: int) -> str:
    headers = Headers(scope=scope)
    if scope["method"] not in _BODIES:
        return ""
    if "transfer-encoding" in headers:
        return "length-required"
    length = headers.get("content-length", "0")
    return "too-large" if not length.isdigit() or int(length) > most else ""


def _route(scope: Scope) -> str:
    # The template, never the path: a path contains ids, and scanners invent millions of paths.
    return getattr(scope.get("route"), "path", "/static" if scope["path"].startswith("/static/") else "unknown")
