"""Post to or fetch from a URL that a customer's tool or an operator chose, but never from our own internal addresses.

The name is resolved here, each of its addresses is checked, and the connection goes to the checked address itself, so
a name that resolves differently a moment later (DNS rebinding) gains nothing. No redirects to other hosts, no proxies,
limits on time and on the bytes read.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urljoin, urlsplit

from router.errors import PermanentError, TransientError

_SECONDS: Final = 15.0
_CONNECT_SECONDS: Final = 5.0
# The minimum when resolving took all the time: a socket with a timeout of 0 would not block at all.
_LEAST_SECONDS: Final = 0.05
# Of the response to a post: enough for a JSON document with an id or an error.
_MOST_BYTES: Final = 65_536
_CHUNK_BYTES: Final = 65_536
_MOST_HOPS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# Addresses that contain another: NAT64 (RFC 6052 section 2.1) and 6to4 (RFC 3056 section 2).
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Addresses that the standard library of some Python takes for public, and that never lead to a tool of an operator:
# site-local (RFC 3879), documentation (RFC 9637), the 6to4 relays (RFC 7526), segment routing (RFC 9602), and networks
# that each provider answers by itself, AS112 and AMT (RFC 7534, RFC 7535, RFC 7450).
# Source: IANA's two registries of special-purpose addresses.
_SPECIAL: Final = tuple(
    ip_network(each)
    for each in (
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "2001:3::/32",
        "2001:4:112::/48",
        "2620:4f:8000::/48",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
    )
)
_PUBLIC_PORT: Final = {"http": 80, "https": 443}


class Forbidden(PermanentError):
    """The address belongs to one of our own networks."""


class NotReached(TransientError):
    """No byte of the request was sent."""


class TooLarge(PermanentError):
    """The response is larger than what is taken."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The target's response. retry_after: how long it asks us to wait.  body: its beginning, or all of a fetched file.

    location: of a redirect; else empty.
    """

    status: int
    retry_after: timedelta | None = None
    body: bytes = b""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _HttpRequest:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes | None = None
    largest: int = _MOST_BYTES
    # A longer response is an error, and not only its beginning.
    whole: bool = False


def is_public(address: str) -> bool:
    """Return whether an address is public, also when it contains another."""
    ip = _unwrapped(ip_address(address.partition("%")[0]))
    special = any(ip in network for network in _SPECIAL if network.version == ip.version)
    return ip.is_global and not ip.is_multicast and not ip.is_reserved and not special


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    allow_private: bool = False,
    seconds: float = _SECONDS,
    largest: int | None = None,
) -> HttpAnswer:
    """Post once and return the response, with any status; a redirect is a response like any other.

    allow_private: private addresses are allowed.  seconds: the limit for everything, including resolving the name.
    largest: the most bytes of a response that is needed whole; None if its beginning is enough.
    Raises Forbidden, TooLarge, NotReached when no byte was sent, TransientError when there is no response.
    """
    request = _HttpRequest(
        method="POST",
        path=_path_of(url),
        headers=headers,
        body=body,
        largest=_MOST_BYTES if largest is None else largest,
        whole=largest is not None,
    )
    return _send(url, request, allow_private=allow_private, seconds=seconds)


def fetch(
    url: str,
    *,
    largest: int,
    headers: Mapping[str, str] | None = None,
    allow_private: bool = False,
    seconds: float = _SECONDS,
    onward: tuple[str, ...] = (),
) -> HttpAnswer:
    """Fetch a URL and return the response, with any status; redirects are followed on the same host only.

    largest: the most bytes that are taken.  seconds: the limit for everything.
    onward: ends of the names of other hosts that may be passed on to, by https; they do not get the headers.
    Raises Forbidden, also for a redirect elsewhere, TooLarge, NotReached, TransientError when there is no response.
    """
    until = time.monotonic() + seconds
    for _ in range(_MOST_HOPS):
        request = _HttpRequest(method="GET", path=_path_of(url), headers=headers or {}, largest=largest, whole=True)
        left = max(until - time.monotonic(), _LEAST_SECONDS)
        answer = _send(url, request, allow_private=allow_private, seconds=left)
        if answer.status not in _REDIRECTS:
            return answer
        url, stayed = _next_hop(url, answer.location, onward=onward)
        headers = headers if stayed else None
    raise Forbidden("the target passes us on again and again")


def _next_hop(url: str, location: str, *, onward: tuple[str, ...]) -> tuple[str, bool]:
    """Return where a redirect leads, and whether that is the same host."""
    target = urljoin(url, location)
    here, there = urlsplit(url), urlsplit(target)
    if (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port):
        return target, True
    allowed = there.scheme == "https" and there.port in {None, 443} and (there.hostname or "").endswith(onward)
    if not onward or not allowed:
        raise Forbidden("the target passes us on to another host, which we do not follow")
    return target, False


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _send(url: str, request: _HttpRequest, *, allow_private: bool, seconds: float) -> HttpAnswer:
    until = time.monotonic() + seconds
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PUBLIC_PORT[parts.scheme]
    except (KeyError, ValueError) as error:
        raise Forbidden("the target is no http or https URL") from error
    address = _judged(host, port, allow_private=allow_private, seconds=seconds)
    left = max(until - time.monotonic(), _LEAST_SECONDS)
    try:
        connection = _connection(parts.scheme, host, port=port, address=address, seconds=left)
        return _exchange(connection, request, seconds=left)
    except (OSError, ValueError, http.client.HTTPException) as error:
        # The exception's message may contain the target's own text.
        raise TransientError(f"no answer from the target ({type(error).__name__})") from error


def examine(url: str, *, allow_private: bool = False) -> str:
    """Return the address that `post` would connect to, without connecting.

    Raises Forbidden, TransientError when the name does not exist.
    """
    parts = urlsplit(url)
    return _judged(parts.hostname or "", parts.port or _PUBLIC_PORT[parts.scheme], allow_private=allow_private)


def _unwrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(ip, IPv4Address):
        return ip
    inner = ip.ipv4_mapped or ip.sixtofour
    return inner or (IPv4Address(int(ip) & 0xFFFF_FFFF) if ip in _NAT64 else ip)


def _judged(host: str, port: int, *, allow_private: bool, seconds: float = _SECONDS) -> str:
    addresses = _resolved(host, port, seconds=seconds)
    # A private address among public ones is a trick to pass this check.
    if not allow_private and not all(map(is_public, addresses)):
        raise Forbidden("the target's address is private; `allow_private = true` allows it, if that is intended")
    return addresses[0]


def _resolved(host: str, port: int, *, seconds: float) -> list[str]:
    """Return the name's addresses.

    The system's resolver has no time limit and cannot be interrupted, so it runs in a thread; a thread that is given up
    ends with the resolver, and does not keep the process from ending.
    """
    found: list[str] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            found.extend(str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(seconds)
    if asking.is_alive():
        raise NotReached(f"the target's name was not resolved within {seconds:g} s")
    if failed:
        raise NotReached("the target's name is not known") from failed[0]
    return found


def _connection(scheme: str, host: str, *, port: int, address: str, seconds: float) -> http.client.HTTPConnection:
    kind = _Tls if scheme == "https" else _Plain
    connection = kind(host, port, timeout=min(_CONNECT_SECONDS, seconds))
    connection.address = address
    return connection


class _Plain(http.client.HTTPConnection):
    """Connects to the checked address; the name stays for the Host header."""

    address = ""

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self.timeout)


class _Tls(_Plain):
    def connect(self) -> None:
        super().connect()
        context = ssl.create_default_context()
        # The handshake comes after the socket is stored, so that the guard can close it.
        self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock.do_handshake()


def _exchange(connection: http.client.HTTPConnection, request: _HttpRequest, *, seconds: float) -> HttpAnswer:
    # A target that sends one byte now and then would never reach the socket's timeout.
    guard = threading.Timer(seconds, _cut, [connection])
    guard.daemon = True
    guard.start()
    try:
        try:
            connection.connect()
        except (OSError, ValueError) as error:
            raise NotReached(f"the target cannot be reached ({type(error).__name__})") from error
        connection.sock.settimeout(seconds)
        connection.request(request.method, request.path, request.body, dict(request.headers))
        # A response that is not read to its end holds the socket, also after the connection is closed.
        with connection.getresponse() as answer:
            return HttpAnswer(
                answer.status,
                _retry_after(answer.getheader("Retry-After", "")),
                _body(answer, request),
                answer.getheader("Location", ""),
            )
    finally:
        guard.cancel()
        connection.close()


def _body(answer: http.client.HTTPResponse, request: _HttpRequest) -> bytes:
    content = bytearray()
    # Not decoded: a small response could unpack to a large one.
    while len(content) <= request.largest and (chunk := answer.read(_CHUNK_BYTES)):
        content += chunk
    if request.whole and len(content) > request.largest:
        raise TooLarge(f"it is larger than {request.largest} bytes")
    if request.whole and answer.length:
        raise TransientError("the file ended early")
    return bytes(content[: request.largest])


def _cut(connection: http.client.HTTPConnection) -> None:
    # It may be closed already, or not open yet: then the connect timeout is the limit.
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _retry_after(value: str) -> timedelta | None:
    # RFC 9110 section 10.2.3; for dates our own back-off is used.
    return timedelta(seconds=int(value)) if value.isascii() and value.isdigit() and len(value) < 7 else None
