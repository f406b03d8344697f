"""`/ratings`: customers' ratings of their closed cases."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.pagination import LARGEST_PAGE, USUAL_PAGE, read_cursor, write_cursor
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.http.requests import RequestModel
from api.paths import API
from store.conversations.ratings import RatingRecord, list_ratings

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_RATING: Final[dict[str, Any]] = {
    "conversation_id": _ID,
    "reference": "K7QF2MXD4",
    "team": "payments",
    "assignee": "Li",
    "score": 5,
    "word": "quick and friendly",
    "rated_at": "2026-11-20T04:00:00Z",
}

routes: Final = APIRouter(prefix=f"{API}/ratings", tags=["ratings"])
Reader = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]


class RatingEntry(BaseModel):
    """One customer's rating of one closing."""

    model_config = example(_RATING)

    conversation_id: UUID
    reference: str
    team: str
    assignee: str | None = Field(description="The current assignee.")
    score: int = Field(description="1 (badly) to 5 (very well).")
    word: str = Field(description="The comment, secrets masked; empty without one.")
    rated_at: datetime

    @classmethod
    def of(cls, row: RatingRecord) -> Self:
        """Return the row as the API shows it."""
        return cls.model_validate(row)


class RatingPage(BaseModel):
    """A page, newest first. next_cursor: None on the last page."""

    model_config = example({"ratings": [_RATING], "next_cursor": None})

    ratings: list[RatingEntry]
    next_cursor: str | None


class RatingQuery(RequestModel):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


@routes.get("", responses=documented(), summary="Customers' ratings of their closed cases")
def list_entries(desk: DeskPart, actor: Reader, shown: Shown, query: Annotated[RatingQuery, Query()]) -> RatingPage:
    """Return a page, newest first; readers who are limited to teams get only the cases of their teams."""
    after = read_cursor(query.cursor)
    before = (after.at, after.id) if after else None
    with desk.database.read() as connection:
        rows = list_ratings(connection, before=before, teams=actor.sees_only, limit=query.limit + 1)
    page = rows[: query.limit]
    shown.are(page)
    following = write_cursor(page[-1].rated_at, page[-1].closing) if len(rows) > query.limit else None
    return RatingPage(ratings=[RatingEntry.of(row) for row in page], next_cursor=following)
