"""The visitor's stream: lines with their numbers, and the whole state when it changed (server-sent events).

A stream resumes after the number of the last line that the page has. It ends after ten minutes, so that proxies and
deploys see it end often.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.chat.chat_visitor import VisitorPart, address_of
from api.desk import Desk, DeskPart
from api.http.problems import ProblemError
from api.pages.render import language_of
from api.paths import CHAT
from api.services.chat_state import ChatState, LineShown
from api.services.chats import Chats
from api.services.refusals import Refused
from api.text.phrases import Language
from router.errors import TransientError
from store.chat.line_log import MOST, lines_after
from store.chat.visitor_sessions import ChatSession, find_by_secret

_MEDIA_TYPE: Final = "text/event-stream"
_HEARTBEAT_SECONDS: Final = 15.0
_LONGEST_SECONDS: Final = 600.0
_OF_SESSION: Final = 5
_RETRY: Final = {"Retry-After": "10"}
_GREATEST: Final = 2**31 - 1

routes: Final = APIRouter(prefix=CHAT, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ChatNews:
    """What a stream sends next. version: of the session.  more: there are further lines."""

    lines: list[LineShown]
    state: ChatState
    version: int
    more: bool


@routes.get("/{chat}/stream")
def stream_chat(
    request: Request,
    desk: DeskPart,
    visitor: VisitorPart,
    *,
    after: Annotated[int, Query(ge=0, le=_GREATEST)] = 0,
    last_event_id: Annotated[str, Header(max_length=12)] = "",
) -> StreamingResponse:
    """Stream the lines after `Last-Event-ID`, else after `after`, and each change of the state."""
    if _MEDIA_TYPE not in request.headers.get("accept", ""):
        raise ProblemError("not-acceptable", f"expected the header `Accept: {_MEDIA_TYPE}`")
    session, language = visitor.known, language_of(request)
    address = address_of(request)
    _require_place(desk, session, address=address)
    number = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else after

    def read(known: int) -> ChatNews | None:
        return _read(desk, visitor.name, secret=visitor.secret, after=known, language=language)

    records = _stream(desk.chats, read, session=session, address=address, after=number)
    return StreamingResponse(records, media_type=_MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})


def _require_place(desk: Desk, session: ChatSession, *, address: str) -> None:
    limits, chats = desk.settings.limits, desk.chats
    is_full = chats.waker.total >= limits.chat_streams
    if is_full or chats.waker.streams_of(session.id) >= _OF_SESSION:
        desk.refusals.note(Refused.CHAT_STREAMS)
        raise ProblemError("unavailable", "too many streams are open; ask for the lines instead", headers=_RETRY)
    if chats.of_address[address] >= limits.chat_streams_per_address:
        desk.refusals.note(Refused.CHAT_STREAMS_OF_ADDRESS)
        raise ProblemError("unavailable", "too many streams of this address are open", headers=_RETRY)


def _read(desk: Desk, chat: str, *, secret: str, after: int, language: Language) -> ChatNews | None:
    """Return what is new; None once the secret opens nothing any more."""
    with desk.database.read() as connection:
        session = find_by_secret(connection, secret, channel=chat, now=desk.now())
        lines = lines_after(connection, session.id, after) if session else []
    if session is None:
        return None
    state = desk.chats.state(chat, session, language=language)
    shown = [LineShown.of(line) for line in lines]
    return ChatNews(shown, state, version=session.version, more=len(lines) == MOST)


async def _stream(
    chats: Chats, read: Callable[[int], ChatNews | None], *, session: ChatSession, address: str, after: int
) -> AsyncIterator[str]:
    """Yield the lines for a reader of events. Source: HTML Living Standard, section 9.2 "Server-sent events"."""
    began, shown, waker = monotonic(), "", chats.waker
    with waker.entered(session.id) as seat, chats.counted(address):
        yield "retry: 1000\n\n"
        while not waker.stopped and monotonic() - began < _LONGEST_SECONDS:
            ticket = waker.ticket(session.id)
            try:
                news = await run_in_threadpool(read, after)
            except TransientError:
                # The database is away: the client comes back by itself, after the number that it has.
                return
            if news is None:
                yield "event: gone\ndata: {}\n\n"
                return
            seat.shown = news.version
            state = news.state.model_dump_json()
            records = [line_record(line) for line in news.lines]
            records += [f"event: state\ndata: {state}\n\n"] if state != shown else []
            shown, after = state, news.lines[-1].seq if news.lines else after
            if records:
                yield "".join(records)
            while not news.more and monotonic() - began < _LONGEST_SECONDS:
                if await _woken(chats, session, ticket=ticket):
                    break
                yield ": still here\n\n"


async def _woken(chats: Chats, session: ChatSession, *, ticket: int) -> bool:
    """Wait for a change; return False after a heartbeat without one."""
    boundary = chats.seconds_to_boundary(session.channel) + 0.2
    woken = await chats.waker.wait(session.id, ticket, seconds=min(_HEARTBEAT_SECONDS, boundary))
    # At the calendar's boundary the state is another one.
    return woken or boundary <= _HEARTBEAT_SECONDS


def line_record(line: LineShown) -> str:
    """Return a line as an event; its id is the line's number."""
    # JSON has no line breaks of its own, which would end the event.
    return f"id: {line.seq}\nevent: line\ndata: {json.dumps(line.model_dump(mode='json'), ensure_ascii=False)}\n\n"
