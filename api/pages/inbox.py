"""The inbox page: views such as mine, unassigned, overdue and emergencies, with filters, search, sorting and pages."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Requires, count_costly
from api.http.pagination import cursor_of, read_cursor
from api.http.permissions import Actor, Verb, can
from api.http.quick_route import QuickRoute
from api.pages.cases.colleagues import colleagues_of
from api.pages.chat_pane import band, own_band
from api.pages.finding.chips import chips_of
from api.pages.finding.kept_views import ShownView, views_shown
from api.pages.live.row_painter import RowPainter
from api.pages.render import moments_of, render
from api.rest.lists.list_query import VIEWS, InboxQuery, wanted_by
from api.rest.lists.saved_views import kept_query, views_asked
from api.rest.queries import Listed, read_list
from store.chat.queue import OngoingChat, WaitingChat
from store.conversations.lists import Sort, read_markers, unread_among
from store.conversations.read import ConversationRecord, LastMessage, Position
from store.db.plain_rows import Question, asked_ahead
from store.desk.agents import every_agent
from store.desk.composer.drafts import drafted_among, drafts_in
from store.desk.inbox_counts import Counts, asked_counts, count_all
from store.events.feed import greatest_number, newest_number

# A little more than one screen.
_ROWS: Final = 40
routes: Final = APIRouter(include_in_schema=False, route_class=QuickRoute)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the database says about a list.

    after: the number of the newest event when reading began.
    listed: without the conversations of `chats`.  end: where the next page begins; None on the last one.
    unread, drafted: those that the reader has not read, and those with a draft of the reader's.
    saved: the reader's own views.
    chats, own_chats: visitors who wait for an agent, and the reader's chats that wait for the visitor.
    """

    after: int
    listed: Sequence[Listed]
    end: Position | None
    unread: Collection[UUID]
    drafted: Collection[UUID]
    colleagues: Sequence[str]
    saved: Sequence[ShownView]
    counts: Counts
    chats: Sequence[WaitingChat]
    own_chats: Sequence[OngoingChat]


@routes.get("/")
def inbox(
    request: Request, desk: DeskPart, *, actor: Watcher, shown: Shown, query: Annotated[InboxQuery, Query()]
) -> HTMLResponse:
    """Show one queue, filtered."""
    if query.q.strip():
        count_costly(desk, actor)
    with desk.database.read() as connection:
        found = _read(connection, desk, query=query, actor=actor)
    shown.are([*found.listed, *found.chats, *found.own_chats])
    context = {
        "query": query,
        "after": found.after,
        "shows": query.shows(),
        "listed": found.listed,
        "paint": _painter(request, desk, found),
        "chats": found.chats,
        "own_chats": found.own_chats,
        "views": _tabs(found.counts, actor=actor),
        "sorts": list(Sort),
        "agents": found.colleagues,
        "saved": found.saved,
        "chips": chips_of(query),
        # Of teams that were taken out of the file: no queue and no one's team has them.
        "left_teams": {
            name: number for name, number in sorted(found.counts.open_in.items()) if name not in desk.settings.teams
        },
        "kept_query": kept_query(query),
        "may_work": can(actor, Verb.WORK_CONVERSATIONS),
        "next_cursor": cursor_of(found.end),
        "settings": desk.settings,
    }
    return render(request, "inbox.html.jinja", context)


def _read(connection: Connection, desk: Desk, *, query: InboxQuery, actor: Actor) -> _Found:
    """Read the list, asking as much as possible in one round trip."""
    now = desk.now()
    with asked_ahead(connection, _questions(actor, now)):
        # First: what is published meanwhile comes by the stream again.
        after = newest_number(connection)
        wanted = wanted_by(connection, query, actor=actor, now=now)
        listed, end = read_list(
            connection,
            wanted,
            sort=query.order,
            after=read_cursor(query.cursor),
            limit=_ROWS,
            also=lambda ids: [read_markers(ids, agent_id=actor.id), drafts_in(ids, agent_id=actor.id)],
        )
        rows = [row for row, _, _ in listed]
        unread = unread_among(connection, rows, agent_id=actor.id)
        colleagues = colleagues_of(connection, actor)
        saved = views_shown(connection, actor, query=query, now=now)
        drafted = drafted_among(connection, [row.id for row in rows], agent_id=actor.id)
        counts = count_all(connection, agent=actor.name, now=now, only_teams=actor.sees_only)
        is_narrowed = query.narrowed or query.cursor is not None
        chats = band(connection, desk, actor=actor, view=query.chosen, is_narrowed=is_narrowed)
        own_chats = own_band(connection, desk, actor=actor, view=query.chosen, is_narrowed=is_narrowed)
    in_band = {chat.conversation_id for chat in chats}
    return _Found(
        after=after,
        listed=[each for each in listed if each[0].id not in in_band],
        end=end,
        unread=unread,
        drafted=drafted,
        colleagues=colleagues,
        saved=saved,
        counts=counts,
        chats=chats,
        own_chats=own_chats,
    )


def _painter(request: Request, desk: Desk, found: _Found) -> Callable[..., Markup]:
    """Return what paints a row of the list for its reader."""
    painter: RowPainter = request.app.state.row_painter
    moments = moments_of(request, desk)

    def paint(row: ConversationRecord, handles: list[str], glimpse: LastMessage | None) -> Markup:
        is_unread, is_drafted = row.id in found.unread, row.id in found.drafted
        return painter((row, handles, glimpse), moments=moments, unread=is_unread, drafted=is_drafted)

    return paint


def _questions(actor: Actor, now: datetime) -> list[Question]:
    """Return what the page asks that no answer decides."""
    counts = asked_counts(agent=actor.name, now=now, only_teams=actor.sees_only)
    return [greatest_number(), every_agent(), views_asked(actor), counts]


def _tabs(counts: Counts, *, actor: Actor) -> dict[str, int | None]:
    """Return the views of this agent with their counts; None for a view without a count."""
    known = {
        **counts.statuses,
        "mine": counts.mine,
        "unassigned": counts.unassigned,
        "overdue": counts.overdue,
        "emergencies": counts.emergencies,
    }
    return {name: known.get(name) for name in VIEWS if name != "team" or actor.teams}
