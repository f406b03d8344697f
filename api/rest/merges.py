"""Merge, split and unlink conversations, and undo these; the page's buttons call the same functions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb, can
from api.http.preconditions import KnownVersion
from api.http.problems import ProblemError, documented
from api.http.requests import RequestModel
from api.paths import API
from api.rest.queries import find_for, require_sight
from store.contacts.merge import undo_merged_contacts
from store.contacts.profiles import find_card
from store.conversations import merge as merging
from store.conversations.regroupings.undo import undo_regrouping
from store.conversations.undo_log import RegroupingKind, RegroupingRecord, find_regrouping, regroupings_of
from store.db.engine import read_clock

_MOST_MESSAGES: Final = 200
_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_OTHER: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f02"
_ENTRY: Final[dict[str, Any]] = {
    "id": _ID,
    "kind": "merge",
    "source_id": _ID,
    "target_id": _OTHER,
    "agent": "Ann",
    "at": "2026-11-20T04:00:00Z",
    "undone_at": None,
    "undone_by": None,
}

routes: Final = APIRouter(prefix=API, tags=["actions"])
Reader = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Merger = Annotated[Actor, Depends(Requires(Verb.MERGE_CONVERSATIONS))]


class MergeOrder(RequestModel):
    """The target of the messages."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"into": "K7QF2MXD4"}]})

    into: str = Field(min_length=1, max_length=64, description="The other conversation's id or reference.")


class SplitOrder(RequestModel):
    """The messages to move; at least one must stay."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"message_ids": [_ID]}]})

    message_ids: list[UUID] = Field(min_length=1, max_length=_MOST_MESSAGES)


class Regrouped(BaseModel):
    """The id for undoing it, and the conversation that has the messages now; None for contacts."""

    model_config = example({"regrouping_id": _ID, "conversation_id": _OTHER})

    regrouping_id: UUID
    conversation_id: UUID | None


class RegroupingEntry(BaseModel):
    """A merge, a split or an unlinking."""

    model_config = example(_ENTRY)

    id: UUID
    kind: str = Field(description="`merge`, `split`, `unlink`; `contacts` for two contacts that are one person.")
    source_id: UUID
    target_id: UUID
    agent: str
    at: datetime
    undone_at: datetime | None
    undone_by: str | None

    @classmethod
    def of(cls, row: RegroupingRecord) -> Self:
        """Return the row as the API shows it."""
        return cls.model_validate(row)


class RegroupingList(BaseModel):
    """Newest first."""

    model_config = example({"regroupings": [_ENTRY]})

    regroupings: list[RegroupingEntry]


@routes.post(
    "/conversations/{key}/merge",
    responses=documented("not-found", "conflict", "stale"),
    summary="Merge a conversation into another",
)
def merge(desk: DeskPart, key: str, order: MergeOrder, *, actor: Merger, version: KnownVersion) -> Regrouped:
    """Merge it: it is resolved, and later messages for it go to the other conversation."""
    with desk.database.write() as connection:
        source = find_for(connection, key, actor=actor).id
        target = find_for(connection, order.into, actor=actor).id
        now = read_clock(connection)
        kept = merging.merge(
            connection,
            source_id=source,
            target_id=target,
            by=actor.name,
            now=now,
            version=version,
        )
    return Regrouped(regrouping_id=kept, conversation_id=target)


@routes.post(
    "/conversations/{key}/split",
    responses=documented("not-found", "conflict", "stale"),
    summary="Move messages into a new conversation",
)
def split(desk: DeskPart, key: str, order: SplitOrder, *, actor: Merger, version: KnownVersion) -> Regrouped:
    """Split it; the new conversation takes over category, team and priority, and has its own reference."""
    with desk.database.write() as connection:
        source = find_for(connection, key, actor=actor).id
        new, kept = merging.split(
            connection,
            conversation_id=source,
            message_ids=order.message_ids,
            by=actor.name,
            now=read_clock(connection),
            version=version,
        )
    return Regrouped(regrouping_id=kept, conversation_id=new)


@routes.post(
    "/conversations/{key}/unlink",
    responses=documented("not-found", "conflict"),
    summary="Unlink a conversation from the older one",
)
def unlink(desk: DeskPart, key: str, actor: Merger) -> Regrouped:
    """Remove the link."""
    with desk.database.write() as connection:
        source = find_for(connection, key, actor=actor).id
        kept = merging.unlink(connection, conversation_id=source, by=actor.name, now=read_clock(connection))
    return Regrouped(regrouping_id=kept, conversation_id=source)


@routes.get(
    "/conversations/{key}/regroupings",
    responses=documented("not-found"),
    summary="Merges, splits and unlinkings of a conversation",
)
def list_regroupings(desk: DeskPart, key: str, actor: Reader, shown: Shown) -> RegroupingList:
    """Return what was done with the conversation, newest first."""
    with desk.database.read() as connection:
        rows = regroupings_of(connection, find_for(connection, key, actor=actor).id)
    shown.are(rows)
    return RegroupingList(regroupings=[RegroupingEntry.of(row) for row in rows])


@routes.post(
    "/regroupings/{regrouping_id}/undo",
    responses=documented("not-found", "conflict"),
    summary="Undo a merge, a split or an unlinking",
)
def undo(desk: DeskPart, regrouping_id: UUID, actor: Merger) -> RegroupingEntry:
    """Undo it: what was moved goes back, later messages stay where they arrived."""
    with desk.database.write() as connection:
        undo_for(connection, regrouping_id, actor=actor)
        return RegroupingEntry.of(find_regrouping(connection, regrouping_id).row)


def undo_for(connection: Connection, regrouping_id: UUID, *, actor: Actor) -> None:
    """Undo an action that the actor may see.

    Raises NotFound when there is none that they may see.
    """
    kept = find_regrouping(connection, regrouping_id)
    row = kept.row
    if row.kind == RegroupingKind.CONTACTS:
        if not can(actor, Verb.MERGE_CONTACTS):
            raise ProblemError("forbidden", "this undoes a merge of contacts, for which your role has no permission")
        # The merged contact has no conversation that the actor could see.
        find_card(connection, row.target_id, only_teams=actor.sees_only)
        undo_merged_contacts(connection, kept, by=actor.name, now=read_clock(connection))
        return
    require_sight(connection, row.source_id, actor=actor)
    require_sight(connection, row.target_id, actor=actor)
    undo_regrouping(connection, regrouping_id, by=actor.name, now=read_clock(connection))
