"""Which host names a request may ask for, so that no foreign page reads or changes this desk (DNS rebinding)."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.problems import respond
from connectors.registry_row import VOICE_PATH, WEBHOOKS_PATH
from router.settings.values import is_loopback

# Load balancers and Prometheus ask each process by its address.
_MONITORED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_USUAL_PORTS: Final = {"http": 80, "https": 443}


class RequireHost:
    """ASGI middleware: with a `public_url`, `Host` names it, this machine, or the address that was connected to."""

    def __init__(self, app: ASGIApp, *, public_url: str | None) -> None:
        self._app, self._names = app, _names_of(public_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. See the ASGI specification."""
        if scope["type"] == "http" and self._names and not self._is_free(scope["path"]) and not self._is_ours(scope):
            await respond(Request(scope), "misdirected")(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_free(self, path: str) -> bool:
        # A provider proves itself by its signature, and no message may be lost by a proxy that renames us.
        return path in _MONITORED or path.startswith((f"{WEBHOOKS_PATH}/", f"{VOICE_PATH}/"))

    def _is_ours(self, scope: Scope) -> bool:
        named = Headers(scope=scope).getlist("host")
        host = named[0].lower() if len(named) == 1 else ""
        return host in self._names or _is_local(_without_port(host), scope)


def _names_of(public_url: str | None) -> frozenset[str]:
    if public_url is None:
        return frozenset()
    parts = urlsplit(public_url.lower())
    usual = _USUAL_PORTS[parts.scheme]
    if parts.port in {None, usual}:
        return frozenset({f"{parts.hostname}", f"{parts.hostname}:{usual}"})
    return frozenset({parts.netloc})


def _without_port(host: str) -> str:
    return host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]


def _is_local(name: str, scope: Scope) -> bool:
    # An address cannot be rebound: who names the one that they connected to means this process.
    if is_loopback(name):
        return True
    server = scope.get("server")
    with suppress(ValueError):
        return server is not None and ip_address(name) == ip_address(server[0])
    return False
