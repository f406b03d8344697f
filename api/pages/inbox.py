"""The inbox page: views such as mine, unassigned, overdue and emergencies, with filters, search, sorting and pages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from api.desk import DeskPart, Shown
from api.http.authentication import Requires, count_costly
from api.http.pagination import cursor_of, read_cursor
from api.http.permissions import Actor, Verb, can
from api.http.quick_route import QuickRoute
from api.pages.cases.colleagues import colleagues_of
from api.pages.chat_pane import band, own_band
from api.pages.finding.chips import chips_of
from api.pages.finding.kept_views import views_shown
from api.pages.live.row_painter import RowPainter
from api.pages.render import moments_of, render
from api.rest.lists.list_query import VIEWS, InboxQuery, wanted_by
from api.rest.lists.saved_views import kept_query, views_asked
from api.rest.queries import read_list
from store.conversations.lists import Sort, read_markers, unread_among
from store.conversations.read import ConversationRecord, LastMessage
from store.db.plain_rows import Question, asked_ahead
from store.desk.agents import every_agent
from store.desk.composer.drafts import drafted_among, drafts_in
from store.desk.inbox_counts import Counts, asked_counts, count_all
from store.events.feed import greatest_number, newest_number

# A little more than one screen.
_ROWS: Final = 40
routes: Final = APIRouter(include_in_schema=False, route_class=QuickRoute)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]


@routes.get("/")
def inbox(
    request: Request, desk: DeskPart, *, actor: Watcher, shown: Shown, query: Annotated[InboxQuery, Query()]
) -> HTMLResponse:
    """Show one queue, filtered."""
    now = desk.now()
    if query.q.strip():
        count_costly(desk, actor)
    with desk.database.read() as connection, asked_ahead(connection, _questions(actor, now)):
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
        unread = unread_among(connection, [row for row, _, _ in listed], agent_id=actor.id)
        colleagues = colleagues_of(connection, actor)
        saved = views_shown(connection, actor, query=query, now=now)
        drafted = drafted_among(connection, [row.id for row, _, _ in listed], agent_id=actor.id)
        counts = count_all(connection, agent=actor.name, now=now, only_teams=actor.sees_only)
        is_narrowed = query.narrowed or query.cursor is not None
        chats = band(connection, desk, actor=actor, view=query.chosen, is_narrowed=is_narrowed)
        own_chats = own_band(connection, desk, actor=actor, view=query.chosen, is_narrowed=is_narrowed)
    painter: RowPainter = request.app.state.row_painter
    moments = moments_of(request, desk)

    def paint(row: ConversationRecord, handles: list[str], glimpse: LastMessage | None) -> Markup:
        is_unread, is_drafted = row.id in unread, row.id in drafted
        return painter((row, handles, glimpse), moments=moments, unread=is_unread, drafted=is_drafted)

    in_band = {chat.conversation_id for chat in chats}
    listed = [each for each in listed if each[0].id not in in_band]
    shown.are([*listed, *chats, *own_chats])
    context = {
        "query": query,
        "after": after,
        "shows": query.shows(),
        "listed": listed,
        "paint": paint,
        "chats": chats,
        "own_chats": own_chats,
        "views": _tabs(counts, actor=actor),
        "sorts": list(Sort),
        "agents": colleagues,
        "saved": saved,
        "chips": chips_of(query),
        "kept_query": kept_query(query),
        "may_work": can(actor, Verb.WORK_CONVERSATIONS),
        "next_cursor": cursor_of(end),
        "settings": desk.settings,
    }
    return render(request, "inbox.html.jinja", context)


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
