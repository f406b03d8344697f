"""The pace of each address, asked before a body is read: help, the contact form, cases, the provider, searches."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.desk import Clock
from api.http.problems import respond
from api.paths import ANSWER, API, CONTACT, HELP, SIGN_IN
from api.services.refusals import Refusals, Refused
from api.services.visitors import Visitors
from router.client_address import client_address

# In the scope of a filled contact form whose sender wrote too much: its body is not read, and the page says so.
OVER_PACE: Final = "over_pace"
_SEARCH: Final = f"{API}/search"
# Pages for everybody, with all that is below them: the way to a provider asks another server.
_OPEN: Final = (f"{HELP}/", f"{ANSWER}/", "/case/", f"{SIGN_IN}/oidc")
_DETAIL: Final = "too many requests from this address; wait a minute"


class AddressThrottle:
    """ASGI middleware: 429 above the pace of the client's address."""

    def __init__(self, app: ASGIApp, *, visitors: Visitors, refusals: Refusals, now: Clock) -> None:
        self._app, self._visitors, self._refusals, self._now = app, visitors, refusals, now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. See the ASGI specification."""
        refused = self._refused(scope) if scope["type"] == "http" else None
        if refused:
            self._refusals.note(refused)
            headers = {"Retry-After": "60"}
            await respond(Request(scope), "too-many-requests", detail=_DETAIL, headers=headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refused(self, scope: Scope) -> Refused | None:
        path, (host, _) = scope["path"], scope.get("client") or ("", 0)
        if path == _SEARCH:
            taken = self._visitors.searches.takes(client_address(host), now=self._now())
            return None if taken else Refused.SEARCHES
        if path not in {CONTACT, HELP} and not path.startswith(_OPEN):
            return None
        address = client_address(host)
        if not self._visitors.pages.takes(address, now=self._now()):
            return Refused.PAGES
        is_message = path == CONTACT and scope["method"] == "POST"
        if is_message and not self._visitors.messages.has_room(address, now=self._now()):
            scope[OVER_PACE] = True
        return None
