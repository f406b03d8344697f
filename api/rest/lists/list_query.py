"""The query of the list: views such as mine, unassigned, overdue and emergencies, with filters, search and order."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.http.permissions import Actor
from api.rest.queries import contact_of
from router.conversation_status import Status
from router.errors import NotFound
from router.text.search_terms import read_query
from store.conversations.lists import Filter, Sort
from store.conversations.read import find_conversation
from store.conversations.search import conversations_with

_WAITING: Final = tuple(status for status in Status if status != Status.RESOLVED)
# The views, in the order of the tabs; `wanted_by` adds each view's other conditions.
VIEWS: Final[Mapping[str, Sequence[Status]]] = {
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
_WHOSE: Final = ("mine", "unassigned")


class InboxQuery(BaseModel):
    """The query of the list; an empty value means none, because a form sends every field."""

    model_config = ConfigDict(extra="ignore")

    view: str = Field(default="", max_length=20)
    # Used by older links.
    status: str = Field(default="", max_length=20)
    q: str = Field(default="", max_length=200)
    team: str = Field(default="", max_length=100)
    assignee: str = Field(default="", max_length=100)
    category: str = Field(default="", max_length=100)
    channel: str = Field(default="", max_length=100)
    priority: str = Field(default="", max_length=20)
    label: str = Field(default="", max_length=50)
    contact: str = Field(default="", max_length=320)
    overdue: bool = False
    unassigned: bool = False
    unread: bool = False
    sort: str = Field(default="", max_length=20)
    cursor: str | None = Field(default=None, max_length=200)

    @property
    def chosen(self) -> str:
        """The selected view. Those that say themselves whose they are give way to a filter that says it, too."""
        chosen = next((name for name in (self.view, self.status) if name in VIEWS), "open")
        return "open" if chosen in _WHOSE and (self.assignee or self.unassigned) else chosen

    @property
    def order(self) -> Sort:
        """The selected order; the default for overdue conversations is the longest overdue first."""
        usual = Sort.DUE if self.chosen == "overdue" else Sort.NEWEST
        return Sort(self.sort) if self.sort in set(Sort) else usual

    def shows(self) -> dict[str, object]:
        """Return what a script needs to know whether a row belongs into this list.

        opaque: only the server knows, so the script asks for the list again.
        """
        names = ("team", "assignee", "category", "channel", "priority", "overdue", "unassigned")
        plain = {name: getattr(self, name) for name in names}
        is_opaque = bool(self.q or self.contact or self.label or self.unread or self.cursor)
        return {**plain, "view": self.chosen, "sort": self.order, "opaque": is_opaque}

    @property
    def narrowed(self) -> bool:
        """Whether a filter besides the view hides conversations."""
        texts = (self.q, self.team, self.assignee, self.category, self.channel, self.priority, self.label, self.contact)
        return any(texts) or self.overdue or self.unassigned or self.unread


def wanted_by(connection: Connection, query: InboxQuery, *, actor: Actor, now: datetime) -> Filter:
    """Return the filter of the list that the query shows to this agent."""
    view = query.chosen
    return Filter(
        statuses=VIEWS[view],
        teams=_chosen(query.team) or (sorted(actor.teams) if view == "team" else []),
        assignees=[actor.name] if view == "mine" else _chosen(query.assignee),
        unassigned=query.unassigned or view == "unassigned",
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
        ids=found_in(connection, query.q.strip(), actor=actor),
    )


def found_in(connection: Connection, words: str, *, actor: Actor) -> set[UUID] | None:
    """Return the conversations with these words or this reference; None without a search."""
    if not words:
        return None
    found = conversations_with(connection, read_query(words), only_teams=actor.sees_only)
    with contextlib.suppress(NotFound):
        found.add(find_conversation(connection, words).id)
    return found


def _chosen(value: str) -> list[str]:
    return [value] if value else []
