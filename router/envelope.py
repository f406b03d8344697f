"""The one shape that a message of any channel has once it is inside: the Envelope.

It is our canonical message, not SMTP's envelope and not IMAP's. Gates make it, the brain reads it,
the store keeps it as JSON on its `inbound` row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import TypeAdapter


class PartyKind(StrEnum):
    """What a handle is; identities are compared within one kind."""

    EMAIL = "email"
    PHONE = "phone"
    WHATSAPP = "whatsapp"
    X = "x"
    TELEGRAM = "telegram"
    WEB = "web"


# Kinds of short messages: nothing in them says what they answer, and their senders are no mail addresses.
CHAT_KINDS: Final = frozenset({PartyKind.PHONE, PartyKind.WHATSAPP, PartyKind.X, PartyKind.TELEGRAM})

# Among the machine headers of what came by our own form; no mail's header section can put it there.
WEB_FORM: Final = ("omniyard-form", "web")


@dataclass(frozen=True, slots=True)
class Party:
    """Who wrote, or was written to.

    handle: comparable within its kind (a mail address in lower case, a number in E.164); empty if none could be read.
    name: as the sender shows it; never proof of anything.
    """

    kind: PartyKind
    handle: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One attached file, described; its bytes stay in the original and are found again by `part`.

    name: safe to show and to offer as a download name.  size: decoded bytes.  sha256: hex, of the decoded bytes.
    part: position of the part in the original, counted as the normaliser walks it.
    content_id: by which the page shows it as a picture (RFC 2392); empty for a file in its own right.
    """

    name: str
    media_type: str
    size: int
    sha256: str
    part: int
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BouncedRecipient:
    """What became of one message to one address.

    action: failed, delayed, delivered, relayed or expanded (RFC 3464 section 2.3.3), or complained (RFC 5965).
    status: RFC 3463 code such as `5.1.1`; empty if none was given.  diagnostic: the remote server's words.
    """

    address: str
    action: str = "failed"
    status: str = ""
    diagnostic: str = ""

    @property
    def permanent(self) -> bool:
        """Whether trying again is pointless: failed, and not by a passing condition (RFC 3463 section 2)."""
        return self.action == "failed" and not self.status.startswith("4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """A report on a message of ours: not delivered, late, delivered, or complained about.

    original_message_id: of the message that it is about, without angle brackets; None if the report does not say.
    """

    recipients: tuple[BouncedRecipient, ...] = ()
    original_message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message as it reached us. Source of the mail words: RFC 5322 sections 3.6.2 to 3.6.4.

    source_key: the transport's own id with its epoch.
    text: the words that are new in this message.  quoted: what it quotes.  signature: the sender's sign-off.
    html: sanitised, for showing to people; empty when there was none.
    sent_at: the sender's claim, aware UTC, None when unreadable.  received_at: when the channel took it, aware UTC.
    references: oldest first, without angle brackets, as are rfc_message_id and in_reply_to.
    machine_headers: the raw headers, names in lower case, that tell people and machines apart (RFC 3834, RFC 2919).
    authentication: raw Authentication-Results fields, newest first (RFC 8601).
    signed_by: domains whose DKIM signature of this mail we checked ourselves, in lower case (RFC 6376).
    defects: what was wrong with the bytes, in words; empty for a clean message.
    bounce: what a report on a message of ours says; None for any other message.
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
    authentication: tuple[str, ...] = ()
    signed_by: tuple[str, ...] = ()
    defects: tuple[str, ...] = ()
    bounce: Bounce | None = None

    @property
    def recipients(self) -> tuple[Party, ...]:
        """Everyone it is addressed to."""
        return self.to + self.cc

    @property
    def ancestors(self) -> tuple[str, ...]:
        """The Message-IDs that it answers, nearest first, each once (RFC 5322 section 3.6.4).

        A report answers the message that it is about.
        """
        original = self.bounce.original_message_id if self.bounce else None
        about = (original,) if original else ()
        return tuple(dict.fromkeys((*about, *self.in_reply_to, *reversed(self.references))))


_JSON: Final = TypeAdapter(Envelope)


def to_json(envelope: Envelope) -> bytes:
    """Write the envelope as UTF-8 JSON, leaving out what is at its default."""
    return _JSON.dump_json(envelope, exclude_defaults=True)


def from_json(document: bytes | str) -> Envelope:
    """Read an envelope that `to_json` wrote."""
    return _JSON.validate_json(document)
