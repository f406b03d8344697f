"""A provider of short messages that loses answers and drops requests, and the sender for it.

It stores what it accepts and can be queried, like Twilio's list of messages; it has no idempotency key.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import defaultdict
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

from connectors.base import Health
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from router.delivery import Window
from router.errors import TransientError

_TIMEOUT_SECONDS: Final = 5.0


class FakeSms:
    """The provider, on loopback. lost, dropped: the share of requests lost after and before acceptance; 0 to 1."""

    def __init__(self, *, lost: float, dropped: float, seed: int) -> None:
        self.lost, self.dropped, self._chance = lost, dropped, random.Random(seed)
        self.kept: dict[str, list[str]] = defaultdict(list)
        self._lock = threading.Lock()
        provider = self

        class Handler(_Handler):
            fake = provider

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, to: str, body: str) -> str | None:
        """Store a message; return its id, or None if the client gets no answer."""
        with self._lock:
            luck = self._chance.random()
            if luck < self.dropped:
                return None
            sid = f"SM{sum(map(len, self.kept.values())):032x}"
            self.kept[f"{to}\n{body}"].append(sid)
            return None if luck < self.dropped + self.lost else sid

    def find(self, to: str, body: str) -> list[str]:
        """Return the ids of the messages with this body to this number."""
        with self._lock:
            return list(self.kept.get(f"{to}\n{body}", ()))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Print nothing: the clients are killed on purpose."""


class _Handler(BaseHTTPRequestHandler):
    fake: FakeSms
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        sid = self.fake.take(order["to"], order["body"])
        if sid is None:
            self.close_connection = True
            self.connection.close()
            return
        self._answer({"sid": sid}, status=201)

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        self._answer({"sids": self.fake.find(asked["to"][0], asked["body"][0])}, status=200)

    def _answer(self, content: dict[str, Any], *, status: int) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):
            # The connection was broken on purpose.
            return


class FakeSmsSender:
    """See `Sender`."""

    repeatable = False

    def __init__(self, channel: str, *, port: int) -> None:
        self.channel, self._port = channel, port
        self._connection: http.client.HTTPConnection | None = None

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return Window()

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        try:
            connection = self._connected()
        except OSError as error:
            return Receipt(verdict=SendVerdict.NOT_SENT, why=type(error).__name__, whole_channel=True)
        try:
            body = json.dumps({"to": outgoing.recipient, "body": outgoing.text})
            connection.request("POST", "/messages", body=body)
            sid = json.loads(connection.getresponse().read())["sid"]
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Receipt(verdict=SendVerdict.UNKNOWN, why=type(error).__name__)
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=sid)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`."""
        del since
        path = f"/messages?to={quote(outgoing.recipient)}&body={quote(outgoing.text)}"
        try:
            connection = self._connected()
            connection.request("GET", path)
            sids = json.loads(connection.getresponse().read())["sids"]
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise TransientError(type(error).__name__) from error
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=sids[0]) if sids else None

    def probe(self) -> Health:
        """See `Sender`."""
        return Health(ok=True, findings=())

    def close(self) -> None:
        """See `Sender`."""
        if self._connection:
            self._connection.close()
        self._connection = None

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_SECONDS)
            self._connection.connect()
        return self._connection
