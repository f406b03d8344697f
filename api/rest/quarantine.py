"""`/quarantine`: messages that could not be routed, with the reason; replay them, or discard them with a reason."""

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
from api.http.requests import RequestModel, ShownHandle
from api.paths import API
from api.rest.queries import channels_seen
from api.rest.schemas import Sentence, own_fields
from api.services.originals import read_again
from router.envelope import from_json
from router.masking.mask import mask
from store.inbound.quarantine import (
    QuarantinedRecord,
    discard,
    find_quarantined,
    list_quarantined,
    quarantined_among,
    replay,
)

_MOST_IDS: Final = 200
_LONGEST_REASON: Final = 500

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_ENTRY: Final[dict[str, Any]] = {
    "id": _ID,
    "channel": "support-mail",
    "source_key": "7:4711",
    "subject": "Odd mail",
    "sender_handle": "odd@example.com",
    "reason": "its reading took longer than 20 s",
    "attempts": 4,
    "size": 20480,
    "received_at": "2026-11-20T04:00:00Z",
    "accepted_at": "2026-11-20T04:00:01Z",
    "discarded_at": None,
    "shut": "",
}

routes: Final = APIRouter(prefix=f"{API}/quarantine", tags=["quarantine"])


class QuarantinedEntry(BaseModel):
    """One quarantined message. Secrets are masked."""

    model_config = example(_ENTRY)

    id: UUID
    channel: str
    source_key: str = Field(description="The transport's own id.")
    subject: str
    sender_handle: ShownHandle
    reason: Sentence = Field(description="Why it could not be routed, and why it was discarded.")
    attempts: int
    size: int = Field(description="Bytes of the original.")
    received_at: datetime
    accepted_at: datetime
    discarded_at: datetime | None
    shut: str = Field(default="", description="Why its subject and sender cannot be shown: it cannot be opened.")

    @classmethod
    def of(cls, row: QuarantinedRecord) -> Self:
        """Return the row as the API shows it."""
        envelope = from_json(row.envelope)
        shown = {"subject": mask(envelope.subject).text, "sender_handle": envelope.sender.handle}
        more = {"text": mask(envelope.text).text, "defects": list(envelope.defects)} if cls is QuarantinedDetail else {}
        return cls.model_validate({**own_fields(row), **shown, **more})


class QuarantinedDetail(QuarantinedEntry):
    """One quarantined message with its parsed text."""

    model_config = example({**_ENTRY, "text": "hello", "defects": ["the charset x-odd is unknown"]})

    text: str
    defects: list[str]


class QuarantinePage(BaseModel):
    """A page of the quarantine, newest first. next_cursor: None on the last page."""

    model_config = example({"messages": [_ENTRY], "next_cursor": None})

    messages: list[QuarantinedEntry]
    next_cursor: str | None


class QuarantineQuery(RequestModel):
    """What to list."""

    model_config = ConfigDict(extra="forbid")

    channel: str | None = Field(default=None, max_length=100)
    discarded: bool = Field(default=False, description="List discarded messages instead of waiting ones.")
    cursor: str | None = Field(default=None, max_length=200)
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


class ReplayOrder(RequestModel):
    """The messages to route again."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"ids": [_ID]}]})

    ids: list[UUID] = Field(min_length=1, max_length=_MOST_IDS)


class Unreadable(BaseModel):
    """A message that stays in quarantine, because it still cannot be parsed."""

    model_config = example({"id": _ID, "why": "The mail nests its parts too deep."})

    id: UUID
    why: str


class Replayed(BaseModel):
    """The messages that are routed again. Others were not in quarantine, so repeating the order does no harm."""

    model_config = example({"replayed": [_ID], "unreadable": []})

    replayed: list[UUID]
    unreadable: list[Unreadable]


class DiscardOrder(RequestModel):
    """The reason."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "advertising"}]})

    reason: str = Field(min_length=1, max_length=_LONGEST_REASON, pattern=r"\S")


@routes.get(
    "",
    responses=documented(),
    summary="List quarantined messages, newest first",
)
def list_messages(
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.READ_QUARANTINE))],
    shown: Shown,
    query: Annotated[QuarantineQuery, Query()],
) -> QuarantinePage:
    """Return a page of the waiting messages, or of the discarded ones."""
    after = read_cursor(query.cursor)
    with desk.database.read() as connection:
        rows = list_quarantined(
            connection,
            channel=query.channel,
            only_channels=channels_seen(desk, actor),
            discarded=query.discarded,
            before=after.id if after else None,
            limit=query.limit + 1,
        )
    page = rows[: query.limit]
    shown.are(page)
    following = write_cursor(page[-1].accepted_at, page[-1].id) if len(rows) > query.limit else None
    return QuarantinePage(messages=[QuarantinedEntry.of(row) for row in page], next_cursor=following)


@routes.get(
    "/{inbound_id}",
    responses=documented("not-found"),
    summary="One quarantined message",
)
def show_message(
    desk: DeskPart, inbound_id: UUID, actor: Annotated[Actor, Depends(Requires(Verb.READ_QUARANTINE))]
) -> QuarantinedDetail:
    """Return what could be parsed of it, masked."""
    with desk.database.read() as connection:
        found = find_quarantined(connection, inbound_id, only_channels=channels_seen(desk, actor))
    return QuarantinedDetail.of(found)


@routes.post("/replay", responses=documented(), summary="Route quarantined messages again")
def replay_messages(
    desk: DeskPart, order: ReplayOrder, actor: Annotated[Actor, Depends(Requires(Verb.REPLAY_QUARANTINE))]
) -> Replayed:
    """Parse their originals again and route them, within seconds; repeating it does no harm."""
    with desk.database.read() as connection:
        ids = quarantined_among(connection, order.ids, only_channels=channels_seen(desk, actor))
    again = read_again(desk.database, ids, reader=desk.originals)
    with desk.database.write() as connection:
        going = replay(connection, list(again.envelopes), by=actor.name, envelopes=again.envelopes)
    staying = [Unreadable(id=inbound_id, why=why) for inbound_id, why in again.unreadable.items()]
    return Replayed(replayed=list(going), unreadable=staying)


@routes.post(
    "/{inbound_id}/discard",
    responses=documented("not-found", "conflict"),
    summary="Discard a quarantined message, with a reason",
)
def discard_message(
    desk: DeskPart,
    inbound_id: UUID,
    order: DiscardOrder,
    actor: Annotated[Actor, Depends(Requires(Verb.DISCARD_QUARANTINE))],
) -> QuarantinedDetail:
    """Discard it. Nothing is deleted: its bytes stay, and it can still be replayed."""
    with desk.database.write() as connection:
        find_quarantined(connection, inbound_id, only_channels=channels_seen(desk, actor))
        discard(connection, inbound_id, reason=order.reason, by=actor.name)
        return QuarantinedDetail.of(find_quarantined(connection, inbound_id))
