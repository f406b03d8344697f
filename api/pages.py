"""The pages that people look at: the inbox, a conversation and why it is here, the quarantine, the channels.

They read; whatever changes something goes through the API's routes and asks the same `can`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from api.authentication import Requires
from api.desk import Desk, DeskPart
from api.frames import framed
from api.paging import cursor_of, read_cursor, write_cursor
from api.permissions import Actor, Verb, can
from api.quarantine import QuarantinedEntry
from api.reading import Story, category_title, contact_of, find_for, read_list, read_messages, require_sight
from api.reasons import Reader, Reason, reasons
from api.rendering import language_of, moments_of, render
from store.correspondence import MessageRow, attachments_of, find_message
from store.listing import Filter, count_unresolved
from store.models import Status
from store.quarantine import list_quarantined
from store.status import read_status

# One screen and a bit; the keyboard goes on from there.
_ROWS: Final = 40
_MESSAGES: Final = 50

routes: Final = APIRouter(include_in_schema=False)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Cursor = Annotated[str | None, Query(max_length=200)]


class InboxQuery(BaseModel):
    """What the list shows; an empty value is the same as none, because a form sends every field."""

    model_config = ConfigDict(extra="ignore")

    status: str = Field(default=Status.OPEN, max_length=20)
    team: str = Field(default="", max_length=100)
    category: str = Field(default="", max_length=100)
    channel: str = Field(default="", max_length=100)
    contact: str = Field(default="", max_length=320)
    overdue: bool = False
    cursor: str | None = Field(default=None, max_length=200)


@routes.get("/")
def inbox(request: Request, desk: DeskPart, actor: Watcher, query: Annotated[InboxQuery, Query()]) -> HTMLResponse:
    """Show the list, filtered."""
    wanted = Filter(
        statuses=[Status(query.status)] if query.status in set(Status) else [],
        teams=_chosen(query.team),
        categories=_chosen(query.category),
        channels=_chosen(query.channel),
        contact=contact_of(query.contact.strip()),
        due_before=desk.now() if query.overdue else None,
        only_teams=actor.sees_only,
    )
    with desk.database.read() as connection:
        listed, end = read_list(connection, wanted, after=read_cursor(query.cursor), limit=_ROWS)
        counts = count_unresolved(connection, only_teams=actor.sees_only)
    context = {
        "query": query,
        "listed": listed,
        "counts": counts,
        "next_cursor": cursor_of(end),
        "settings": desk.settings,
    }
    return render(request, "inbox.html.jinja", context)


@routes.get("/conversations/{key}")
def conversation(request: Request, desk: DeskPart, actor: Watcher, key: str, *, cursor: Cursor = None) -> HTMLResponse:
    """Show one conversation with its messages, and why it is here."""
    before = read_cursor(cursor)
    with desk.database.read() as connection:
        story = Story(connection, find_for(connection, key, actor=actor), limit=_MESSAGES)
        if before is not None:
            story.outgoing = [row for row in story.outgoing if row.created_at < before.at]
            story.messages, story.earlier = read_messages(
                connection, story.conversation.id, before=before, limit=_MESSAGES
            )
            story.attachments = attachments_of(connection, [message.id for message in story.messages])
    context = {
        "story": story,
        "conversation": story.conversation,
        "why": _why(request, desk, story.messages),
        "earlier_cursor": write_cursor(story.earlier.at, story.earlier.id) if story.earlier else None,
        "may": partial(can, actor),
        "Verb": Verb,
    }
    return render(request, "conversation.html.jinja", context)


@routes.get("/messages/{message_id}/frame")
def frame(desk: DeskPart, actor: Watcher, message_id: UUID) -> HTMLResponse:
    """Return a message's HTML for the sandboxed frame of the conversation's page."""
    with desk.database.read() as connection:
        message = find_message(connection, message_id)
        require_sight(connection, message.conversation_id, actor=actor)
    return framed(message.html)


@routes.get("/quarantine", dependencies=[Depends(Requires(Verb.READ_QUARANTINE))])
def quarantine(request: Request, desk: DeskPart, cursor: Cursor = None, *, discarded: bool = False) -> HTMLResponse:
    """Show what could not be routed."""
    after = read_cursor(cursor)
    with desk.database.read() as connection:
        rows = list_quarantined(connection, discarded=discarded, before=after.id if after else None, limit=_ROWS + 1)
    page = rows[:_ROWS]
    following = write_cursor(page[-1].accepted_at, page[-1].id) if len(rows) > _ROWS else None
    entries = [QuarantinedEntry.of(row) for row in page]
    context = {"entries": entries, "discarded": discarded, "next_cursor": following}
    return render(request, "quarantine.html.jinja", context)


@routes.get("/channels", dependencies=[Depends(Requires(Verb.READ_CHANNELS))])
def channels(request: Request, desk: DeskPart) -> HTMLResponse:
    """Show how every channel fares."""
    with desk.database.read() as connection:
        status = read_status(connection, channels=tuple(desk.settings.channels))
    return render(request, "channels.html.jinja", {"status": status, "settings": desk.settings})


def _chosen(value: str) -> list[str]:
    return [value] if value else []


def _why(request: Request, desk: Desk, messages: Sequence[MessageRow]) -> dict[UUID, tuple[Reason, ...]]:
    moments, language = moments_of(request, desk), language_of(request)
    reader = Reader(
        words=moments.words,
        category=lambda name: category_title(desk, name, language=language),
        moment=moments.short,
    )
    return {message.id: reasons(message.trace, reader=reader) for message in messages}
