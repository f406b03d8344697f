"""A visitor's message from the contact form: stored as a document with its files, parsed like any other message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.base import Batch, Health, RawMessage
from connectors.email.mime.attachments import safe_name
from connectors.json_messages import MediaFile, UnreadableDocument, lasting, read_document, text_of, write_document
from router.envelope import CASE_PAGE, WEB_FORM, Envelope, Party, PartyKind
from router.settings.channels.mail import WebSettings

FORM: Final = "web"
# A mail address as typed by a person (a subset of RFC 5321 section 4.1.2): no quotes, no comments, no line breaks.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}")
_LONGEST: Final = 254


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One filled form. key: of this form, so that a repeated submission is stored once.

    proven: the kind of the address, which a one-time code has proven; None for one that the visitor only typed.
    """

    key: str
    email: str
    name: str
    subject: str
    text: str
    files: Sequence[tuple[str, bytes]] = ()
    proven: PartyKind | None = None


def is_address(text: str) -> bool:
    """Return whether it is an address that mail can be sent to."""
    return len(text) <= _LONGEST and _ADDRESS.fullmatch(text) is not None


def batch_of(channel: str, submission: Submission, *, to: str, now: datetime) -> Batch:
    """Return the batch with the one message. to: our own address, used for answers; empty for none."""
    record = {name: getattr(submission, name) for name in ("key", "email", "name", "subject", "text")} | {"to": to}
    if submission.proven is not None:
        record["proven"] = submission.proven.value
    files = [MediaFile(name=safe_name(name) or f"file-{place}", content=content) for place, (name, content)
             in enumerate(submission.files, start=1)]  # fmt: skip
    content = write_document(record, form=FORM, source="form", files=files)
    raw = RawMessage(source_key=submission.key, content=content, received_at=now)
    return Batch(channel=channel, messages=[raw], form=FORM)


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored form. Raises Unreadable."""
    document = read_document(message.content)
    email = text_of(document.record, "email", needed=True).lower()
    proven = text_of(document.record, "proven")
    kind = PartyKind(proven) if proven else PartyKind.EMAIL
    if kind is PartyKind.EMAIL and not is_address(email):
        raise UnreadableDocument("The form has no mail address.")
    own = text_of(document.record, "to").lower()
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(kind, email, text_of(document.record, "name")),
        received_at=message.received_at,
        subject=text_of(document.record, "subject"),
        text=text_of(document.record, "text"),
        attachments=document.attachments,
        to=(Party(PartyKind.EMAIL, own),) if own else (),
        machine_headers=(WEB_FORM, CASE_PAGE) if proven else (WEB_FORM,),
    )


def lasting_of(content: bytes) -> bytes:
    """Return the values that are the same in every submission of the form. Raises Unreadable."""
    record = read_document(content).record
    return lasting(*(text_of(record, key) for key in ("key", "email", "subject", "text")))


def probe(channel: str, settings: WebSettings) -> Health:
    """Report where the desk shows the form; the desk itself has its own check."""
    del channel
    return Health(ok=True, findings=(f"the desk shows its form at {settings.source_words}",))
