"""Saved views: lists that an agent or a team keeps under a name, with their counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlalchemy.engine import Connection

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.forms import Form
from api.http.permissions import Actor, Verb
from api.pages.cases.after import go_on
from api.rest.lists.list_query import InboxQuery, wanted_by
from api.rest.lists.saved_views import (
    LONGEST_NAME,
    drop_view,
    keep_view,
    kept_query,
    may_share,
    read_list_query,
    views_for,
)
from store.conversations.lists import list_conversations
from store.desk.saved_views import SavedView

_MOST_COUNTED: Final = 99

routes: Final = APIRouter(include_in_schema=False)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownView:
    """A view with its address and count. number: None if it is more than the list counts."""

    view: SavedView
    address: str
    number: int | None
    chosen: bool
    may_delete: bool


def views_shown(connection: Connection, actor: Actor, *, query: InboxQuery, now: datetime) -> list[ShownView]:
    """Return the views that the actor has, each counted. query: of the list that is shown."""
    here = kept_query(query)
    return [
        ShownView(
            view=view,
            address=f"/?{view.query}",
            number=_count(connection, view, actor=actor, now=now),
            chosen=view.query == here,
            may_delete=view.team is None or may_share(actor, view.team),
        )
        for view in views_for(connection, actor)
    ]


@routes.post("/views")
def save(desk: DeskPart, actor: Watcher, form: Form) -> Response:
    """Keep the list under a name; with `team`, for the team."""
    query = read_list_query(form.one("query"))
    keep_view(desk, actor, name=form.one("name")[:LONGEST_NAME], team=form.one("team") or None, query=query)
    return go_on(desk, actor, f"/?{kept_query(query)}", said="done_view")


@routes.post("/views/{view_id}/delete")
def remove(desk: DeskPart, actor: Watcher, *, view_id: UUID) -> Response:
    """Delete a view."""
    drop_view(desk, actor, view_id)
    return go_on(desk, actor, "/", said="done_view_deleted")


def _count(connection: Connection, view: SavedView, *, actor: Actor, now: datetime) -> int | None:
    wanted = wanted_by(connection, read_list_query(view.query), actor=actor, now=now)
    number = len(list_conversations(connection, wanted, limit=_MOST_COUNTED + 1))
    return number if number <= _MOST_COUNTED else None
