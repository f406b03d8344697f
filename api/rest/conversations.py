"""`/conversations`: the inbox, filtered and paged, and one conversation with its messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.desk import DeskPart, Shown
from api.http.authentication import Requires, count_costly
from api.http.json_response import model_response
from api.http.openapi import example
from api.http.pagination import LARGEST_PAGE, USUAL_PAGE, cursor_of, read_cursor
from api.http.permissions import Actor, Verb
from api.http.preconditions import etag
from api.http.problems import documented
from api.http.quick_route import QuickRoute
from api.http.requests import Moment, RequestModel
from api.paths import API
from api.rest.lists.list_json import list_response, summary_json
from api.rest.lists.list_query import found_in
from api.rest.queries import Story, contact_of, find_for, program_reader, questions_of, read_list, read_messages
from api.rest.schemas import (
    ConversationDetail,
    ConversationPage,
    MessageEntry,
    MessagePage,
    OutgoingEntry,
    summary_fields,
)
from api.rest.search import LONGEST_QUERY
from api.text.reasons import reasons
from router.conversation_status import Status
from router.settings.model import Priority
from store.conversations.lists import Filter, Sort, read_markers, unread_among
from store.conversations.messages import attachments_of
from store.db.plain_rows import asked_ahead
from store.desk.inbox_counts import count_all

# A longer list is a mistake or an attack; each value is a bound parameter.
_MOST_VALUES: Final = 50

routes: Final = APIRouter(prefix=f"{API}/conversations", tags=["conversations"], route_class=QuickRoute)
Reader = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]


class ConversationCounts(BaseModel):
    """How many conversations wait. mine, unassigned: open ones; the others count all that are not resolved."""

    model_config = example(
        {
            "statuses": {"open": 12, "pending": 3, "snoozed": 1},
            "teams": {"payments": 16},
            "mine": 2,
            "unassigned": 4,
            "overdue": 1,
        }
    )

    statuses: dict[str, int]
    teams: dict[str, int]
    mine: int
    unassigned: int
    overdue: int


class ListQuery(RequestModel):
    """What to list. A filter given several times means any of its values; different filters must all hold."""

    model_config = ConfigDict(extra="forbid")

    status: list[Status] = Field(default=[], max_length=_MOST_VALUES, description="Default: every status.")
    team: list[str] = Field(default=[], max_length=_MOST_VALUES)
    assignee: list[str] = Field(default=[], max_length=_MOST_VALUES, description="Names of agents.")
    mine: bool = Field(default=False, description="The same as `assignee` with your own name.")
    unassigned: bool = Field(default=False, description="Without an assignee.")
    category: list[str] = Field(default=[], max_length=_MOST_VALUES)
    channel: list[str] = Field(default=[], max_length=_MOST_VALUES)
    priority: list[Priority] = Field(default=[], max_length=_MOST_VALUES)
    label: list[str] = Field(default=[], max_length=_MOST_VALUES)
    language: list[str] = Field(default=[], max_length=_MOST_VALUES)
    contact: str | None = Field(default=None, max_length=320, description="A contact's id, or a handle of theirs.")
    due_before: Moment | None = Field(default=None, description="With a promise due before this moment.")
    overdue: bool = Field(default=False, description="The same as `due_before` now.")
    unread: bool = Field(default=False, description="With messages that you have not read.")
    possible_danger: bool = Field(
        default=False, description="An agent has to answer whether the customer is in danger; not resolved."
    )
    q: str | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_QUERY,
        pattern=r"\S",
        description="Words in its messages, as in `/search`, or its reference. A common word matches only the newest "
        "messages.",
    )
    sort: Sort = Field(
        default=Sort.NEWEST,
        description="`due`: by the earliest promise, those without one last. Without `sort`, emergencies come first, "
        "then possible danger, then the rest, each newest first.",
    )
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


class MessagesQuery(RequestModel):
    """Which messages of a conversation."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


@routes.get(
    "",
    response_model=ConversationPage,
    responses=documented(),
    summary="List conversations, by default the newest activity first",
)
def list_conversations(desk: DeskPart, actor: Reader, rows: Shown, query: Annotated[ListQuery, Query()]) -> Response:
    """Return a page. New conversations do not shift the later pages; a new first page has them."""
    after, wanted = read_cursor(query.cursor), filter_of(query, actor=actor, now=desk.now())
    if query.q:
        count_costly(desk, actor)
    with desk.database.read() as connection, asked_ahead(connection, []):
        if query.q is not None:
            ids = found_in(connection, query.q.strip(), actor=actor)
            wanted = replace(wanted, ids=ids)
        listed, end = read_list(
            connection,
            wanted,
            sort=query.sort,
            after=after,
            limit=query.limit,
            also=lambda ids: [read_markers(ids, agent_id=actor.id)],
        )
        unread = unread_among(connection, [row for row, _, _ in listed], agent_id=actor.id)
    rows.are(listed)
    shown = [
        summary_json(row, handles=tuple(handles), glimpse=glimpse, unread=row.id in unread)
        for row, handles, glimpse in listed
    ]
    return list_response(shown, next_cursor=cursor_of(end))


def filter_of(query: ListQuery, *, actor: Actor, now: datetime) -> Filter:
    """Return the query's filter, limited to what the actor may see."""
    return Filter(
        statuses=query.status,
        teams=query.team,
        assignees=[*query.assignee, *([actor.name] if query.mine else [])],
        unassigned=query.unassigned,
        categories=query.category,
        channels=query.channel,
        priorities=query.priority,
        labels=query.label,
        languages=query.language,
        due_before=min(filter(None, (query.due_before, now if query.overdue else None)), default=None),
        contact=contact_of(query.contact),
        unread_by=actor.id if query.unread else None,
        only_teams=actor.sees_only,
        possible_danger=query.possible_danger,
        # Who names an order gets that order: programs stop where they have been before.
        danger_first="sort" not in query.model_fields_set,
    )


@routes.get("/counts", responses=documented(), summary="How many conversations wait, by status and team")
def count_conversations(desk: DeskPart, actor: Reader) -> ConversationCounts:
    """Return the current counts of what you may see."""
    with desk.database.read() as connection:
        counts = count_all(connection, agent=actor.name, now=desk.now(), only_teams=actor.sees_only)
    return ConversationCounts.model_validate(counts)


@routes.get(
    "/{key}",
    response_model=ConversationDetail,
    responses=documented("not-found"),
    summary="One conversation with its messages",
)
def show_conversation(desk: DeskPart, actor: Reader, key: str) -> Response:
    """Return the conversation. `key` is its id or its reference in any letter case; use its `ETag` for `If-Match`."""
    with desk.database.read() as connection:
        row = find_for(connection, key, actor=actor)
        questions = [*questions_of(row, limit=LARGEST_PAGE), read_markers([row.id], agent_id=actor.id)]
        with asked_ahead(connection, questions):
            story = Story(connection, row, limit=LARGEST_PAGE)
            unread = bool(unread_among(connection, [row], agent_id=actor.id))
    reader = program_reader(desk)
    entries = [
        MessageEntry.of(message, attachments=story.files(message), reasons=reasons(message.trace, reader=reader))
        for message in story.messages
    ]
    shown = ConversationDetail(
        **summary_fields(story.conversation, handles=story.handles, glimpse=story.glimpse, unread=unread),
        entries=entries,
        earlier_cursor=cursor_of(story.earlier),
        outgoing=[OutgoingEntry.of(row) for row in story.outgoing],
    )
    return model_response(shown, headers={"ETag": etag(story.conversation.version)})


@routes.get(
    "/{key}/messages",
    response_model=MessagePage,
    responses=documented("not-found"),
    summary="The messages of one conversation",
)
def list_messages(
    desk: DeskPart, actor: Reader, key: str, *, count: Shown, query: Annotated[MessagesQuery, Query()]
) -> Response:
    """Return a page: the newest messages first, then older ones; within a page the oldest is first."""
    before = read_cursor(query.cursor)
    with desk.database.read() as connection:
        conversation = find_for(connection, key, actor=actor)
        rows, end = read_messages(connection, conversation.id, before=before, limit=query.limit)
        attachments = attachments_of(connection, [row.id for row in rows])
    count.are(rows)
    reader = program_reader(desk)
    shown = [
        MessageEntry.of(row, attachments=attachments[row.id], reasons=reasons(row.trace, reader=reader)) for row in rows
    ]
    return model_response(MessagePage(messages=shown, next_cursor=cursor_of(end)))
