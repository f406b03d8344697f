"""`/views`: lists that an agent or a team keeps under a name; the pages' forms use the same functions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb, can
from api.http.problems import ProblemError, documented
from api.http.requests import RequestModel
from api.paths import API
from api.rest.lists.list_query import InboxQuery
from store.db.plain_rows import Question
from store.desk.saved_views import SavedView, add_view, change_view, delete_view, seen_views, views_of

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
LONGEST_NAME: Final = 60
_LONGEST_QUERY: Final = 1_000
_VIEW: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "Large refunds",
    "team": "payments",
    "query": "category=refund&view=open",
    "made_by": "Ann",
    "may_change": True,
}

routes: Final = APIRouter(prefix=API, tags=["views"])
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
ViewName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class SavedViewEntry(BaseModel):
    """A list under a name. query: as in the address of the pages' list."""

    model_config = example(_VIEW)

    id: UUID
    name: str
    team: str | None = Field(description="Whose it is; null for your own.")
    query: str
    made_by: str
    may_change: bool


class SavedViewList(BaseModel):
    """Your own views, then those of your teams."""

    model_config = example({"views": [_VIEW]})

    views: list[SavedViewEntry]


class NewView(RequestModel):
    """A list to keep. team: shares it; null for you alone."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Large refunds", "query": "view=open&category=refund"}]},
    )

    name: ViewName
    query: str = Field(max_length=_LONGEST_QUERY)
    team: str | None = Field(default=None, max_length=100)


class ViewOrder(RequestModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Refunds"}]})

    name: ViewName | None = None
    query: str | None = Field(default=None, max_length=_LONGEST_QUERY)


@routes.get("/views", responses=documented(), summary="List the saved views")
def list_all(desk: DeskPart, actor: Watcher, shown: Shown) -> SavedViewList:
    """Return your own views and those of your teams."""
    with desk.database.read() as connection:
        views = [_entry(view, actor) for view in views_for(connection, actor)]
    shown.are(views)
    return SavedViewList(views=views)


@routes.post("/views", status_code=201, responses=documented("conflict"), summary="Keep a list under a name")
def add(desk: DeskPart, order: NewView, actor: Watcher) -> SavedViewEntry:
    """Keep a list, for yourself or for one of your teams."""
    query = read_list_query(order.query)
    view_id = keep_view(desk, actor, name=order.name, team=order.team, query=query)
    return SavedViewEntry(
        id=view_id,
        name=checked_name(order.name),
        team=order.team,
        query=kept_query(query),
        made_by=actor.name,
        may_change=True,
    )


@routes.patch("/views/{view_id}", responses=documented("not-found"), summary="Rename a view or change its query")
def change(desk: DeskPart, view_id: UUID, order: ViewOrder, actor: Watcher) -> SavedViewEntry:
    """Change a view of your own, or of a team whose views you may share."""
    name = checked_name(order.name) if order.name is not None else None
    query = kept_query(read_list_query(order.query)) if order.query is not None else None
    with desk.database.write() as connection:
        change_view(
            connection, view_id, agent_id=actor.id, teams=_changeable(connection, actor), name=name, query=query
        )
    return _one(desk, actor, view_id)


@routes.delete("/views/{view_id}", status_code=204, responses=documented("not-found"), summary="Delete a view")
def delete(desk: DeskPart, view_id: UUID, actor: Watcher) -> None:
    """Delete a view of your own, or of a team whose views you may share."""
    drop_view(desk, actor, view_id)


def views_for(connection: Connection, actor: Actor) -> list[SavedView]:
    """Return the actor's views, and those of the teams; an agent without teams sees those of every team."""
    return views_of(connection, agent_id=actor.id, teams=actor.teams or None)


def views_asked(actor: Actor) -> Question:
    """Return the question of `views_for`."""
    return seen_views(agent_id=actor.id, teams=actor.teams or None)


def keep_view(desk: Desk, actor: Actor, *, name: str, team: str | None, query: InboxQuery) -> UUID:
    """Keep a list. Raises ProblemError for a name that is no text, or a team that is not the actor's."""
    named = checked_name(name)
    if team is not None and not may_share(actor, team):
        raise ProblemError("forbidden", "you may share a view with your own teams")
    with desk.database.write() as connection:
        return add_view(connection, agent_id=actor.id, by=actor.name, name=named, team=team, query=kept_query(query))


def drop_view(desk: Desk, actor: Actor, view_id: UUID) -> None:
    """Delete a view that the actor may change. Raises NotFound."""
    with desk.database.write() as connection:
        delete_view(connection, view_id, agent_id=actor.id, teams=_changeable(connection, actor))


def may_share(actor: Actor, team: str) -> bool:
    """Return whether the actor may keep and change views of a team."""
    return can(actor, Verb.WORK_CONVERSATIONS) and (
        not actor.teams or team in actor.teams or can(actor, Verb.SET_DUTIES)
    )


def kept_query(query: InboxQuery) -> str:
    """Return the query of a list's URL, in one order, without its page."""
    given = query.model_dump(exclude_defaults=True, exclude={"cursor", "status"})
    given["view"] = query.chosen
    return urlencode(sorted((name, _query_value(value)) for name, value in given.items() if value))


def read_list_query(query: str) -> InboxQuery:
    """Return the query of a list's URL. Raises ProblemError."""
    try:
        return InboxQuery.model_validate(dict(parse_qsl(query)))
    except ValidationError as error:
        raise ProblemError("invalid", "expected the query of a list") from error


def checked_name(name: str) -> str:
    """Return a name of printable characters. Raises ProblemError."""
    if not name.isprintable() or not name.strip():
        raise ProblemError("invalid", "expected a name of printable characters")
    return name.strip()


def _changeable(connection: Connection, actor: Actor) -> Collection[str]:
    views: Sequence[SavedView] = views_for(connection, actor)
    return [view.team for view in views if view.team and may_share(actor, view.team)]


def _one(desk: Desk, actor: Actor, view_id: UUID) -> SavedViewEntry:
    with desk.database.read() as connection:
        views = views_for(connection, actor)
    found = next((view for view in views if view.id == view_id), None)
    if found is None:
        raise ProblemError("not-found", "there is no view with that id")
    return _entry(found, actor)


def _entry(view: SavedView, actor: Actor) -> SavedViewEntry:
    return SavedViewEntry(
        id=view.id,
        name=view.name,
        team=view.team,
        query=view.query,
        made_by=view.made_by,
        may_change=view.team is None or may_share(actor, view.team),
    )


def _query_value(value: object) -> str:
    return "true" if value is True else str(value)
