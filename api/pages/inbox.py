"""The inbox page: views such as mine, unassigned, overdue and emergencies, with filters, search, sorting and pages."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.pagination import cursor_of, read_cursor
from api.http.permissions import Actor, Verb
from api.pages.chat_pane import band
from api.pages.render import render
from api.rest.queries import contact_of, read_list
from router.conversation_status import Status
from router.errors import NotFound
from router.text.search_terms import read_query
from store.conversations.lists import Counts, Filter, Sort, count_all, unread_among
from store.conversations.read import find_conversation
from store.conversations.search import conversations_with
from store.desk.drafts import drafted_among
from store.events.feed import newest_number

# A little more than one screen.
_ROWS: Final = 40
_WAITING: Final = tuple(status for status in Status if status != Status.RESOLVED)
# The views, in the order of the tabs; `_wanted` adds each view's other conditions.
_VIEWS: Final[Mapping[str, Sequence[Status]]] = {
    "mine": (Status.OPEN,),
    "unassigned": (Status.OPEN,),
    "team": (Status.OPEN,),
    "open": (Status.OPEN,),
    "overdue": _WAITING,
    "emergencies": _WAITING,
    "pending": (Status.PENDING,),
    "snoozed": (Status.SNOOZED,),
    "resolved": (Status.RESOLVED,),
    "all": (),
}

routes: Final = APIRouter(include_in_schema=False)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]


class InboxQuery(BaseModel):
    """The query of the list; an empty value means none, because a form sends every field."""

    model_config = ConfigDict(extra="ignore")

    view: str = Field(default="", max_length=20)
    # Used by older links.
    status: str = Field(default="", max_length=20)
    q: str = Field(default="", max_length=200)
    team: str = Field(default="", max_length=100)
    category: str = Field(default="", max_length=100)
    channel: str = Field(default="", max_length=100)
    priority: str = Field(default="", max_length=20)
    label: str = Field(default="", max_length=50)
    contact: str = Field(default="", max_length=320)
    overdue: bool = False
    unread: bool = False
    sort: str = Field(default="", max_length=20)
    cursor: str | None = Field(default=None, max_length=200)

    @property
    def chosen(self) -> str:
        """The selected view."""
        return next((name for name in (self.view, self.status) if name in _VIEWS), "open")

    @property
    def order(self) -> Sort:
        """The selected order; the default for overdue conversations is the longest overdue first."""
        usual = Sort.DUE if self.chosen == "overdue" else Sort.NEWEST
        return Sort(self.sort) if self.sort in set(Sort) else usual

    def shows(self) -> dict[str, object]:
        """Return what a script needs to know whether a row belongs into this list.

        opaque: only the server knows, so the script asks for the list again.
        """
        names = ("team", "category", "channel", "priority", "overdue")
        plain = {name: getattr(self, name) for name in names}
        is_opaque = bool(self.q or self.contact or self.label or self.unread or self.cursor)
        return {**plain, "view": self.chosen, "sort": self.order, "opaque": is_opaque}

    @property
    def narrowed(self) -> bool:
        """Whether a filter besides the view hides conversations."""
        texts = (self.q, self.team, self.category, self.channel, self.priority, self.label, self.contact)
        return any(texts) or self.overdue or self.unread


@routes.get("/")
def inbox(
    request: Request, desk: DeskPart, *, actor: Watcher, shown: Shown, query: Annotated[InboxQuery, Query()]
) -> HTMLResponse:
    """Show one queue, filtered."""
    now = desk.now()
    with desk.database.read() as connection:
        # First: what is published meanwhile comes by the stream again.
        after = newest_number(connection)
        wanted = _wanted(connection, query, actor=actor, now=now)
        listed, end = read_list(connection, wanted, sort=query.order, after=read_cursor(query.cursor), limit=_ROWS)
        unread = unread_among(connection, [row for row, _, _ in listed], agent_id=actor.id)
        drafted = drafted_among(connection, [row.id for row, _, _ in listed], agent_id=actor.id)
        counts = count_all(connection, agent=actor.name, now=now, only_teams=actor.sees_only)
        is_narrowed = query.narrowed or query.cursor is not None
        chats = band(connection, desk, actor=actor, view=query.chosen, is_narrowed=is_narrowed)
    in_band = {chat.conversation_id for chat in chats}
    listed = [each for each in listed if each[0].id not in in_band]
    shown.are([*listed, *chats])
    context = {
        "query": query,
        "after": after,
        "shows": query.shows(),
        "listed": listed,
        "unread": unread,
        "drafted": drafted,
        "chats": chats,
        "views": _tabs(counts, actor=actor),
        "sorts": list(Sort),
        "next_cursor": cursor_of(end),
        "settings": desk.settings,
    }
    return render(request, "inbox.html.jinja", context)


def _wanted(connection: Connection, query: InboxQuery, *, actor: Actor, now: datetime) -> Filter:
    view = query.chosen
    return Filter(
        statuses=_VIEWS[view],
        teams=_chosen(query.team) or (sorted(actor.teams) if view == "team" else []),
        assignees=[actor.name] if view == "mine" else [],
        unassigned=view == "unassigned",
        emergency=view == "emergencies",
        danger_first=True,
        categories=_chosen(query.category),
        channels=_chosen(query.channel),
        priorities=_chosen(query.priority),
        labels=_chosen(query.label.strip()),
        contact=contact_of(query.contact.strip()),
        due_before=now if query.overdue or view == "overdue" else None,
        unread_by=actor.id if query.unread else None,
        only_teams=actor.sees_only,
        ids=_found(connection, query.q.strip(), actor=actor),
    )


def _found(connection: Connection, words: str, *, actor: Actor) -> set[UUID] | None:
    """Return the conversations with these words or this reference; None without a search."""
    if not words:
        return None
    found = conversations_with(connection, read_query(words), only_teams=actor.sees_only)
    with contextlib.suppress(NotFound):
        found.add(find_conversation(connection, words).id)
    return found


def _tabs(counts: Counts, *, actor: Actor) -> dict[str, int | None]:
    """Return the views of this agent with their counts; None for a view without a count."""
    known = {
        **counts.statuses,
        "mine": counts.mine,
        "unassigned": counts.unassigned,
        "overdue": counts.overdue,
        "emergencies": counts.emergencies,
    }
    return {name: known.get(name) for name in _VIEWS if name != "team" or actor.teams}


def _chosen(value: str) -> list[str]:
    return [value] if value else []
