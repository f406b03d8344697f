"""A provider on this machine: answers requests, fails as scripted, records the requests.

The demo runs these as they are; the tests run the same ones and check them against the published descriptions.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

Json = dict[str, Any]

# How many requests are remembered; a demo may run for days.
_REMEMBERED: Final = 5_000


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """One request. path: decoded.  query: pairs in their order."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def params(self) -> dict[str, str]:
        """The query."""
        return dict(self.query)

    @property
    def form(self) -> dict[str, str]:
        """The body's fields."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:  # noqa: ANN401  (JSON)
        """The body's document."""
        return json.loads(self.body or b"null")


@dataclass(frozen=True, slots=True)
class DemoAnswer:
    """One reply: a document, or bytes as they are."""

    status: int = 200
    document: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> bytes:
        """The body that is sent."""
        if self.content is not None:
            return self.content
        return b"" if self.document is None else json.dumps(self.document, ensure_ascii=False).encode()


@dataclass(slots=True)
class Fault:
    """A failure of the next requests that it matches.

    answer: sent in place of the real one.  reset: the connection is cut before the request has an effect.  lose: it is
    cut after the request took effect.  hang: seconds of silence first.
    """

    when: Callable[[DemoRequest], bool] = lambda _: True
    answer: DemoAnswer | None = None
    reset: bool = False
    lose: bool = False
    hang: float = 0.0
    times: int = 1


class Provider:
    """Listens on 127.0.0.1 in threads of its own; subclasses define the answers."""

    def __init__(self, *, port: int = 0) -> None:
        self.asked: list[DemoRequest] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.stopped = threading.Event()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        """Return the provider's answer; one request at a time."""
        raise NotImplementedError

    def check(self, asked: DemoRequest, answer: DemoAnswer) -> None:
        """Check both against the provider's published description; only the tests implement it."""

    def left(self, to: str, text: str) -> None:
        """Note a message that a customer receives; the demo prints it."""

    def script(self, *faults: Fault) -> None:
        """Add these failures; each is used in turn."""
        with self.lock:
            self.faults += faults

    def stop(self) -> None:
        """Stop listening."""
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request, or fail as scripted."""
        asked = _read(handler)
        with self.lock:
            self.asked.append(asked)
            del self.asked[:-_REMEMBERED]
            fault = self._fault(asked) or Fault()
        self.stopped.wait(fault.hang)
        if fault.reset:
            _cut(handler)
            return
        answer = fault.answer or self._answer(asked)
        if fault.lose:
            _cut(handler)
            return
        _send(handler, answer)

    def _answer(self, asked: DemoRequest) -> DemoAnswer:
        with self.lock:
            answer = self.answer(asked)
            self.check(asked, answer)
            return answer

    def _fault(self, asked: DemoRequest) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.when(asked):
                fault.times -= 1
                return fault
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: some tests hang up on purpose."""


def _handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            provider.serve(self)

        def do_POST(self) -> None:
            provider.serve(self)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _read(handler: BaseHTTPRequestHandler) -> DemoRequest:
    parts = urlsplit(handler.path)
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    query = tuple(parse_qsl(parts.query, keep_blank_values=True))
    return DemoRequest(handler.command, unquote(parts.path), query, dict(handler.headers.items()), body)


def _cut(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)


def _send(handler: BaseHTTPRequestHandler, answer: DemoAnswer) -> None:
    content = answer.bytes
    handler.send_response(answer.status)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content))} | dict(answer.headers)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)
