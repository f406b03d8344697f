"""The places for connections: how many, of all and of one address, and how long one may be silent within a request.

The web server bounds none of these itself: a client that sends a header byte by byte would hold its place for ever.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import ClassVar, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.services.refusals import Refusals, Refused
from router.client_address import client_address
from router.settings.limits import LimitSettings

_LINGER_SECONDS: Final = 1.0
_SLOW: Final = "408 Request Timeout", "the header did not arrive in the time that this desk allows"
_FULL: Final = "503 Service Unavailable", "too many connections are open; try again in some seconds"


class Connections:
    """The open connections of this process, the oldest first. proxies: they stand for many clients."""

    def __init__(
        self, limits: LimitSettings, *, refusals: Refusals, proxies: Sequence[IPv4Network | IPv6Network]
    ) -> None:
        self.limits, self.refusals, self._proxies = limits, refusals, proxies
        self._open: OrderedDict[BoundedProtocol, str] = OrderedDict()
        self._of_address: Counter[str] = Counter()

    def admit(self, connection: BoundedProtocol, *, host: str) -> bool:
        """Return whether the connection may stay; the oldest one without a request makes room for it."""
        address = self._address(host)
        if address and self._of_address[address] >= self.limits.connections_per_address:
            self.refusals.note(Refused.CONNECTIONS_OF_ADDRESS)
            return False
        if len(self._open) >= self.limits.connections:
            self.refusals.note(Refused.CONNECTIONS)
            idle = next((each for each in self._open if not each.is_busy), None)
            if idle is None:
                return False
            self.leave(idle)
            idle.drop()
        self._open[connection] = address
        self._of_address[address] += 1
        return True

    def leave(self, connection: BoundedProtocol) -> None:
        """Give the connection's places back; doing so twice is harmless."""
        address = self._open.pop(connection, None)
        if address is not None:
            self._of_address[address] -= 1
            if not self._of_address[address]:
                del self._of_address[address]

    def _address(self, host: str) -> str:
        try:
            peer = ip_address(host)
        except ValueError:
            return ""
        return "" if any(peer in network for network in self._proxies) else client_address(host)


class BoundedProtocol(H11Protocol):
    """One connection. Make a class for each server with `bounded_by`."""

    places: ClassVar[Connections]
    _refused = False
    _header_timer: asyncio.TimerHandle | None = None
    _unread_timer: asyncio.TimerHandle | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See `asyncio.Protocol`."""
        super().connection_made(transport)
        if self.places.admit(self, host=self.client[0] if self.client else ""):
            self._watch_header()
        else:
            self._refused = True
            self._end(*_FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.places.leave(self)
        _cancel(self._header_timer)
        _cancel(self._unread_timer)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if not self._refused:
            super().data_received(data)
            self._watch_header()

    def on_response_complete(self) -> None:
        """Read neither the rest of a refused request nor requests that were sent before this answer; then close."""
        if self.conn.their_state is h11.DONE and self.conn.trailing_data[0]:
            # No client that is in use sends its requests ahead (RFC 9112 section 9.3.2 lets us close): one connection
            # would queue hundreds of them.
            self.transport.close()
            return
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY:
            # The client has a moment to read the answer; what it sends meanwhile waits at its own machine.
            self._refused = True
            self.transport.pause_reading()
            self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        super().pause_writing()
        self._unread_timer = self.loop.call_later(self.places.limits.answer_within.total_seconds(), self._unread)

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        _cancel(self._unread_timer)
        super().resume_writing()

    def drop(self) -> None:
        """End the connection without a word, for one that may use its place."""
        self._refused = True
        self.transport.abort()

    def _watch_header(self) -> None:
        if self.is_busy:
            _cancel(self._header_timer)
            self._header_timer = None
        elif self._header_timer is None:
            within = self.places.limits.request_within.total_seconds()
            self._header_timer = self.loop.call_later(within, self._late)

    def _late(self) -> None:
        self._header_timer = None
        if not self.is_busy and not self.transport.is_closing():
            self.places.refusals.note(Refused.SLOW_HEADER)
            self._refused = True
            self._end(*_SLOW)

    def _unread(self) -> None:
        self.places.refusals.note(Refused.UNREAD_ANSWER)
        self.transport.abort()

    def _end(self, status: str, sentence: str) -> None:
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 10\r\nConnection: close\r\n"
        )
        self.transport.write(f"{head}Content-Length: {len(sentence)}\r\n\r\n{sentence}".encode())
        self.transport.close()


def bounded_by(places: Connections) -> type[BoundedProtocol]:
    """Return the protocol of a server whose connections have these places."""
    return type("Connection", (BoundedProtocol,), {"places": places})


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer:
        timer.cancel()
