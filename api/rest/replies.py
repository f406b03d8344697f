"""`POST /conversations/{key}/messages`: agents' replies and notes, each once; a reply only to the newest version."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.preconditions import IdempotencyKey, answer_once
from api.http.problems import ProblemError, documented
from api.http.requests import Moment, RequestModel, VisibleText, require_soon
from api.paths import API
from api.rest.changes import ChangeOrder, apply_order, take_if_free
from api.rest.outbound import OutboundEntry, outbound_example
from api.rest.queries import find_for
from api.rest.schemas import MessageEntry, message_example
from router.conversation_status import Status
from store.chat.cases import session_of
from store.conversations.changes import only_sent_since, version_of
from store.conversations.messages import attachments_of, find_message, messages_of
from store.db.engine import read_clock
from store.desk.composer.drafts import drop_draft
from store.desk.generated.generated_texts import note_if_drafted
from store.outbound.answer_files import draft_files
from store.outbound.replies import Answerable, lock_answerable
from store.outbound.review import find_outbound
from workers.runtime.failpoints import reach
from workers.sending.reply import ReplyRequest, TooLongError

LONGEST_TEXT: Final = 20_000
MOST_COPIES: Final = 10
_MOST_NEWS: Final = 50
_CREATED: Final = 201
NO_VISITOR: Final = "this chat was forgotten after 30 days; no answer reaches its visitor any more"
_MAIL: Final = r"^[^\s@<>,;]{1,64}@[^\s@<>,;]{1,255}$"

routes: Final = APIRouter(prefix=f"{API}/conversations", tags=["messages"])


class MessageOrder(RequestModel):
    """The message to write.

    A reply is sent on the channel of the customer's last message; a note is for agents only.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"kind": "reply", "text": "We have sent the money back today.", "based_on_version": 3}]
        },
    )

    kind: Literal["reply", "note"] = "reply"
    text: VisibleText = Field(
        min_length=1,
        max_length=LONGEST_TEXT,
        description="With a visible character, and no longer than the channel takes.",
    )
    based_on_version: int | None = Field(
        default=None,
        ge=1,
        description="The conversation's `version` that the author has read. A reply needs it; if the conversation has "
        "changed since, the answer is 409 with the new messages in `newer`. A chat of your site needs none.",
    )
    send_at: Moment | None = Field(default=None, description="When to send it, instead of now.")
    hold_until_opening: bool = Field(default=False, description="Send it when the channel opens.")
    take: bool = Field(default=False, description="With a reply: assign the case to me, if no agent has it.")
    copies: list[Annotated[str, Field(pattern=_MAIL)]] = Field(
        default=[], max_length=MOST_COPIES, description="Further recipients, on mail channels."
    )
    blind_copies: list[Annotated[str, Field(pattern=_MAIL)]] = Field(
        default=[], max_length=MOST_COPIES, description="Recipients whom the others do not see, on mail channels."
    )
    forward_to: Annotated[str, Field(pattern=_MAIL)] | None = Field(
        default=None,
        description="Pass the customer's last message on to this address instead of answering; only on mail channels. "
        "The conversation's status stays.",
    )
    rich: bool = Field(
        default=False,
        description="On mail channels: `**bold**`, lists and `[links](https://...)` in the text become HTML, with a "
        "plain twin.",
    )
    signs: bool = Field(default=False, description="On mail channels: with the team's signature.")
    quotes: bool = Field(default=False, description="On mail channels: with the customer's last message below.")
    template: str | None = Field(
        default=None, max_length=100, description="The provider's id of an approved template, where one is required."
    )
    variables: dict[str, str] | None = Field(default=None, max_length=50, description="The template's variables.")
    undoable: bool = Field(
        default=False,
        description="If it is sent now: let it wait for the desk's `undo_send`, until the outbound entry's "
        "`undo_until`. `POST /outbound/{id}/cancel` takes it back. The conversation changes when it leaves.",
    )
    then_status: Literal["pending", "resolved"] | None = Field(
        default=None, description="What the conversation becomes when it is sent; `pending` without it."
    )
    ends_draft: bool = Field(
        default=False, description="Send the files of my draft in this conversation with it, and delete the draft."
    )


class PostedMessage(BaseModel):
    """The message, and its outbound entry; a note has none. `GET /outbound/{id}` follows it."""

    model_config = example({"message": message_example(), "outbound": outbound_example(), "version": 4})

    message: MessageEntry
    outbound: OutboundEntry | None
    version: int = Field(description="The conversation's version, with this message.")


@routes.post(
    "/{key}/messages",
    status_code=_CREATED,
    responses=documented("not-found", "conflict"),
    summary="Answer the customer, or write a note",
)
def post_message(
    desk: DeskPart,
    key: str,
    *,
    order: MessageOrder,
    actor: Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))],
    idempotency_key: IdempotencyKey,
) -> PostedMessage:
    """Store the message and queue it. Safe to repeat: a lost response, a double click, a restart send it once.

    An immediate reply ends the promise of a first reply and sets the conversation to pending.
    """
    return post_once(desk, key, order=order, actor=actor, once=idempotency_key)


def post_once(
    desk: Desk, key: str, *, order: MessageOrder, actor: Actor, once: str, change: ChangeOrder | None = None
) -> PostedMessage:
    """Store and queue an order once, even if it is repeated; the page's forms call it too.

    once: identifies the order among the actor's.  change: what else is done to the conversation, all or nothing.
    """

    def make() -> PostedMessage:
        posted = post_within(connection, desk, key, order=order, actor=actor, once=once)
        if change is None:
            return posted
        return posted.model_copy(update={"version": apply_order(connection, desk, key, order=change, actor=actor)})

    asked = f"{key.upper()}\n{order.model_dump_json()}"
    with desk.database.write() as connection:
        posted, is_new = answer_once(
            connection, make, model=PostedMessage, actor=actor, key=once, asked=asked, status=_CREATED
        )
        reach("reply.written")
    if is_new:
        desk.bell.ring_to_send()
    reach("reply.after")
    return posted


def post_within(
    connection: Connection,
    desk: Desk,
    key: str,
    *,
    order: MessageOrder,
    actor: Actor,
    once: str,
    opens_with: str = "",
) -> PostedMessage:
    """Store and queue an order in a transaction. opens_with: the customer's address, if it is the first message."""
    case = lock_answerable(connection, find_for(connection, key, actor=actor).id)
    if case.channel in desk.chats.pages:
        # Both sides of a chat write at once, and its page shows every line as it comes.
        _require_visitor(connection, case, order=order)
    else:
        _refuse_stale(connection, case, order=order)
    if order.kind == "note":
        message_id = desk.replying.note(connection, case, author=actor.name, text=order.text)
    else:
        undo = desk.settings.desk.undo_send if order.undoable else timedelta(0)
        files = draft_files(connection, agent_id=actor.id, conversation_id=case.id) if order.ends_draft else []
        wanted = _request(
            order,
            actor=actor,
            key=once,
            undo=undo,
            now=read_clock(connection),
            files=tuple(each.id for each in files),
            opens_with=opens_with,
        )
        try:
            message_id = desk.replying.reply(connection, case, wanted)
        except TooLongError as error:
            raise ProblemError("invalid", str(error), field="text") from error
        note_if_drafted(connection, case.id, sent=order.text, message_id=message_id, by=actor.name)
        if order.take:
            take_if_free(connection, case.id, actor=actor)
    if order.ends_draft:
        drop_draft(connection, agent_id=actor.id, conversation_id=case.id)
    row = find_message(connection, message_id)
    return PostedMessage(
        message=MessageEntry.of(row, attachments=[], reasons=[]),
        outbound=OutboundEntry.of(find_outbound(connection, row.outbound_id)) if row.outbound_id else None,
        version=version_of(connection, case.id),
    )


def _request(
    order: MessageOrder,
    *,
    actor: Actor,
    key: str,
    undo: timedelta,
    now: datetime,
    files: tuple[UUID, ...],
    opens_with: str,
) -> ReplyRequest:
    if order.send_at and order.hold_until_opening:
        raise ProblemError("invalid", "expected send_at or hold_until_opening, not both")
    require_soon(order.send_at, field="send_at", now=now)
    return ReplyRequest(
        key=key,
        agent_id=actor.id,
        author=actor.name,
        text=order.text,
        send_at=order.send_at,
        hold_until_opening=order.hold_until_opening,
        copies=tuple(order.copies),
        template=order.template,
        variables=order.variables,
        blind_copies=tuple(order.blind_copies),
        forward_to=order.forward_to or "",
        opens_with=opens_with,
        rich=order.rich,
        signs=order.signs,
        quotes=order.quotes,
        files=files,
        undo=undo,
        then=Status(order.then_status) if order.then_status else None,
    )


def _require_visitor(connection: Connection, case: Answerable, *, order: MessageOrder) -> None:
    if order.kind == "reply" and session_of(connection, case.id) is None:
        raise ProblemError("conflict", NO_VISITOR)


def _refuse_stale(connection: Connection, case: Answerable, *, order: MessageOrder) -> None:
    if order.based_on_version is None:
        if order.kind == "reply":
            raise ProblemError("invalid", "a reply needs `based_on_version`: the version that its author has read")
        return
    behind = case.version - order.based_on_version
    if behind == 0 or only_sent_since(connection, case.id, order.based_on_version, now=case.version):
        return
    # Each message raises the version by at least one, so this covers all new messages, and perhaps some older ones.
    newest = messages_of(connection, case.id, limit=min(abs(behind), _MOST_NEWS))
    files = attachments_of(connection, [row.id for row in newest])
    shown = [MessageEntry.of(row, attachments=files[row.id], reasons=[]) for row in newest]
    more: dict[str, Any] = {"version": case.version, "newer": [each.model_dump(mode="json") for each in shown]}
    raise ProblemError("conflict", "the conversation has changed; read what is new before you answer", more=more)
