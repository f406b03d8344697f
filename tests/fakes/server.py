"""A provider on this machine: answers by a function, misbehaves by script, writes down what was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request. path: decoded.  query, form: pairs in their order.  port: that its Host header names."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def params(self) -> dict[str, str]:
        return dict(self.query)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


@dataclass(frozen=True)
class Answer:
    status: int = 200
    document: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> bytes:
        if self.content is not None:
            return self.content
        return b"" if self.document is None else json.dumps(self.document, ensure_ascii=False).encode()


@dataclass
class Fault:
    """What goes wrong with the next request that it matches. answer: instead of the real one.

    reset: the line is cut before anything happened.  lose: it is cut after all happened.  hang: seconds of silence.
    """

    when: Callable[[Asked], bool] = lambda _: True
    answer: Answer | None = None
    reset: bool = False
    lose: bool = False
    hang: float = 0.0
    times: int = 1


class FakeServer:
    """Listens on 127.0.0.1 in threads of its own. `answer` is the provider; subclasses write it."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.stopped = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                fake._serve(self)

            do_GET = do_POST = do_DELETE = _serve  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            # A client that hung up is what some tests want.
            handle_error = lambda *_: None  # noqa: E731

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def check(self, asked: Asked, answer: Answer) -> None:
        """Look whether both keep to the contract."""

    def script(self, *faults: Fault) -> None:
        with self.lock:
            self.faults += faults

    def stop(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        asked = Asked(
            handler.command,
            unquote(parts.path),
            tuple(parse_qsl(parts.query, keep_blank_values=True)),
            dict(handler.headers.items()),
            body,
        )
        with self.lock:
            self.asked.append(asked)
            fault = self._fault(asked)
        if fault and fault.hang:
            self.stopped.wait(fault.hang)
        if fault and fault.reset:
            _cut(handler)
            return
        if fault and fault.answer:
            answer = fault.answer
        else:
            with self.lock:
                answer = self.answer(asked)
                self.check(asked, answer)
        if fault and fault.lose:
            _cut(handler)
            return
        _send(handler, answer)

    def _fault(self, asked: Asked) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and fault.when(asked):
                fault.times -= 1
                return fault
        return None


def _cut(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.connection.shutdown(socket.SHUT_RDWR)


def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    content = answer.bytes
    handler.send_response(answer.status)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(content))} | dict(answer.headers)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(content)
