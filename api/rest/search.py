"""`/search`: messages that contain the words, newest first, with their conversations. Only masked text is searched."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.pagination import read_cursor, write_cursor
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.http.requests import RequestModel, ShownHandle
from api.paths import API
from api.rest.schemas import own_fields
from router.text.search_terms import Wanted, excerpt, read_query
from store.conversations.search import SearchHit, find_messages

LONGEST_QUERY: Final = 200
_MOST_FOUND: Final = 100
_EXCERPT: Final = 160
_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_ENTRY: Final[dict[str, Any]] = {
    "message_id": _ID,
    "conversation_id": _ID,
    "reference": "K7QF2MXD4",
    "status": "open",
    "team": "payments",
    "contact_id": _ID,
    "direction": "incoming",
    "channel": "support-mail",
    "sender_handle": "li@example.com",
    "sender_name": "Li Wei",
    "subject": "Payment failed",
    "excerpt": "…但是钱已经被扣走了，请尽快退款…",
    "received_at": "2026-11-20T04:00:00Z",
}

routes: Final = APIRouter(prefix=f"{API}/search", tags=["search"])


class SearchQuery(RequestModel):
    """The search."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(
        min_length=1,
        max_length=LONGEST_QUERY,
        pattern=r"\S",
        description="All of these words, in any order. Chinese matches anywhere, other words by their beginning.",
    )
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=20, ge=1, le=_MOST_FOUND)


class FoundEntry(BaseModel):
    """A message that matches. Secrets are masked."""

    model_config = example(_ENTRY)

    message_id: UUID
    conversation_id: UUID
    reference: str
    status: str
    team: str
    contact_id: UUID
    direction: str
    channel: str
    sender_handle: ShownHandle
    sender_name: str
    subject: str
    excerpt: str = Field(description="The text around the first match.")
    received_at: datetime

    @classmethod
    def of(cls, row: SearchHit, *, wanted: Wanted) -> Self:
        """Return the row as the API shows it."""
        return cls.model_validate({**own_fields(row), "excerpt": excerpt(wanted, row.text, length=_EXCERPT)})


class FoundPage(BaseModel):
    """Newest first. next_cursor: None after the last page; a page before it may be empty."""

    model_config = example({"messages": [_ENTRY], "next_cursor": None})

    messages: list[FoundEntry]
    next_cursor: str | None


@routes.get("", responses=documented(), summary="Search messages, newest first")
def search(
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX, costly=True))],
    shown: Shown,
    query: Annotated[SearchQuery, Query()],
) -> FoundPage:
    """Return a page of messages, among those that you may see."""
    wanted, after = read_query(query.q), read_cursor(query.cursor)
    before = after.id if after else None
    with desk.database.read() as connection:
        found, end = find_messages(connection, wanted, only_teams=actor.sees_only, before=before, limit=query.limit)
    shown.are(found)
    following = write_cursor(desk.now(), end) if end else None
    return FoundPage(messages=[FoundEntry.of(row, wanted=wanted) for row in found], next_cursor=following)
