"""The models of the REST API: one class per noun, each with an example. Fields are only added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field

from api.http.openapi import example
from api.http.requests import ShownHandle
from api.text.reasons import ExplainedStep, line_in_english
from router.masking.mask import mask_address
from router.routing.trace import Trace
from store.conversations.messages import AttachmentRecord, MessageRecord, PendingOutbound
from store.conversations.read import ConversationRecord, LastMessage

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# The reason of a text column, in English.
Sentence = Annotated[str, BeforeValidator(line_in_english)]

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_AT: Final = "2026-11-20T04:00:00Z"

_ATTACHMENT: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "receipt.pdf",
    "media_type": "application/pdf",
    "size": 20480,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
_REASON: Final[dict[str, Any]] = {
    "step": "classification",
    "title": "What it is about",
    "decision": "Failed transaction (82 %)",
    "evidence": ["words: payment failed", "missing: transaction"],
}
_CONTACT: Final[dict[str, Any]] = {"id": _ID, "name": "Li Wei", "handles": ["li@example.com"]}
_SUMMARY: Final[dict[str, Any]] = {
    "id": _ID,
    "reference": "K7QF2MXD4",
    "subject": "Payment failed",
    "status": "open",
    "channel": "support-mail",
    "category": "failed_transaction",
    "emergency": False,
    "team": "payments",
    "assignee": None,
    "priority": "high",
    "labels": ["money"],
    "language": "en",
    "route": "money",
    "sla": "money",
    "opened_at": _AT,
    "last_message_at": _AT,
    "due_at": "2026-11-20T08:00:00Z",
    "first_reply_due_at": "2026-11-20T08:00:00Z",
    "next_reply_due_at": None,
    "resolve_due_at": None,
    "contact": _CONTACT,
    "messages": 1,
    "glimpse": "My payment failed but the money was taken.",
    "sender_proof": "proven",
    "version": 1,
    "linked_to": None,
    "held_until": None,
    "snoozed_by": None,
    "merged_into": None,
    "possible_danger": False,
    "unread": True,
}
_MESSAGE: Final[dict[str, Any]] = {
    "id": _ID,
    "conversation_id": _ID,
    "direction": "incoming",
    "channel": "support-mail",
    "sender_handle": "li@example.com",
    "sender_name": "Li Wei",
    "subject": "Payment failed",
    "text": "My payment failed but the money was taken.",
    "quoted": "",
    "has_html": True,
    "rfc_message_id": "4711@example.com",
    "sent_at": _AT,
    "received_at": _AT,
    "origin": "person",
    "sender_proof": "proven",
    "answer_to": "li@example.com",
    "other_address": "",
    "edited_at": None,
    "withdrawn_at": None,
    "delivery": None,
    "attachments": [_ATTACHMENT],
    "why": [_REASON],
}
_TRACE: Final[dict[str, Any]] = {
    "origin": {"kind": "person", "why": []},
    "correspondent": {
        "address": "li@example.com",
        "source": "reply-to",
        "answer_to": "li@example.com",
        "other": "",
    },
    "signals": [{"kind": "unverified", "why": {"key": "senders_unchecked", "values": {}}}],
    "masked": ["card"],
    "defects": [],
    "classification": {
        "category": "failed_transaction",
        "confidence": 0.82,
        "runner_up": "refund",
        "abstained": False,
        "emergency": False,
        "evidence": ["payment failed"],
        "model": "rules",
        "language": "en",
        "facts": ["amount"],
        "missing_facts": ["transaction"],
        "possible_danger": False,
        "danger": 0.02,
        "danger_threshold": 0.5,
        "danger_evidence": [],
        "remark": "",
    },
    "correlation": {"joined": None, "sign": "none", "why": {"key": "nothing_points", "values": {}}, "linked_to": None},
    "hours": {
        "calendar": "office",
        "open": True,
        "why": {"key": "open_by_rule", "values": {"rule": {"key": "weekly_hours", "values": {"weekday": 5}}}},
        "opens_at": _AT,
        "holiday": None,
        "gate": "open",
        "second_look": [],
        "held_until": None,
    },
    "route": {
        "fired": "money",
        "team": "payments",
        "priority": "high",
        "tried": [{"route": "stolen accounts", "why_not": {"key": "is_no_emergency", "values": {}}}],
    },
    "due": {"sla": "money", "first_reply": "2026-11-20T08:00:00Z", "next_reply": None, "resolve": None},
    "reply": {"sent": "receipt", "language": "en", "why": {"key": "person_wrote", "values": {}}},
    "other": {},
}
_OUTGOING: Final[dict[str, Any]] = {
    "id": _ID,
    "kind": "auto_reply",
    "channel": "support-mail",
    "recipient": "li@example.com",
    "subject": "Re: Payment failed",
    "text": "We have received your message.",
    "state": "queued",
    "created_at": _AT,
    "error": "",
}


def message_example() -> dict[str, Any]:
    """Return the example of a newly queued reply."""
    own = {"direction": "outgoing", "sender_handle": "support@desk.example", "sender_name": "Ann", "origin": "agent"}
    own |= {"sender_proof": "", "answer_to": ""}
    return {**_MESSAGE, **own, "delivery": "queued", "attachments": [], "why": [], "sent_at": None}


def own_fields(row: DataclassInstance) -> dict[str, Any]:
    """Return the fields of a row by name, for an entry with more fields than its row.

    Unlike `dataclasses.asdict` it does not copy: a trace is large.
    """
    return {field.name: getattr(row, field.name) for field in fields(row)}


class ContactEntry(BaseModel):
    """The sender. handles: the oldest first."""

    model_config = example(_CONTACT)

    id: UUID
    name: str
    handles: list[ShownHandle]


class ConversationSummary(BaseModel):
    """One conversation in a list. Times are UTC."""

    model_config = example(_SUMMARY)

    id: UUID
    reference: str = Field(description="Short and easy to spell; accepted wherever the id is.")
    subject: str
    status: str
    channel: str
    category: str | None = Field(description="null: not recognised, an agent must read it.")
    emergency: bool
    team: str
    assignee: str | None
    priority: str
    labels: list[str]
    language: str = Field(description="The customer's language (BCP 47); `und` if unknown.")
    route: str = Field(description="Name of the route that matched.")
    sla: str | None
    opened_at: datetime
    last_message_at: datetime
    due_at: datetime | None = Field(description="The earliest open promise; null without one.")
    first_reply_due_at: datetime | None
    next_reply_due_at: datetime | None
    resolve_due_at: datetime | None
    contact: ContactEntry
    messages: int = Field(description="Number of messages.")
    glimpse: str = Field(description="The beginning of the last message, secrets masked.")
    sender_proof: str = Field(
        description="The least that is proven about a sender of its messages: `failed`, `unproven`, `proven`, or "
        "empty if nothing is known."
    )
    version: int = Field(description="Grows with each change.")
    linked_to: UUID | None = Field(description="An older conversation that this one may belong to.")
    held_until: datetime | None = Field(description="When a snoozed conversation reopens automatically.")
    snoozed_by: str | None = Field(description="The agent who snoozed it; null when its channel was closed.")
    merged_into: UUID | None = Field(description="The conversation that has its messages now; change that one.")
    possible_danger: bool = Field(description="An agent has to answer whether its customer is in danger.")
    unread: bool = Field(description="Has messages that you have not read.")


# The names of a summary in their order: before and after what other tables say.
_NAMES: Final = tuple(ConversationSummary.model_fields)
_BEFORE: Final = _NAMES[: _NAMES.index("contact")]
_AFTER: Final = _NAMES[_NAMES.index("version") : _NAMES.index("unread")]
_before, _after = attrgetter(*_BEFORE), attrgetter(*_AFTER)


def summary_fields(
    row: ConversationRecord, *, handles: Sequence[str], glimpse: LastMessage | None, unread: bool
) -> dict[str, Any]:
    """Return a row's summary in the order of its model: a list is written from these, without a model for each row."""
    return {
        **dict(zip(_BEFORE, _before(row), strict=True)),
        "contact": {"id": row.contact_id, "name": row.contact_name, "handles": [*map(mask_address, handles)]},
        "messages": glimpse.messages if glimpse else 0,
        "glimpse": glimpse.text if glimpse else "",
        "sender_proof": glimpse.sender_proof if glimpse else "",
        **dict(zip(_AFTER, _after(row), strict=True)),
        "unread": unread,
    }


class AttachmentEntry(BaseModel):
    """An attachment of a message; `GET /attachments/{id}` has its bytes."""

    model_config = example(_ATTACHMENT)

    id: UUID
    name: str
    media_type: str = Field(description="The sender's claim; do not trust it.")
    size: int = Field(description="Bytes.")
    sha256: str


class ReasonEntry(BaseModel):
    """One decision and its evidence, in words."""

    model_config = example(_REASON)

    step: str = Field(description="Key of the decision in the trace.")
    title: str
    decision: str
    evidence: list[str]


class MessageEntry(BaseModel):
    """One message of a conversation. Secrets are masked in every text."""

    model_config = example(_MESSAGE)

    id: UUID
    conversation_id: UUID
    direction: str
    channel: str
    sender_handle: ShownHandle
    sender_name: str = Field(description="The sender's claim; no proof of anything.")
    subject: str
    text: str = Field(description="The message without quoted text.")
    quoted: str
    has_html: bool
    rfc_message_id: str | None
    sent_at: datetime | None = Field(description="The sender's claim.")
    received_at: datetime
    origin: str
    sender_proof: str = Field(
        description="Of an incoming message: `proven`, `unproven` or `failed`, whose sender is forged. Else empty."
    )
    answer_to: ShownHandle = Field(
        description="Of an incoming message: where an answer to it goes; empty: to `sender_handle`."
    )
    other_address: ShownHandle = Field(
        description="Another address that the message names for answers, such as Reply-To's; nothing confirms it. "
        "`PATCH /conversations/{key}` with `answer_to` chooses it."
    )
    edited_at: datetime | None = Field(description="When its author last changed it; the text is the new one.")
    withdrawn_at: datetime | None = Field(description="When its author took it back; the text is empty then.")
    delivery: str | None = Field(description="Of an outgoing message: its state, as in `/outbound`.")
    attachments: list[AttachmentEntry]
    why: list[ReasonEntry] = Field(description="Summary of the trace.")

    @classmethod
    def of(
        cls,
        row: MessageRecord,
        *,
        attachments: Sequence[AttachmentRecord],
        reasons: Sequence[ExplainedStep],
        **more: object,
    ) -> Self:
        """Return the row as the API shows it. more: further fields of a subclass."""
        files = [AttachmentEntry.model_validate(attachment) for attachment in attachments]
        why = [ReasonEntry.model_validate(reason) for reason in reasons]
        return cls.model_validate({**own_fields(row), "attachments": files, "why": why, **more})


class MessageDetail(MessageEntry):
    """One message with all details."""

    model_config = example({**_MESSAGE, "html": "<p>My payment failed.</p>", "trace": _TRACE})

    html: str = Field(description="Sanitised; still show it only in a sandboxed frame. Empty without HTML.")
    trace: Trace = Field(description="Every test that ran, its input and its result; reasons as keys with values.")


class OutgoingEntry(BaseModel):
    """An outgoing message that is not in the list of messages yet."""

    model_config = example(_OUTGOING)

    id: UUID
    kind: str
    channel: str
    recipient: ShownHandle
    subject: str
    text: str
    state: str
    created_at: datetime
    error: Sentence

    @classmethod
    def of(cls, row: PendingOutbound) -> Self:
        """Return the row as the API shows it."""
        return cls.model_validate(row)


class ConversationPage(BaseModel):
    """A page of conversations, newest activity first. next_cursor: None on the last page."""

    model_config = example({"conversations": [_SUMMARY], "next_cursor": "MXwyMDI2LTExLTIw"})

    conversations: list[ConversationSummary]
    next_cursor: str | None


class MessagePage(BaseModel):
    """A page of messages, oldest first within the page; the next page has older ones."""

    model_config = example({"messages": [_MESSAGE], "next_cursor": None})

    messages: list[MessageEntry]
    next_cursor: str | None


class ConversationDetail(ConversationSummary):
    """One conversation with its newest messages, oldest first."""

    model_config = example(
        {**_SUMMARY, "entries": [_MESSAGE], "earlier_cursor": None, "outgoing": [_OUTGOING]},
    )

    entries: list[MessageEntry] = Field(description="The newest 200 messages, oldest first.")
    earlier_cursor: str | None = Field(description="For `GET .../messages`, when there are older ones.")
    outgoing: list[OutgoingEntry]
