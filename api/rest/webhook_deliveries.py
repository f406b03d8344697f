"""`/webhooks`: the state of each webhook target, its failed deliveries, and their replay."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.pagination import LARGEST_PAGE, USUAL_PAGE, read_cursor, write_cursor
from api.http.permissions import Verb
from api.http.problems import documented
from api.http.requests import RequestModel
from api.paths import API
from store.events.webhook_deliveries import (
    DeliveryRecord,
    TargetCount,
    count_deliveries,
    list_deliveries,
    replay_deliveries,
)
from store.tables.operations import DeliveryState

_MOST_IDS: Final = 1000
_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_AT: Final = "2026-11-20T04:00:00Z"
_TARGET: Final[dict[str, Any]] = {
    "name": "ticket-sync",
    "enabled": True,
    "events": ["conversation.*"],
    "queued": 3,
    "dead": 1,
    "oldest_at": _AT,
}
_DELIVERY: Final[dict[str, Any]] = {
    "id": _ID,
    "target": "ticket-sync",
    "number": 4711,
    "kind": "conversation.assigned",
    "conversation_id": _ID,
    "state": "dead",
    "attempts": 31,
    "error": "the target answered 503",
    "created_at": _AT,
    "due_at": _AT,
}

routes: Final = APIRouter(prefix=f"{API}/webhooks", tags=["webhooks"])
_READS: Final = Depends(Requires(Verb.READ_WEBHOOKS))


class TargetEntry(BaseModel):
    """One `[webhooks.NAME]`. Its URL and secret are not shown: URLs of tools often contain secrets."""

    model_config = example(_TARGET)

    name: str
    enabled: bool = Field(description="false also for a target that is no longer in the configuration.")
    events: list[str] = Field(description="Patterns of kinds; empty: every kind.")
    queued: int = Field(description="Deliveries that wait.")
    dead: int = Field(description="Deliveries that failed for a day.")
    oldest_at: datetime | None = Field(description="When the oldest waiting one was queued.")


class TargetList(BaseModel):
    """Every target."""

    model_config = example({"targets": [_TARGET]})

    targets: list[TargetEntry]


class DeliveryEntry(BaseModel):
    """One event for one target."""

    model_config = example(_DELIVERY)

    id: UUID
    target: str
    number: int
    kind: str
    conversation_id: UUID | None
    state: str
    attempts: int
    error: str = Field(description="Why the last attempt failed, in a sentence.")
    created_at: datetime
    due_at: datetime = Field(description="When it is tried next, if it is queued.")

    @classmethod
    def of(cls, row: DeliveryRecord) -> Self:
        """Return the row as the API shows it."""
        return cls.model_validate(row)


class DeliveryPage(BaseModel):
    """A page of deliveries, newest first. next_cursor: None on the last page."""

    model_config = example({"deliveries": [_DELIVERY], "next_cursor": None})

    deliveries: list[DeliveryEntry]
    next_cursor: str | None


class DeliveryQuery(RequestModel):
    """What to list."""

    model_config = ConfigDict(extra="forbid")

    state: DeliveryState = Field(default=DeliveryState.DEAD, description="Default: failed for good.")
    target: str | None = Field(default=None, max_length=100)
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


class Replay(RequestModel):
    """What to deliver again: all failed deliveries of a target, or certain ones."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"target": "ticket-sync"}]})

    target: str | None = Field(default=None, max_length=100)
    ids: list[UUID] | None = Field(default=None, max_length=_MOST_IDS)

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.target is None and self.ids is None:
            raise ValueError("expected `target`, `ids`, or both")
        return self


class Requeued(BaseModel):
    """How many deliveries were queued again."""

    model_config = example({"replayed": 1})

    replayed: int


@routes.get("", dependencies=[_READS], responses=documented(), summary="The state of each webhook target")
def list_targets(desk: DeskPart, shown: Shown) -> TargetList:
    """Return all targets of the configuration, and removed ones that still have deliveries."""
    with desk.database.read() as connection:
        counts = count_deliveries(connection)
    none = TargetCount(queued=0, dead=0, oldest_at=None)
    entries = []
    for name in sorted({*desk.settings.webhooks, *counts}):
        settings, count = desk.settings.webhooks.get(name), counts.get(name, none)
        entry = TargetEntry(
            name=name,
            enabled=settings is not None and settings.enabled,
            events=list(settings.events) if settings else [],
            queued=count.queued,
            dead=count.dead,
            oldest_at=count.oldest_at,
        )
        entries.append(entry)
    shown.are(entries)
    return TargetList(targets=entries)


@routes.get("/deliveries", dependencies=[_READS], responses=documented(), summary="Failed deliveries")
def list_rows(desk: DeskPart, shown: Shown, query: Annotated[DeliveryQuery, Query()]) -> DeliveryPage:
    """Return a page; without `state`, of deliveries that failed for good."""
    after = read_cursor(query.cursor)
    with desk.database.read() as connection:
        rows = list_deliveries(
            connection,
            state=query.state,
            target=query.target,
            before=after.id if after else None,
            limit=query.limit + 1,
        )
    page = rows[: query.limit]
    shown.are(page)
    following = write_cursor(page[-1].created_at, page[-1].id) if len(rows) > query.limit else None
    return DeliveryPage(deliveries=[DeliveryEntry.of(row) for row in page], next_cursor=following)


@routes.post(
    "/replay",
    dependencies=[Depends(Requires(Verb.REPLAY_WEBHOOKS))],
    responses=documented(),
    summary="Deliver again what failed for good",
)
def replay(desk: DeskPart, order: Replay) -> Requeued:
    """Queue them for another day; deliveries that are not dead stay unchanged, so repeating it does no harm."""
    with desk.database.write() as connection:
        return Requeued(replayed=replay_deliveries(connection, target=order.target, ids=order.ids))
