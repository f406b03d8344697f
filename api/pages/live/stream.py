"""`/desk/stream`: news for the open pages of one browser. The tabs of a browser share one stream."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from jinja2 import Environment

from api.desk import Desk, DeskPart
from api.http.authentication import Bearer, Requires
from api.http.permissions import Actor, Role, Verb
from api.http.problems import ProblemError
from api.pages.bell import NewNotices
from api.pages.live.channel_faults import DeadChannels
from api.pages.live.chat_news import LiveChatNews
from api.pages.live.counts import ViewCounts
from api.pages.live.rows import ChangedRows
from api.pages.presence import PresentAgents
from api.pages.render import language_of
from api.paths import DESK_STREAM
from api.services.desk_stream import DeskReader, DeskStream
from api.services.event_stream import StreamReader
from api.services.refusals import Refused

_MEDIA_TYPE: Final = "text/event-stream"
_RETRY: Final = {"Retry-After": "10"}
# The greatest 64-bit number.
_GREATEST: Final = 2**63 - 1

routes: Final = APIRouter(include_in_schema=False)
_READS: Final = Requires(Verb.READ_INBOX)


def add_sources(stream: DeskStream, desk: Desk, *, templates: Environment) -> None:
    """Let the stream tell what the pages show."""
    stream.add(ChangedRows(desk, templates))
    stream.add(ViewCounts())
    stream.add(PresentAgents())
    stream.add(NewNotices())
    stream.add(DeadChannels(desk))
    stream.add(LiveChatNews(desk))


@routes.get(DESK_STREAM)
def stream(
    request: Request,
    desk: DeskPart,
    *,
    actor: Annotated[Actor, Depends(_READS)],
    bearer: Bearer,
    after: Annotated[int | None, Query(ge=0, le=_GREATEST)] = None,
    last_event_id: Annotated[str, Header(max_length=20)] = "",
) -> StreamingResponse:
    """Stream the changes that this agent may see, after `Last-Event-ID`, else after the number of the page."""
    # A program has the feed, with all its events; a page that is opened by its address must not hang.
    if bearer or _MEDIA_TYPE not in request.headers.get("accept", ""):
        raise ProblemError("not-acceptable", f"expected a session and the header `Accept: {_MEDIA_TYPE}`")
    # An open stream is no activity of a person, so it does not extend the session.
    request.scope.pop("session_cookie", None)
    reader = DeskReader(
        agent_id=actor.id,
        name=actor.name,
        sees_only=actor.sees_only,
        language=language_of(request),
        is_admin=actor.role == Role.ADMIN,
    )
    _require_place(desk, reader)

    def is_welcome() -> bool:
        return _READS.still_admits(actor, request, desk=desk, bearer=bearer)

    start = int(last_event_id) if last_event_id.isascii() and last_event_id.isdigit() else after
    lines = desk.stream.records(reader, after=start, is_welcome=is_welcome)
    return StreamingResponse(lines, media_type=_MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})


def _require_place(desk: Desk, reader: DeskReader) -> None:
    wanting = desk.tail.wanting(StreamReader(reader.agent_id, is_admin=reader.is_admin))
    if wanting is None:
        return
    desk.refusals.note(wanting)
    slug = "too-many-requests" if wanting is Refused.STREAMS_OF_TOKEN else "unavailable"
    raise ProblemError(slug, "too many streams are open", headers=_RETRY)
