"""`/outbound`: outgoing messages, those with an unknown outcome, and an agent's decision on them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.pagination import LARGEST_PAGE, USUAL_PAGE, read_cursor, write_cursor
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.http.requests import RequestModel, ShownHandle
from api.paths import API
from api.rest.queries import require_sight
from api.rest.schemas import Sentence
from store.desk.composer.drafts import Draft, return_to_draft
from store.outbound import review
from store.outbound.replies import FORWARD
from store.outbound.review import TROUBLED, OutboundRecord, find_outbound, list_outbound
from store.tables.operations import OutboundState
from workers.runtime.failpoints import reach

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_AT: Final = "2026-11-20T04:00:00Z"
_ENTRY: Final[dict[str, Any]] = {
    "id": _ID,
    "conversation_id": _ID,
    "kind": "reply",
    "channel": "support-mail",
    "recipient": "li@example.com",
    "subject": "Re: Payment failed [K7QF2MXD4-9F3A61C20B]",
    "author": "Ann",
    "state": "needs_person",
    "error": "it was tried 3 times without a clear answer",
    "attempts": 3,
    "created_at": _AT,
    "due_at": _AT,
    "claimed_at": _AT,
    "sent_at": None,
    "delivery": "",
    "delivery_at": None,
    "undo_until": None,
}

routes: Final = APIRouter(prefix=f"{API}/outbound", tags=["outbound"])
Reader = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Verdict = Literal["send_again", "mark_sent", "cancel"]
_VERDICTS: Final = {"send_again": review.send_again, "mark_sent": review.mark_sent, "cancel": review.cancel}


def outbound_example() -> dict[str, Any]:
    """Return the example of a newly queued entry."""
    return {**_ENTRY, "state": "queued", "error": "", "attempts": 0, "claimed_at": None}


class OutboundEntry(BaseModel):
    """One outgoing message."""

    model_config = example(_ENTRY)

    id: UUID
    conversation_id: UUID
    kind: str = Field(description="`reply` of an agent, `forward` to another person, or `auto_reply`.")
    channel: str
    recipient: ShownHandle
    subject: str
    author: str = Field(description="The agent; empty for an automatic reply.")
    state: str = Field(
        description="`queued`, `sending`, `sent`; `failed`: the provider refused it; `unknown`: it may have arrived "
        "and is looked for at the provider; `needs_person`: an agent must decide; `cancelled`."
    )
    error: Sentence = Field(description="Why, in a sentence; empty without an error.")
    attempts: int
    created_at: datetime
    due_at: datetime = Field(description="When it may be sent, or when to look for it again.")
    claimed_at: datetime | None = Field(description="When the last attempt began.")
    sent_at: datetime | None = Field(description="When the provider accepted it.")
    delivery: str = Field(description="The provider's later report: `sent`, `delivered`, `read`, `undelivered`.")
    delivery_at: datetime | None
    undo_until: datetime | None = Field(description="Until when its author can take it back; null if it did not wait.")

    @classmethod
    def of(cls, row: OutboundRecord) -> Self:
        """Return the row as the API shows it."""
        return cls.model_validate(row)


class OutboundPage(BaseModel):
    """A page of outgoing messages, newest first. next_cursor: None on the last page."""

    model_config = example({"messages": [_ENTRY], "next_cursor": None})

    messages: list[OutboundEntry]
    next_cursor: str | None


class OutboundQuery(RequestModel):
    """What to list."""

    model_config = ConfigDict(extra="forbid")

    state: list[OutboundState] = Field(
        default=list(TROUBLED), max_length=len(OutboundState), description="Default: those that need a decision."
    )
    channel: str | None = Field(default=None, max_length=100)
    cursor: str | None = Field(default=None, max_length=200, description="`next_cursor` of the page before.")
    limit: int = Field(default=USUAL_PAGE, ge=1, le=LARGEST_PAGE)


@routes.get(
    "",
    responses=documented(),
    summary="List outgoing messages, newest first",
)
def list_messages(
    desk: DeskPart, actor: Reader, shown: Shown, query: Annotated[OutboundQuery, Query()]
) -> OutboundPage:
    """Return a page; without `state`, of the messages that need an agent's decision."""
    after = read_cursor(query.cursor)
    with desk.database.read() as connection:
        rows = list_outbound(
            connection,
            states=query.state,
            channel=query.channel,
            only_teams=actor.sees_only,
            before=after.id if after else None,
            limit=query.limit + 1,
        )
    page = rows[: query.limit]
    shown.are(page)
    following = write_cursor(page[-1].created_at, page[-1].id) if len(rows) > query.limit else None
    return OutboundPage(messages=[OutboundEntry.of(row) for row in page], next_cursor=following)


@routes.get(
    "/{outbound_id}",
    responses=documented("not-found"),
    summary="One outgoing message",
)
def show_message(desk: DeskPart, actor: Reader, outbound_id: UUID) -> OutboundEntry:
    """Return the message and its state."""
    with desk.database.read() as connection:
        return OutboundEntry.of(_find(connection, outbound_id, actor=actor))


Settler = Annotated[Actor, Depends(Requires(Verb.SETTLE_OUTBOUND))]


@routes.post(
    "/{outbound_id}/send-again",
    responses=documented("not-found", "conflict", "invalid"),
    summary="Send a message again whose outcome is unknown",
)
def send_again(desk: DeskPart, outbound_id: UUID, actor: Settler) -> OutboundEntry:
    """Queue it again. If it did arrive, the customer gets it twice: this risk is the agent's decision.

    A text with a secret, which was masked when it was sent, is refused as `invalid`: write it again.
    """
    return settle(desk, outbound_id, verdict="send_again", actor=actor)


@routes.post(
    "/{outbound_id}/mark-sent",
    responses=documented("not-found", "conflict"),
    summary="Mark a message as sent",
)
def mark_sent(desk: DeskPart, outbound_id: UUID, actor: Settler) -> OutboundEntry:
    """Settle it as sent, because the agent knows that it arrived."""
    return settle(desk, outbound_id, verdict="mark_sent", actor=actor)


@routes.post(
    "/{outbound_id}/cancel",
    responses=documented("not-found", "conflict"),
    summary="Cancel a message",
)
def cancel(
    desk: DeskPart, outbound_id: UUID, actor: Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))]
) -> OutboundEntry:
    """Cancel it, if it waits or its outcome is unknown; its conversation reopens."""
    return settle(desk, outbound_id, verdict="cancel", actor=actor)


def settle(desk: Desk, outbound_id: UUID, *, verdict: Verdict, actor: Actor) -> OutboundEntry:
    """Apply an agent's decision on an outgoing message and return it; the page's forms call it too.

    Raises NotFound, and Conflict when it is being sent or is settled already.
    """
    with desk.database.write() as connection:
        _find(connection, outbound_id, actor=actor)
        _VERDICTS[verdict](connection, outbound_id, by=actor.name)
        entry = OutboundEntry.of(find_outbound(connection, outbound_id))
    if entry.state == OutboundState.QUEUED:
        desk.bell.ring_to_send()
    return entry


def withdraw(desk: Desk, outbound_id: UUID, *, actor: Actor) -> None:
    """Cancel a reply that waits, and put its text back into the actor's draft, in one transaction.

    Raises NotFound, and Conflict when it is being sent or was sent.
    """
    with desk.database.write() as connection:
        _find(connection, outbound_id, actor=actor)
        row = review.take_back(connection, outbound_id, by=actor.name)
        is_forward = row.kind == FORWARD
        draft = Draft(
            kind="forward" if is_forward else "reply",
            text=row.text,
            recipient=row.recipient if is_forward else "",
            copies=row.copies or [],
            blind_copies=row.blind_copies or [],
        )
        return_to_draft(connection, draft, agent_id=actor.id, conversation_id=row.conversation_id)
        reach("undo.written")
    reach("undo.after")


def _find(connection: Connection, outbound_id: UUID, *, actor: Actor) -> OutboundRecord:
    row = find_outbound(connection, outbound_id)
    require_sight(connection, row.conversation_id, actor=actor)
    return row
