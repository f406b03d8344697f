"""`/events`: all changes of the desk by number, without gaps: in pages, and as a stream."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Bearer, Requires
from api.http.openapi import example
from api.http.permissions import Actor, Role, Verb
from api.http.problems import ProblemError, documented
from api.paths import API
from api.rest.queries import channels_seen
from api.services.event_stream import Page, StreamReader, stream
from api.services.refusals import Refused
from store.desk.team_feed import TeamSight, seen_by_teams
from store.events.feed import FeedEvent, events_after, newest_number

_MEDIA_TYPE: Final = "text/event-stream"
_LARGEST_PAGE: Final = 1000
_RETRY: Final = {"Retry-After": "10"}
_STREAM_PAGE: Final = 200
# The greatest 64-bit number.
_GREATEST: Final = 2**63 - 1

routes: Final = APIRouter(prefix=f"{API}/events", tags=["events"])
_READS: Final = Requires(Verb.READ_EVENTS)
Reader = Annotated[Actor, Depends(_READS)]
Number = Annotated[int, Query(ge=0, le=_GREATEST, description="The number of the last event you have.")]

_EXAMPLE: Final[dict[str, Any]] = {
    "number": 4711,
    "id": "01932f5e-7c3a-7f10-8a4e-5b6c7d8e9f01",
    "kind": "conversation.assigned",
    "conversation_id": "01932f5e-7c3a-7f10-8a4e-5b6c7d8e9f02",
    "team": "payments",
    "at": "2026-03-02T10:00:00Z",
    "payload": {"assignee": "Li", "team": "payments"},
}


class FeedEntry(BaseModel):
    """One change, with ids and words of ours; never message text."""

    model_config = example(_EXAMPLE)

    number: int = Field(description="1, 2, 3 ... without gaps; an event that is committed later has a greater one.")
    id: UUID = Field(description="The same in the feed, the stream and webhooks; use it to detect repetitions.")
    kind: str
    conversation_id: UUID | None
    team: str | None = Field(description="The conversation's current team.")
    at: datetime
    payload: dict[str, Any]

    @classmethod
    def of(cls, event: FeedEvent) -> FeedEntry:
        """Return the event as clients see it."""
        return cls.model_validate(event)


class FeedPage(BaseModel):
    """Events in the order of their numbers."""

    model_config = example({"events": [_EXAMPLE], "next_after": 4711})

    events: list[FeedEntry]
    next_after: int = Field(description="Send this as `after` next time: nothing is missed or repeated.")


@routes.get("", responses=documented(), summary="Every change after a number, in order")
def list_events(
    desk: DeskPart,
    actor: Reader,
    shown: Shown,
    *,
    after: Number = 0,
    limit: Annotated[int, Query(ge=1, le=_LARGEST_PAGE)] = 200,
) -> FeedPage:
    """Return a page; it is empty if there is nothing newer; then ask again later, or open the stream."""
    with desk.database.read() as connection:
        events, reached = _read(connection, after=after, limit=limit, sight=_sight(desk, actor))
    shown.are(events)
    return FeedPage(events=[FeedEntry.of(event) for event in events], next_after=reached)


@routes.get(
    "/stream",
    response_class=StreamingResponse,
    responses=documented("not-acceptable")
    | {
        200: {
            "description": "Server-sent events; `id` is the number, `event` the kind, `data` a `FeedEntry`.",
            "content": {_MEDIA_TYPE: {"example": "id: 4711\nevent: conversation.assigned\ndata: {...}\n\n"}},
        }
    },
    summary="The same as an open stream",
)
def stream_events(
    request: Request,
    desk: DeskPart,
    *,
    actor: Reader,
    bearer: Bearer,
    after: Annotated[
        int | None, Query(ge=0, le=_GREATEST, description="The number of the last event you have.")
    ] = None,
    last_event_id: Annotated[str, Header(max_length=20)] = "",
) -> StreamingResponse:
    """Stream events after `Last-Event-ID`, else after `after`, else from now; ends when the token expires."""
    # A program that probes the API must not hang on a stream.
    if _MEDIA_TYPE not in request.headers.get("accept", ""):
        raise ProblemError("not-acceptable", f"expected the header `Accept: {_MEDIA_TYPE}`")
    # An open stream is no activity of a person, so it does not extend the session.
    request.scope.pop("session_cookie", None)
    start = _start(desk, last_event_id, after=after)
    reader = StreamReader(actor.id, is_admin=actor.role == Role.ADMIN)
    _require_place(desk, reader)

    sight = _sight(desk, actor)

    def read(number: int) -> Page:
        def ask() -> Page:
            with desk.database.read() as connection:
                events, reached = _read(connection, after=number, limit=_STREAM_PAGE, sight=sight)
            return [_record(event) for event in events], reached

        return desk.tail.page((number, actor.sees_only), ask)

    def is_welcome() -> bool:
        return _READS.still_admits(actor, request, desk=desk, bearer=bearer)

    records = stream(desk.tail, read, reader=reader, after=start, is_welcome=is_welcome)
    return StreamingResponse(records, media_type=_MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})


def _require_place(desk: Desk, reader: StreamReader) -> None:
    wanting = desk.tail.wanting(reader)
    if wanting is None:
        return
    desk.refusals.note(wanting)
    if wanting is Refused.STREAMS_OF_TOKEN:
        raise ProblemError("too-many-requests", "too many streams of this agent are open", headers=_RETRY)
    raise ProblemError("unavailable", "too many streams are open", headers=_RETRY)


def _start(desk: Desk, last_event_id: str, *, after: int | None) -> int:
    if last_event_id:
        if not last_event_id.isascii() or not last_event_id.isdigit() or int(last_event_id) > _GREATEST:
            raise ProblemError("invalid", "`Last-Event-ID` must be a number from this stream")
        return int(last_event_id)
    if after is not None:
        return after
    with desk.database.read() as connection:
        return newest_number(connection)


def _sight(desk: Desk, actor: Actor) -> TeamSight | None:
    channels = channels_seen(desk, actor)
    return None if actor.sees_only is None or channels is None else TeamSight(actor.sees_only, channels)


def _read(connection: Connection, *, after: int, limit: int, sight: TeamSight | None) -> tuple[list[FeedEvent], int]:
    """Return a page, and the number up to which the actor has all events that they may see. sight: None means all."""
    # Read first: events that are published between the two queries are left for the next page.
    newest = newest_number(connection)
    events = events_after(connection, after, limit=limit, teams=sight.teams if sight else None)
    last = events[-1].number if events else 0
    seen = seen_by_teams(connection, events, sight) if sight else events
    return seen, last if len(events) == limit else max(after, newest, last)


def _record(event: FeedEvent) -> str:
    return f"id: {event.number}\nevent: {event.kind}\ndata: {FeedEntry.of(event).model_dump_json()}\n\n"
