"""Saved views: lists that an agent or a team keeps under a name, with their counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.forms import Form
from api.http.permissions import Actor, Verb, can
from api.http.problems import ProblemError
from api.pages.cases.after import go_on
from api.pages.finding.list_query import InboxQuery, wanted_by
from store.conversations.lists import list_conversations
from store.desk.saved_views import SavedView, add_view, delete_view, views_of

_MOST_COUNTED: Final = 99
_LONGEST_NAME: Final = 60

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
            may_delete=view.team is None or _may_share(actor, view.team),
        )
        for view in views_of(connection, agent_id=actor.id, teams=_shared_with(actor))
    ]


def kept_query(query: InboxQuery) -> str:
    """Return the query of a list's URL, in one order, without its page."""
    given = query.model_dump(exclude_defaults=True, exclude={"cursor", "status"})
    given["view"] = query.chosen
    return urlencode(sorted((name, _said(value)) for name, value in given.items() if value))


@routes.post("/views")
def save(desk: DeskPart, actor: Watcher, form: Form) -> Response:
    """Keep the list under a name; with `team`, for the team."""
    name, team = form.one("name")[:_LONGEST_NAME], form.one("team") or None
    if not name.isprintable() or not name:
        raise ProblemError("invalid", "expected a name of printable characters")
    if team is not None and not _may_share(actor, team):
        raise ProblemError("forbidden", "you may share a view with your own teams")
    query = kept_query(_read(form.one("query")))
    with desk.database.write() as connection:
        add_view(connection, agent_id=actor.id, by=actor.name, name=name, team=team, query=query)
    return go_on(desk, actor, f"/?{query}", said="done_view")


@routes.post("/views/{view_id}/delete")
def remove(desk: DeskPart, actor: Watcher, *, view_id: UUID) -> Response:
    """Delete a view."""
    with desk.database.write() as connection:
        teams = _sharing(actor, views_of(connection, agent_id=actor.id, teams=_shared_with(actor)))
        delete_view(connection, view_id, agent_id=actor.id, teams=teams)
    return go_on(desk, actor, "/", said="done_view_deleted")


def _sharing(actor: Actor, views: Sequence[SavedView]) -> list[str]:
    return [view.team for view in views if view.team and _may_share(actor, view.team)]


def _shared_with(actor: Actor) -> frozenset[str] | None:
    # An agent without teams sees every team's conversations, and so their views.
    return actor.teams or None


def _may_share(actor: Actor, team: str) -> bool:
    return can(actor, Verb.WORK_CONVERSATIONS) and (
        not actor.teams or team in actor.teams or can(actor, Verb.SET_DUTIES)
    )


def _count(connection: Connection, view: SavedView, *, actor: Actor, now: datetime) -> int | None:
    wanted = wanted_by(connection, _read(view.query), actor=actor, now=now)
    number = len(list_conversations(connection, wanted, limit=_MOST_COUNTED + 1))
    return number if number <= _MOST_COUNTED else None


def _read(query: str) -> InboxQuery:
    try:
        return InboxQuery.model_validate(dict(parse_qsl(query)))
    except ValidationError as error:
        raise ProblemError("invalid", "expected the query of a list") from error


def _said(value: object) -> str:
    return "true" if value is True else str(value)
