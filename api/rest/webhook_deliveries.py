"""`/webhooks`: how the targets of webhooks fare, what they never took, and how to send that again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.desk import DeskPart
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
    """One `[webhooks.NAME]`. Its address and secret are not shown: addresses of tools are often secrets themselves."""

    model_config = example(_TARGET)

    name: str
    enabled: bool = Field(description="False too for a target that is no longer in the configuration.")
    events: list[str] = Field(description="Patterns of kinds; empty: every kind.")
    queued: int = Field(description="Events that wait for it.")
    dead: int = Field(description="Events that it did not take for a day.")
    oldest_at: datetime | None = Field(description="Since when the oldest of what waits does so.")


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
        """Show a row."""
        return cls.model_validate(row)


class DeliveryPage(BaseModel):
    """A page of deliveries, newest first. next_cursor: None on the last page."""

    model_config = example({"deliveries": [_DELIVERY], "next_cursor": None})

    deliveries: list[DeliveryEntry]
    next_cursor: str | None


class DeliveryQuery(RequestModel):
    """What to list."""

    model_config = ConfigDict(extra="forbid")

    state: DeliveryState = Field(default=DeliveryState.DEAD, description="Default: what was given up.")
    target: str | None = Field(default=None, max_length=100)
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


class Replay(RequestModel):
    """What to deliver again: everything of a target that it did not take, or certain deliveries."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"target": "ticket-sync"}]})

    target: str | None = Field(default=None, max_length=100)
    ids: list[UUID] | None = Field(default=None, max_length=_MOST_IDS)

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.target is None and self.ids is None:
            raise ValueError("say which: `target`, `ids`, or both")
        return self


class Requeued(BaseModel):
    """How many deliveries were queued again."""

    model_config = example({"replayed": 1})

    replayed: int


@routes.get("", dependencies=[_READS], responses=documented(), summary="How the targets of webhooks fare")
def list_targets(desk: DeskPart) -> TargetList:
    """Return every target of the configuration, and those that are gone but have something left."""
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
    return TargetList(targets=entries)


@routes.get("/deliveries", dependencies=[_READS], responses=documented(), summary="What targets did not take")
def list_rows(desk: DeskPart, query: Annotated[DeliveryQuery, Query()]) -> DeliveryPage:
    """Return a page; unless `state` says otherwise, of what was given up."""
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
    following = write_cursor(page[-1].created_at, page[-1].id) if len(rows) > query.limit else None
    return DeliveryPage(deliveries=[DeliveryEntry.of(row) for row in page], next_cursor=following)


@routes.post(
    "/replay",
    dependencies=[Depends(Requires(Verb.REPLAY_WEBHOOKS))],
    responses=documented(),
    summary="Deliver again what was given up",
)
def replay(desk: DeskPart, wish: Replay) -> Requeued:
    """Queue it for another day; what is not dead stays as it is, so that asking twice sends once."""
    with desk.database.write() as connection:
        return Requeued(replayed=replay_deliveries(connection, target=wish.target, ids=wish.ids))
