"""The outbox: what would have been sent by channels without a mail server."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.pagination import read_cursor, write_cursor
from api.http.permissions import Actor, Verb
from api.pages.render import kept_channels, render
from store.outbound.kept import list_kept

_ROWS: Final = 30

routes: Final = APIRouter(include_in_schema=False)


@routes.get("/outbox")
def outbox(
    request: Request,
    desk: DeskPart,
    *,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX))],
    shown: Shown,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> HTMLResponse:
    """Show the kept messages, newest first."""
    channels, after = kept_channels(desk), read_cursor(cursor)
    with desk.database.read() as connection:
        rows = list_kept(
            connection,
            channels=channels,
            only_teams=actor.sees_only,
            before=after.id if after else None,
            limit=_ROWS + 1,
        )
    page = rows[:_ROWS]
    shown.are(page)
    following = write_cursor(page[-1].created_at, page[-1].id) if len(rows) > _ROWS else None
    context = {"kept": page, "next_cursor": following, "keeps": bool(channels)}
    return render(request, "outbox.html.jinja", context)
