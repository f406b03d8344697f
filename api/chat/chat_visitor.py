"""Who a visitor is: the session's secret from a cookie or the Authorization header, never from a URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Path, Request, Response

from api.desk import Desk, DeskPart
from api.http.authentication import refuse_foreign_form
from api.http.problems import ProblemError
from router.client_address import client_address
from router.settings.channels.base import ChatPage
from store.chat.visitor_sessions import LASTS, ChatSession, find_by_secret, is_secret_old, rotate_secret

MINUTE: Final = {"Retry-After": "60"}
NO_SESSION: Final = "this chat is not known, or it has ended; begin a new one"
# What the hosted page and the frame send in place of a cookie that the browser does not keep.
NEW_SECRET: Final = "X-Chat-Secret"  # noqa: S105  (the header's name)
_BEARER: Final = "bearer "

ChatName = Annotated[str, Path(max_length=64)]


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor's request. session: None if they have none yet."""

    name: str
    page: ChatPage
    session: ChatSession | None
    secret: str

    @property
    def known(self) -> ChatSession:
        """The session. Raises ProblemError without one."""
        if self.session is None:
            raise ProblemError("unauthenticated", NO_SESSION)
        return self.session


def visitor_of(request: Request, response: Response, desk: DeskPart, chat: ChatName) -> Visitor:
    """Return who asks; each day the session gets a new secret."""
    page = desk.chats.page(chat)
    header, cookie = _bearer(request), request.cookies.get(cookie_name(desk, chat), "")
    secret = header or cookie
    if request.method != "GET" and not header:
        refuse_foreign_form(request)
    session = _session(desk, request, chat, secret=secret)
    if session and request.method != "GET" and is_secret_old(session, now=desk.now()):
        with desk.database.write() as connection:
            fresh = rotate_secret(connection, session, keeps_old=True)
        if fresh:
            give_secret(desk, response, chat, secret=fresh, in_header=bool(header))
    return Visitor(chat, page, session, secret)


VisitorPart = Annotated[Visitor, Depends(visitor_of)]


def address_of(request: Request) -> str:
    """Return the client's address, or its network (IPv6)."""
    return client_address(request.client.host if request.client else "")


def cookie_name(desk: Desk, chat: str) -> str:
    """Return the cookie's name; `__Host-` binds it to this host and to https (RFC 6265bis section 4.1.3.2)."""
    return f"__Host-chat-{chat}" if desk.secure else f"chat-{chat}"


def give_secret(desk: Desk, response: Response, chat: str, *, secret: str, in_header: bool = False) -> None:
    """Give the browser a secret. in_header: it keeps no cookie of ours, so its page reads the header instead."""
    if in_header:
        response.headers[NEW_SECRET] = secret
        return
    # In a frame of another site a cookie is third-party: `Partitioned` gives each embedding site a jar of its own.
    lasts, foreign = int(LASTS.total_seconds()), "SameSite=None; Partitioned; Secure"
    scope = foreign if desk.secure else "SameSite=Lax"
    value = f"{cookie_name(desk, chat)}={secret}; Path=/; Max-Age={lasts}; HttpOnly; {scope}"
    response.headers.append("Set-Cookie", value)


def take_cookie(desk: Desk, response: Response, chat: str) -> None:
    """Delete the cookie."""
    scope = "SameSite=None; Partitioned; Secure" if desk.secure else "SameSite=Lax"
    value = f"{cookie_name(desk, chat)}=; Path=/; Max-Age=0; HttpOnly; {scope}"
    response.headers.append("Set-Cookie", value)


def _bearer(request: Request) -> str:
    said = request.headers.get("authorization", "")
    return said[len(_BEARER) :].strip() if said.lower().startswith(_BEARER) else ""


def _session(desk: Desk, request: Request, chat: str, *, secret: str) -> ChatSession | None:
    if not secret:
        return None
    with desk.database.read() as connection:
        session = find_by_secret(connection, secret[:200], channel=chat, now=desk.now())
    if session is None and not desk.chats.misses.takes(address_of(request), now=desk.now()):
        raise ProblemError("too-many-requests", "too many requests; wait a minute", headers=MINUTE)
    return session
