"""`/contacts`: a contact, their messages on every channel, and what agents may change about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from sqlalchemy.engine import Connection

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.pagination import LARGEST_PAGE, USUAL_PAGE, cursor_of, read_cursor
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.http.requests import RequestModel, ShownHandle
from api.paths import API
from api.rest.merges import Regrouped
from store.contacts.blocked import block_sender
from store.contacts.erasure import erase_contact
from store.contacts.merge import merge_contacts
from store.contacts.profiles import (
    Card,
    CardChange,
    ContactMessage,
    edit_contact,
    everything_about,
    find_card,
    timeline,
)
from store.conversations.read import Position
from store.conversations.search_index.indexed_words import purge_forgotten
from store.db.engine import read_clock

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_AT: Final = "2026-11-20T04:00:00Z"
_LABEL: Final = r"^\S(.{0,48}\S)?$"
_MOST_LABELS: Final = 20
_CARD: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "Li Wei",
    "note": "Calls back after six.",
    "created_at": _AT,
    "merged_into": None,
    "erased_at": None,
    "handles": [{"kind": "email", "handle": "li@example.com"}],
    "labels": ["vip"],
    "conversations": 3,
    "blocked_at": None,
}
_SAID: Final[dict[str, Any]] = {
    "id": _ID,
    "conversation_id": _ID,
    "reference": "K7QF2MXD4",
    "team": "payments",
    "status": "open",
    "direction": "incoming",
    "channel": "support-mail",
    "sender_handle": "li@example.com",
    "sender_name": "Li Wei",
    "subject": "Payment failed",
    "text": "My payment failed but the money was taken.",
    "received_at": _AT,
}

routes: Final = APIRouter(prefix=f"{API}/contacts", tags=["contacts"])
Reader = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Label = Annotated[str, Field(pattern=_LABEL)]


class HandleEntry(BaseModel):
    """One address or number that a contact writes from."""

    model_config = example({"kind": "email", "handle": "li@example.com"})

    kind: str
    handle: ShownHandle


class ContactCard(BaseModel):
    """A contact. handles: the oldest first."""

    model_config = example(_CARD)

    id: UUID
    name: str
    note: str = Field(description="The agents' note about them.")
    created_at: datetime
    merged_into: UUID | None = Field(description="The contact that they were merged into.")
    erased_at: datetime | None = Field(description="When their texts were erased.")
    handles: list[HandleEntry]
    labels: list[str]
    conversations: int = Field(description="How many conversations, among those that you see.")
    blocked_at: datetime | None = Field(description="Since when their messages go to quarantine.")

    @classmethod
    def of(cls, card: Card) -> Self:
        """Return the contact as the API shows it."""
        return cls.model_validate(card)


class ContactOrder(RequestModel):
    """What to change; fields that are not named stay unchanged."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"note": "Calls back after six.", "add_labels": ["vip"]}]}
    )

    name: str | None = Field(default=None, max_length=200)
    note: str | None = Field(default=None, max_length=5_000)
    add_labels: list[Label] = Field(default=[], max_length=_MOST_LABELS)
    remove_labels: list[Label] = Field(default=[], max_length=_MOST_LABELS)


class ContactMergeOrder(RequestModel):
    """The contact to merge into."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"into": _ID}]})

    into: UUID


class BlockOrder(RequestModel):
    """Whether the sender is blocked."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"blocked": True}]})

    blocked: bool


class EraseOrder(RequestModel):
    """The reason; kept in the audit trail."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "asked for by mail"}]})

    reason: str = Field(min_length=3, max_length=500, pattern=r"\S")


class Erased(BaseModel):
    """How much was erased."""

    model_config = example({"conversations": 3, "messages": 11})

    conversations: int
    messages: int


class SaidEntry(BaseModel):
    """One message of a contact's timeline. Secrets are masked."""

    model_config = example(_SAID)

    id: UUID
    conversation_id: UUID
    reference: str
    team: str
    status: str
    direction: str
    channel: str
    sender_handle: ShownHandle
    sender_name: str
    subject: str
    text: str
    received_at: datetime

    @classmethod
    def of(cls, row: ContactMessage) -> Self:
        """Return the row as the API shows it."""
        return cls.model_validate(row)


class SaidPage(BaseModel):
    """A page, newest first. next_cursor: None on the last page."""

    model_config = example({"messages": [_SAID], "next_cursor": None})

    messages: list[SaidEntry]
    next_cursor: str | None


class TimelineQuery(RequestModel):
    """The part to list."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


@routes.get("", responses=documented("not-found"), summary="Find a contact by address or number")
def find_contact(
    desk: DeskPart, actor: Reader, shown: Shown, handle: Annotated[str, Query(min_length=1, max_length=320)]
) -> ContactCard:
    """Return the contact, if you see one of their conversations."""
    with desk.database.read() as connection:
        card = ContactCard.of(find_card(connection, handle, only_teams=actor.sees_only))
    shown.are([card])
    return card


@routes.get("/{contact_id}", responses=documented("not-found"), summary="One contact")
def show_contact(desk: DeskPart, contact_id: UUID, actor: Reader) -> ContactCard:
    """Return the contact, if you see one of their conversations."""
    with desk.database.read() as connection:
        return ContactCard.of(_find(connection, contact_id, actor=actor))


@routes.get("/{contact_id}/timeline", responses=documented("not-found"), summary="Their messages on every channel")
def show_timeline(
    desk: DeskPart, contact_id: UUID, *, actor: Reader, shown: Shown, query: Annotated[TimelineQuery, Query()]
) -> SaidPage:
    """Return a page, newest first, from the conversations that you see."""
    before = read_cursor(query.cursor)
    with desk.database.read() as connection:
        _find(connection, contact_id, actor=actor)
        rows = timeline(connection, contact_id, only_teams=actor.sees_only, before=before, limit=query.limit + 1)
    page = rows[: query.limit]
    shown.are(page)
    end = Position(page[-1].received_at, page[-1].id) if len(rows) > query.limit else None
    return SaidPage(messages=[SaidEntry.of(row) for row in page], next_cursor=cursor_of(end))


@routes.patch("/{contact_id}", responses=documented("not-found", "conflict"), summary="Name, note and labels")
def change_contact(
    desk: DeskPart,
    contact_id: UUID,
    order: ContactOrder,
    actor: Annotated[Actor, Depends(Requires(Verb.EDIT_CONTACTS))],
) -> ContactCard:
    """Change name, note and labels. Routes may test for labels."""
    wanted = CardChange(
        name=order.name,
        note=order.note,
        add_labels=tuple(order.add_labels),
        remove_labels=tuple(order.remove_labels),
    )
    with desk.database.write() as connection:
        _find(connection, contact_id, actor=actor)
        edit_contact(connection, contact_id, wanted=wanted, by=actor.name, now=read_clock(connection))
        return ContactCard.of(_find(connection, contact_id, actor=actor))


@routes.post(
    "/{contact_id}/merge", responses=documented("not-found", "conflict"), summary="Merge two contacts of one person"
)
def merge(
    desk: DeskPart,
    contact_id: UUID,
    order: ContactMergeOrder,
    actor: Annotated[Actor, Depends(Requires(Verb.MERGE_CONTACTS))],
) -> Regrouped:
    """Merge this contact into the other one, with handles, conversations and labels. `regroupings` undoes it."""
    with desk.database.write() as connection:
        for side in (contact_id, order.into):
            _find(connection, side, actor=actor)
        now = read_clock(connection)
        kept = merge_contacts(connection, source_id=contact_id, target_id=order.into, by=actor.name, now=now)
    return Regrouped(regrouping_id=kept, conversation_id=None)


@routes.post("/{contact_id}/block", responses=documented("not-found", "conflict"), summary="Block a sender")
def block(
    desk: DeskPart,
    contact_id: UUID,
    order: BlockOrder,
    actor: Annotated[Actor, Depends(Requires(Verb.BLOCK_CONTACTS))],
) -> ContactCard:
    """Send their messages to quarantine from now on, or let them in again; what is stored stays as it is."""
    with desk.database.write() as connection:
        _find(connection, contact_id, actor=actor)
        block_sender(connection, contact_id, blocked=order.blocked, by=actor.name, now=read_clock(connection))
        return ContactCard.of(_find(connection, contact_id, actor=actor))


@routes.get(
    "/{contact_id}/export",
    response_class=Response,
    responses={
        **documented("not-found"),
        200: {
            "description": "Everything, by table, as a download.",
            "content": {"application/json": {"example": {"contacts": [{"id": _ID}], "messages": []}}},
        },
    },
    summary="Export everything about a contact",
)
def export(
    desk: DeskPart, contact_id: UUID, actor: Annotated[Actor, Depends(Requires(Verb.EXPORT_CONTACTS, costly=True))]
) -> Response:
    """Return all stored data: secrets masked, files by name; originals are downloaded per message."""
    with desk.database.read() as connection:
        _find(connection, contact_id, actor=actor)
        everything = everything_about(connection, contact_id)
    headers = {"Content-Disposition": f'attachment; filename="contact-{contact_id}.json"'}
    return Response(to_json(everything), media_type="application/json", headers=headers)


@routes.post("/{contact_id}/erase", responses=documented("not-found", "conflict"), summary="Erase a contact for good")
def erase(
    desk: DeskPart,
    contact_id: UUID,
    order: EraseOrder,
    actor: Annotated[Actor, Depends(Requires(Verb.ERASE_CONTACTS))],
) -> Erased:
    """Remove names, handles, texts, files and originals. It cannot be undone; ids, times and counts stay."""
    with desk.database.write() as connection:
        _find(connection, contact_id, actor=actor)
        counts = erase_contact(connection, contact_id, by=actor.name, reason=order.reason, now=read_clock(connection))
    purge_forgotten(desk.database)
    return Erased.model_validate(counts)


def _find(connection: Connection, contact_id: UUID, *, actor: Actor) -> Card:
    return find_card(connection, contact_id, only_teams=actor.sees_only)
