"""The visitors' small API: begin, write, read, mark, end. The chat's own page uses it, and so may an app.

A request of a page carries the cookie, one of an app `Authorization: Bearer SECRET`. No URL has a secret.
"""

from __future__ import annotations

import contextlib
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from api.chat.chat_send import Beginning, begin, note_email, send
from api.chat.chat_visitor import VisitorPart, give_secret
from api.desk import Desk, DeskPart
from api.pages.render import language_of
from api.paths import CHAT
from api.services.chat_state import ChatState, LineShown
from router.errors import TransientError
from store.chat.line_log import VisitorLine, lines_after
from store.chat.visitor_sessions import HERE, ChatSession, note_marks, note_presence

_GREATEST: Final = 2**31 - 1
_ID: Final = r"^[0-9A-Za-z_-]{8,64}$"

routes: Final = APIRouter(prefix=CHAT, include_in_schema=False)


class BeginRequest(BaseModel):
    """in_header: the caller keeps no cookie and sends the secret itself. website: only programs fill it."""

    name: str = Field(default="", max_length=100)
    email: str = Field(default="", max_length=254)
    origin: str = Field(default="", max_length=200)
    in_header: bool = False
    website: str = ""


class BegunChat(BaseModel):
    """secret: only for a caller who sends it in the header; it is shown once."""

    secret: str = ""
    state: ChatState


class LineRequest(BaseModel):
    """client_id: made before the first attempt, the same in every repetition."""

    client_id: str = Field(pattern=_ID)
    text: str = Field(max_length=10_000)


class LinePage(BaseModel):
    """Lines in the order of their numbers, and the whole state."""

    lines: list[LineShown]
    state: ChatState


class MarkRequest(BaseModel):
    """seen: the browser has the lines up to it.  read: they were shown.  typing: the visitor types."""

    seen: int = Field(default=0, ge=0, le=_GREATEST)
    read: int = Field(default=0, ge=0, le=_GREATEST)
    typing: bool = False


class AddressRequest(BaseModel):
    """Where answers go that are not read in the chat."""

    email: str = Field(max_length=254)


@routes.post("/{chat}/session")
def begin_chat(
    request: Request, response: Response, desk: DeskPart, *, visitor: VisitorPart, said: BeginRequest
) -> BegunChat:
    """Begin a chat, unless the caller has one."""
    session, language = visitor.session, language_of(request)
    if session is None and not said.website:
        first = Beginning(language=language, name=said.name, email=said.email, origin=said.origin)
        session, secret = begin(desk, request, visitor, first)
        if said.in_header:
            state = desk.chats.state(visitor.name, session, language=language)
            return BegunChat(secret=secret, state=state)
        give_secret(desk, response, visitor.name, secret=secret)
    return BegunChat(state=desk.chats.state(visitor.name, session, language=language))


@routes.get("/{chat}/state")
def read_state(request: Request, desk: DeskPart, visitor: VisitorPart) -> ChatState:
    """Return the whole state."""
    return desk.chats.state(visitor.name, visitor.session, language=language_of(request))


@routes.get("/{chat}/lines")
def read_lines(
    request: Request, desk: DeskPart, visitor: VisitorPart, after: Annotated[int, Query(ge=0, le=_GREATEST)] = 0
) -> LinePage:
    """Return the lines after a number, and the state."""
    session = visitor.known
    with desk.database.read() as connection:
        lines = lines_after(connection, session.id, after)
    note_polling(desk, session)
    state = desk.chats.state(visitor.name, session, language=language_of(request))
    return LinePage(lines=[LineShown.of(line) for line in lines], state=state)


def note_polling(desk: Desk, session: ChatSession) -> None:
    """Record that the visitor's page is open: a page that polls has no stream that says so."""
    now = desk.now()
    if session.here_until is None or session.here_until < now + HERE / 2:
        # Not important enough for an error while the database is busy.
        with contextlib.suppress(TransientError), desk.database.write() as connection:
            note_presence(connection, session.id, now=now)


@routes.post("/{chat}/lines")
def write_line(desk: DeskPart, visitor: VisitorPart, said: LineRequest) -> LineShown:
    """Store a line; a repetition changes nothing and gets the same answer."""
    line = VisitorLine(client_id=said.client_id, text=said.text)
    return LineShown.of(send(desk, visitor, visitor.known, line))


@routes.post("/{chat}/marks", status_code=204)
def mark(desk: DeskPart, visitor: VisitorPart, said: MarkRequest) -> Response:
    """Record what the visitor's page has, what it showed, and whether the visitor types."""
    session, now = visitor.known, desk.now()
    with desk.database.write() as connection:
        note_marks(connection, session, seen=max(said.seen, said.read), read=said.read, now=now)
        if said.typing and desk.chats.typed.takes(str(session.id), now=now):
            note_presence(connection, session.id, now=now, typing=True)
    return Response(status_code=204)


@routes.post("/{chat}/contact", status_code=204)
def leave_address(desk: DeskPart, visitor: VisitorPart, said: AddressRequest) -> Response:
    """Record a mail address for answers; it proves nothing and opens nothing."""
    note_email(desk, visitor.known, said.email)
    desk.chats.waker.wake(visitor.known.id)
    return Response(status_code=204)
