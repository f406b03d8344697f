"""The canonical message of every channel: the Envelope.

It is neither SMTP's envelope nor IMAP's. Connectors make it, the router reads it, and the store keeps it as JSON
in the `inbound` row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Final

from pydantic import TypeAdapter


class PartyKind(StrEnum):
    """The kind of a handle; identities are compared within one kind.

    visitor: of the chat, known by the session alone.  account: of the operator's own, as the operator's server signed.
    """

    EMAIL = "email"
    PHONE = "phone"
    WHATSAPP = "whatsapp"
    X = "x"
    TELEGRAM = "telegram"
    CUSTOM = "custom"
    WECOM = "wecom"
    WECHAT = "wechat"
    LINE = "line"
    VISITOR = "visitor"
    ACCOUNT = "account"


# Kinds of short messages: they do not name the message that they answer, and their senders are not mail addresses.
CHAT_KINDS: Final = frozenset({
    PartyKind.PHONE, PartyKind.WHATSAPP, PartyKind.X, PartyKind.TELEGRAM, PartyKind.CUSTOM, PartyKind.WECOM,
    PartyKind.WECHAT, PartyKind.LINE, PartyKind.VISITOR, PartyKind.ACCOUNT,
})  # fmt: skip

# The machine header of a message from our own form; a mail's header section cannot set it.
WEB_FORM: Final = ("omniyard-form", "web")
# The same of a message from a case's page, whose address a one-time code has proven.
CASE_PAGE: Final = ("omniyard-case", "proven")

# The machine header of a mail that was read from our own folder of sent mail; a mail's header section cannot set it.
OWN_SENT_FOLDER: Final = ("omniyard-folder", "sent")


@dataclass(frozen=True, slots=True)
class Party:
    """A sender or a recipient.

    handle: comparable within its kind (a mail address in lower case, a number in E.164, an id of a user unchanged);
        empty if none could be read.
    name: as the sender shows it; it proves nothing.
    """

    kind: PartyKind
    handle: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The description of one attached file; its bytes stay in the original, where `part` finds them.

    name: safe to show and to offer as a download name.  size: decoded bytes.  sha256: hex, of the decoded bytes.
    part: position of the part in the original, counted as the normaliser walks it.
    content_id: the HTML body refers to the file by this id (RFC 2392); empty for an ordinary attachment.
    url: where its bytes are fetched from in a second step, because only a reference came; else empty.
    """

    name: str
    media_type: str
    size: int
    sha256: str
    part: int
    content_id: str = ""
    url: str = ""


class RevisionKind(StrEnum):
    """What a later message does to an earlier one.

    edited: its author changed the text.  withdrawn: its author took it back.
    completed: more of it is known now, as of a call; the first of these is the message itself.
    """

    EDITED = "edited"
    WITHDRAWN = "withdrawn"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A change of an earlier message.

    of: its source key on the same channel; of versions under one key, the first to come is the message itself.
    order: a later change has a higher one.
    """

    of: str
    kind: RevisionKind
    order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPoint:
    """Where a customer can be reached as well, as the channel says. verified: it has tested that it is theirs."""

    kind: PartyKind
    value: str
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BouncedRecipient:
    """The result of one message for one address.

    action: failed, delayed, delivered, relayed or expanded (RFC 3464 section 2.3.3), or complained (RFC 5965).
    status: RFC 3463 code such as `5.1.1`; empty if none was given.  diagnostic: the remote server's words.
    """

    address: str
    action: str = "failed"
    status: str = ""
    diagnostic: str = ""

    @property
    def permanent(self) -> bool:
        """Whether a retry is pointless: it failed, and the cause is not temporary (RFC 3463 section 2)."""
        return self.action == "failed" and not self.status.startswith("4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """A report on a message that we sent: not delivered, late, delivered, or complained about.

    original_message_id: of the reported message, without angle brackets; None if the report does not name it.
    tokens: what may be tokens of ours in its subject, its text and the message that it returns.
    """

    recipients: tuple[BouncedRecipient, ...] = ()
    original_message_id: str | None = None
    tokens: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether it reports a failure or a complaint, not a delay or a success (RFC 3464 section 2.3.3)."""
        return not self.recipients or any(each.action in {"failed", "complained"} for each in self.recipients)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message as we received it. Source of the mail terms: RFC 5322 sections 3.6.2 to 3.6.4.

    source_key: the transport's own id with its epoch.
    text: the new words of this message.  own_lines: which of its lines are ours, such as "Missed call".
    quoted: the text that it quotes.  signature: the sender's sign-off.
    html: sanitised, to show to people; empty when the message has none.
    sent_at: the sender's claim, aware UTC, None when unreadable.  received_at: when the channel received it, aware UTC.
    references: oldest first, without angle brackets, as are rfc_message_id and in_reply_to.
    machine_headers: the raw headers, names in lower case, that distinguish people from machines (RFC 3834, RFC 2919).
    authors: whom X-Original-From and X-Original-Sender name, by the field's name; lists that rewrite From add them.
    authentication: raw Authentication-Results fields, newest first (RFC 8601).
    signed_by: domains whose DKIM signature of this mail we checked ourselves, in lower case (RFC 6376).
    defects: the errors in the bytes, in words; empty for a clean message.
    bounce: the content of a report on a message that we sent; None for any other message.
    from_colleague: a colleague said it elsewhere, to the customer in `to`.
    public: anybody can read it, and the answer too.
    revision: the earlier message that it changes; None for a message of its own.
    contact_points: of the sender, as the channel says; they identify no one.
    thread: the provider's key of the conversation; empty where it has none.
    """

    channel: str
    source_key: str
    sender: Party
    received_at: datetime
    to: tuple[Party, ...] = ()
    cc: tuple[Party, ...] = ()
    reply_to: tuple[Party, ...] = ()
    subject: str = ""
    text: str = ""
    quoted: str = ""
    signature: str = ""
    html: str = ""
    sent_at: datetime | None = None
    rfc_message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    machine_headers: tuple[tuple[str, str], ...] = ()
    authors: tuple[tuple[str, Party], ...] = ()
    authentication: tuple[str, ...] = ()
    signed_by: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    bounce: Bounce | None = None
    from_colleague: bool = False
    public: bool = False
    revision: Revision | None = None
    contact_points: tuple[ContactPoint, ...] = ()
    thread: str = ""
    own_lines: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The text without our own lines: what the sender said."""
        if not self.own_lines:
            return self.text
        return "\n".join(line for line in self.text.split("\n") if line not in self.own_lines)

    @property
    def recipients(self) -> tuple[Party, ...]:
        """All addressees."""
        return self.to + self.cc

    @property
    def ancestors(self) -> tuple[str, ...]:
        """The Message-IDs that the message answers, nearest first, each once (RFC 5322 section 3.6.4).

        A report answers the message that it reports on. The key of a thread counts as the Message-ID of its beginning.
        """
        original = self.bounce.original_message_id if self.bounce else None
        known = (original, *self.in_reply_to, *reversed(self.references), self.thread)
        return tuple(dict.fromkeys(filter(None, known)))


@cache
def _adapter() -> TypeAdapter[Envelope]:
    # Commands that read no message do not wait for it.
    return TypeAdapter(Envelope)


def to_json(envelope: Envelope) -> bytes:
    """Write the envelope as UTF-8 JSON, without the fields that have their default."""
    return _adapter().dump_json(envelope, exclude_defaults=True)


def from_json(document: bytes | str) -> Envelope:
    """Read an envelope that `to_json` wrote."""
    return _adapter().validate_json(document)
