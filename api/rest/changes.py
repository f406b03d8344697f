"""`PATCH /conversations/{key}`: change a conversation, or up to a hundred at once; and mark one as read.

One order may change several fields at once; the page's buttons send the same orders through `change_once`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.preconditions import KnownVersion, MaybeIdempotencyKey, answer_once, etag
from api.http.problems import PROBLEMS, ProblemError, documented, slug_of
from api.http.requests import Moment, RequestModel, require_soon
from api.paths import API
from api.rest.queries import find_for
from router.conversation_status import Status
from router.errors import Conflict, NotFound, OmniyardError, PermanentError, TransientError
from router.settings.model import Priority
from store.conversations.changes import (
    Change,
    FormerCase,
    LockedConversation,
    ReadVersion,
    change,
    former_case,
    lock,
)
from store.conversations.read import ConversationRecord
from store.conversations.readers import mark_read
from store.db.engine import read_clock
from store.outbound.answer_addresses import choose_answer_address
from store.outbound.planned import (
    WaitingReply,
    approve,
    drop_planned,
    leave_status,
    lock_planned,
    restore_replies,
    waiting_replies,
)

_MOST_KEYS: Final = 100
_MOST_LABELS: Final = 20
_LABEL: Final = r"^\S(.{0,48}\S)?$"
_OK: Final = 200

routes: Final = APIRouter(prefix=f"{API}/conversations", tags=["actions"])
Worker = Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))]
Label = Annotated[str, Field(pattern=_LABEL)]


class PlannedError(Conflict):
    """A conversation is resolved while a reply to it is planned, and the order does not say what becomes of it."""

    def __init__(self) -> None:
        super().__init__(
            "a reply is planned for later: say in `planned_replies` whether it is still sent (`send`) or not (`cancel`)"
        )


class ChangeOrder(RequestModel):
    """What to change; fields that are not named stay unchanged."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"status": "snoozed", "snoozed_until": "2026-11-23T01:00:00Z", "take": True}]},
    )

    status: Status | None = Field(default=None, description="`resolved` closes it, `open` reopens it.")
    snoozed_until: Moment | None = Field(
        default=None, description="Required with `snoozed`: it reopens then, or when its customer writes."
    )
    take: Literal[True] | None = Field(default=None, description="Assign it to me; 409 when another agent has it.")
    assignee: str | None = Field(default=None, max_length=100, description="An agent's name; null removes it.")
    team: str | None = Field(
        default=None, min_length=1, max_length=100, description="Moves it to a team, without an assignee."
    )
    priority: Priority | None = None
    category: str | None = Field(
        default=None, max_length=100, description="Corrects the category, also as training data; null means off topic."
    )
    unknown_category: Literal[True] | None = Field(
        default=None,
        description="Takes back that it is off topic, where it had no category before; also as training data.",
    )
    sub_intent: str | None = Field(default=None, max_length=100, description="The sub-intent of `category`.")
    emergency: bool | None = Field(
        default=None,
        description="Whether the customer is in danger, as in `POST /conversations/{key}/emergency`; 409 where neither "
        "people were called nor a message raised the question.",
    )
    planned_replies: Literal["send", "cancel"] | None = Field(
        default=None,
        description="With `resolved`: what becomes of replies that are planned for later. Required if there are any, "
        "else 409.",
    )
    answer_to: str | None = Field(
        default=None,
        max_length=320,
        description="Where answers go: `answer_to` or `other_address` of the customer's last message.",
    )
    add_labels: list[Label] = Field(default=[], max_length=_MOST_LABELS)
    remove_labels: list[Label] = Field(default=[], max_length=_MOST_LABELS)

    def change(self) -> Change:
        """Return the order for the store.

        Raises ProblemError when it changes nothing.
        """
        if not self.model_fields_set:
            raise ProblemError("invalid", "expected at least one field to change")
        if self.planned_replies and self.status != Status.RESOLVED:
            raise ProblemError("invalid", "expected `planned_replies` with the status `resolved` only")
        named = self.model_fields_set
        return Change(
            status=self.status,
            snoozed_until=self.snoozed_until,
            take=bool(self.take),
            assignee=(self.assignee or "") if "assignee" in named else None,
            team=self.team,
            priority=self.priority,
            category=(self.category or "") if "category" in named else None,
            unknown_category=bool(self.unknown_category),
            sub_intent=self.sub_intent,
            add_labels=tuple(self.add_labels),
            remove_labels=tuple(self.remove_labels),
        )


class Changed(BaseModel):
    """The conversation's version after the change; also its `ETag`."""

    model_config = example({"key": "K7QF2MXD4", "version": 5})

    key: str = Field(description="The key of the request.")
    version: int


class Former(BaseModel):
    """What a change takes away besides the fields that its order names, as it was. Never read from a request.

    dropped: whether it cancelled the planned ones of the replies.
    """

    model_config = ConfigDict(frozen=True)

    case: FormerCase
    replies: tuple[WaitingReply, ...] = ()
    dropped: bool = False


class ReverseOrder(ChangeOrder):
    """The order that undoes a change. Only a notice with our signature makes one: a request cannot name `former`."""

    former: Former = Field(exclude=True)


@dataclass(frozen=True, slots=True)
class Before:
    """A conversation before a change, with all that undoing the change needs."""

    record: ConversationRecord
    former: Former


class BulkOrder(RequestModel):
    """One change for many conversations; each succeeds or fails independently."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"keys": ["K7QF2MXD4"], "change": {"status": "resolved"}}]},
    )

    keys: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(min_length=1, max_length=_MOST_KEYS)
    change: ChangeOrder


class BulkResult(BaseModel):
    """The result for one of them. version: None if it failed."""

    model_config = example({"key": "K7QF2MXD4", "status": 200, "version": 5, "detail": ""})

    key: str
    status: int = Field(description="The HTTP status that a single order would have had.")
    version: int | None
    detail: str = Field(description="Why it failed; empty if it did not.")


class BulkResults(BaseModel):
    """The results, in the order of the keys."""

    model_config = example({"results": [{"key": "K7QF2MXD4", "status": 200, "version": 5, "detail": ""}]})

    results: list[BulkResult]


@routes.patch(
    "/{key}",
    responses=documented("not-found", "conflict", "stale"),
    summary="Assign, take, snooze, resolve, reopen, label, move, prioritise, recategorise",
)
def change_conversation(
    desk: DeskPart,
    key: str,
    *,
    order: ChangeOrder,
    actor: Worker,
    version: KnownVersion,
    response: Response,
    idempotency_key: MaybeIdempotencyKey = None,
) -> Changed:
    """Change it. A value that is set already changes nothing: repeating the order does no harm."""
    changed = change_once(desk, key, order=order, actor=actor, version=version, once=idempotency_key)
    response.headers["ETag"] = etag(changed.version)
    return changed


def look_before(connection: Connection, key: str, *, actor: Actor) -> Before:
    """Return a conversation as it is before a change that can be undone.

    Raises NotFound as `find_for` does.
    """
    record = find_for(connection, key, actor=actor)
    former = Former(case=former_case(connection, record.id), replies=waiting_replies(connection, record.id))
    return Before(record, former)


def change_once(
    desk: Desk,
    key: str,
    *,
    order: ChangeOrder,
    actor: Actor,
    version: ReadVersion,
    once: str | None,
    also: Callable[[Connection], None] | None = None,
) -> Changed:
    """Apply an order to a conversation once, even if it is repeated; the page's forms call it too.

    version: as for `apply_order`.  once: identifies the order among the actor's; None if it may be repeated.
    also: what happens in the same transaction, after the order.
    """

    def make() -> Changed:
        made = apply_order(connection, desk, key, order=order, actor=actor, version=version)
        if also:
            also(connection)
        return Changed(key=key, version=made)

    asked = f"change\n{key.upper()}\n{order.model_dump_json(exclude_unset=True)}"
    with desk.database.write() as connection:
        changed, _ = answer_once(connection, make, model=Changed, actor=actor, key=once, asked=asked, status=_OK)
    return changed


def apply_order(
    connection: Connection,
    desk: Desk,
    key: str,
    *,
    order: ChangeOrder,
    actor: Actor,
    version: ReadVersion = None,
) -> int:
    """Apply an order to a conversation and return its new version.

    version: the version that the agent has read; None skips the check.
    Raises ProblemError and OmniyardError, with the API's texts.
    """
    wanted = order.change()
    require_soon(order.snoozed_until, field="snoozed_until", now=read_clock(connection))
    _require_known(desk, order)
    conversation_id = find_for(connection, key, actor=actor).id
    planned = lock_planned(connection, conversation_id) if order.status == Status.RESOLVED else []
    if order.status is not None:
        # Before the conversation is locked: sending locks them in this order.
        leave_status(connection, conversation_id)
        if isinstance(order, ReverseOrder):
            now, former = read_clock(connection), order.former
            restore_replies(
                connection,
                former.replies,
                conversation_id=conversation_id,
                dropped=former.dropped,
                by=actor.name,
                now=now,
            )
    case = lock(connection, conversation_id, version=version)
    if planned and not isinstance(order, ReverseOrder):
        _decide_planned(connection, planned, case=case, order=order, actor=actor)
    if order.emergency is not None:
        try:
            desk.emergencies.judge(connection, conversation_id, danger=order.emergency, by=actor.name)
        except NotFound as error:
            raise Conflict(str(error)) from error
        case = lock(connection, conversation_id)
    if order.answer_to is not None:
        now = read_clock(connection)
        choose_answer_address(connection, conversation_id, address=order.answer_to, by=actor.name, now=now)
    was = order.former.case if isinstance(order, ReverseOrder) else None
    return change(connection, case, wanted=wanted, by=actor.name, now=read_clock(connection), former=was)


def take_if_free(connection: Connection, conversation_id: UUID, *, actor: Actor) -> None:
    """Assign the conversation to the actor if no agent has it, and the actor may have it."""
    case = lock(connection, conversation_id)
    if case.assignee is None:
        with contextlib.suppress(NotFound, PermanentError):
            change(connection, case, wanted=Change(take=True), by=actor.name, now=read_clock(connection))


def _decide_planned(
    connection: Connection, planned: list[UUID], *, case: LockedConversation, order: ChangeOrder, actor: Actor
) -> None:
    """Do with the planned replies what the order says; resolving never decides it silently."""
    if order.planned_replies == "send":
        approve(connection, planned, now=read_clock(connection))
    elif order.planned_replies == "cancel":
        drop_planned(connection, planned, conversation_id=case.id, by=actor.name)
    elif case.status != Status.RESOLVED:
        raise PlannedError


@routes.post("/bulk", responses=documented(), summary="Change up to 100 conversations")
def change_many(desk: DeskPart, order: BulkOrder, actor: Worker) -> BulkResults:
    """Change each independently: those that fail are listed with the reason, the others are changed."""
    order.change.change()
    return BulkResults(results=[_one_of_many(desk, key, order=order.change, actor=actor) for key in order.keys])


def _one_of_many(desk: Desk, key: str, *, order: ChangeOrder, actor: Actor) -> BulkResult:
    try:
        with desk.database.write() as connection:
            version = apply_order(connection, desk, key, order=order, actor=actor)
    except TransientError:
        # The database is unavailable for all of them.
        raise
    except (ProblemError, OmniyardError) as error:
        return BulkResult(key=key, status=PROBLEMS[slug_of(error)][0], version=None, detail=str(error))
    return BulkResult(key=key, status=_OK, version=version, detail="")


@routes.post("/{key}/read", status_code=204, responses=documented("not-found"), summary="Mark a conversation as read")
def read_conversation(desk: DeskPart, key: str, actor: Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]) -> None:
    """Mark all of its current messages as read; later ones are unread."""
    with desk.database.write() as connection:
        row = find_for(connection, key, actor=actor)
        mark_read(connection, agent_id=actor.id, conversation_id=row.id, read_to=row.last_message_at)


def _require_known(desk: Desk, order: ChangeOrder) -> None:
    # Without configured teams or categories any name is allowed.
    for noun, name, known in (
        ("team", order.team, desk.settings.teams),
        ("category", order.category, desk.settings.categories),
    ):
        if name and known and name not in known:
            raise ProblemError("invalid", f"there is no {noun} named {name}; expected one of: {', '.join(known)}")
