"""`/conversations`: the inbox, filtered and paged, and one conversation with its messages."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.authentication import Requires
from api.desk import DeskPart
from api.paging import LARGEST_PAGE, USUAL_PAGE, read_cursor, write_cursor
from api.permissions import Verb
from api.places import API
from api.problems import documented
from api.reading import Story, filters_of, find_by_key, program_reader, read_list, read_messages
from api.reasons import reasons
from api.schemas import (
    ConversationDetail,
    ConversationPage,
    ConversationSummary,
    MessageEntry,
    MessagePage,
    OutgoingEntry,
    summary_fields,
)
from store.correspondence import attachments_of
from store.models import Status

# Beyond this a list is a mistake or an attack; each value is a bound parameter.
_MOST_VALUES: Final = 50

routes: Final = APIRouter(
    prefix=f"{API}/conversations", tags=["conversations"], dependencies=[Depends(Requires(Verb.READ_INBOX))]
)


class ListQuery(BaseModel):
    """What to list. A filter given several times means any of its values; different filters must all hold."""

    model_config = ConfigDict(extra="forbid")

    status: list[Status] = Field(default=[], max_length=_MOST_VALUES, description="Default: every status.")
    team: list[str] = Field(default=[], max_length=_MOST_VALUES)
    category: list[str] = Field(default=[], max_length=_MOST_VALUES)
    channel: list[str] = Field(default=[], max_length=_MOST_VALUES)
    contact: str | None = Field(default=None, max_length=320, description="A contact's id, or a handle of theirs.")
    due_before: AwareDatetime | None = Field(default=None, description="Something is promised before this moment.")
    overdue: bool = Field(default=False, description="The same as `due_before` now.")
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


class MessagesQuery(BaseModel):
    """Which messages of a conversation."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


@routes.get("", responses=documented(), summary="List conversations, newest activity first")
def list_conversations(desk: DeskPart, query: Annotated[ListQuery, Query()]) -> ConversationPage:
    """Return a page. What arrives meanwhile is not repeated and pushes nothing out; a new first page has it."""
    due_before = min(filter(None, (query.due_before, desk.now() if query.overdue else None)), default=None)
    wanted = filters_of(
        statuses=query.status,
        teams=query.team,
        categories=query.category,
        channels=query.channel,
        contact=query.contact,
        due_before=due_before,
    )
    after = read_cursor(query.cursor)
    with desk.database.read() as connection:
        listed, end = read_list(connection, wanted, after=after, limit=query.limit)
    shown = [ConversationSummary.of(row, handles=handles, glimpse=glimpse) for row, handles, glimpse in listed]
    return ConversationPage(conversations=shown, next_cursor=write_cursor(end.at, end.id) if end else None)


@routes.get("/{key}", responses=documented("not-found"), summary="One conversation with its messages")
def show_conversation(desk: DeskPart, key: str) -> ConversationDetail:
    """Return the conversation. `key` is its id or its reference, in any case."""
    with desk.database.read() as connection:
        story = Story(connection, find_by_key(connection, key), limit=LARGEST_PAGE)
    reader = program_reader(desk)
    entries = [
        MessageEntry.of(message, attachments=story.files(message), reasons=reasons(message.trace, reader=reader))
        for message in story.messages
    ]
    return ConversationDetail(
        **summary_fields(story.conversation, handles=story.handles, glimpse=story.glimpse),
        entries=entries,
        earlier_cursor=write_cursor(story.earlier.at, story.earlier.id) if story.earlier else None,
        outgoing=[OutgoingEntry.of(row) for row in story.outgoing],
    )


@routes.get("/{key}/messages", responses=documented("not-found"), summary="The messages of one conversation")
def list_messages(desk: DeskPart, key: str, query: Annotated[MessagesQuery, Query()]) -> MessagePage:
    """Return a page: first the newest messages, then those before; within a page the oldest stands first."""
    before = read_cursor(query.cursor)
    with desk.database.read() as connection:
        conversation = find_by_key(connection, key)
        rows, end = read_messages(connection, conversation.id, before=before, limit=query.limit)
        attachments = attachments_of(connection, [row.id for row in rows])
    reader = program_reader(desk)
    shown = [
        MessageEntry.of(row, attachments=attachments[row.id], reasons=reasons(row.trace, reader=reader)) for row in rows
    ]
    return MessagePage(messages=shown, next_cursor=write_cursor(end.at, end.id) if end else None)
