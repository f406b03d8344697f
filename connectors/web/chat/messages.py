"""A visitor's line of the chat: stored as a document with its files, parsed like any other message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.base import Batch, RawMessage
from connectors.email.mime.attachments import safe_name
from connectors.json_messages import MediaFile, UnreadableDocument, lasting, read_document, text_of, write_document
from router.envelope import Envelope, Party, PartyKind

FORM: Final = "chat"
_PARTIES: Final = (PartyKind.VISITOR, PartyKind.ACCOUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """What a visitor sent. session: its id.  client_id: made by the visitor's page before the first attempt.

    kind, handle: who they are.  name: as they call themselves, or as the operator's server signed it.
    """

    session: str
    client_id: str
    kind: PartyKind
    handle: str
    name: str
    text: str
    files: Sequence[tuple[str, bytes]] = ()

    @property
    def source_key(self) -> str:
        """The key of the message: the same for every repetition."""
        return f"chat:{self.session}:{self.client_id}"


def batch_of(channel: str, message: ChatMessage, *, now: datetime) -> Batch:
    """Return the batch with the one message."""
    names = ("session", "client_id", "kind", "handle", "name", "text")
    record = {name: str(getattr(message, name)) for name in names}
    files = [MediaFile(name=safe_name(name) or f"file-{place}", content=content) for place, (name, content)
             in enumerate(message.files, start=1)]  # fmt: skip
    content = write_document(record, form=FORM, source="chat", files=files)
    raw = RawMessage(source_key=message.source_key, content=content, received_at=now)
    return Batch(channel=channel, messages=[raw], form=FORM)


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored line. Raises Unreadable."""
    document = read_document(message.content)
    kind = text_of(document.record, "kind", needed=True)
    if kind not in _PARTIES:
        raise UnreadableDocument("The line names no visitor.")
    handle = text_of(document.record, "handle", needed=True)
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind(kind), handle, text_of(document.record, "name")),
        received_at=message.received_at,
        text=text_of(document.record, "text"),
        attachments=document.attachments,
    )


def lasting_of(content: bytes) -> bytes:
    """Return the values that are the same in every repetition of a line. Raises Unreadable."""
    record = read_document(content).record
    return lasting(*(text_of(record, key) for key in ("session", "client_id", "text")))
