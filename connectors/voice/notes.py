"""A call note that an agent typed: stored as a document, parsed like any other message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from connectors.base import Batch, RawMessage
from connectors.json_messages import UnreadableDocument, lasting, read_document, text_of, write_document
from connectors.sms.phone_numbers import e164
from router.envelope import Envelope, Party, PartyKind
from router.settings.channels.base import CallNotes

FORM: Final = "voice"
MOST_MINUTES: Final = 600
# The first line of a note, in both languages of the desk, because a stored text has one.
_WORDS: Final = {
    "in": "Call 来电",
    "out": "Call by us 去电",
    "missed": "Missed call 未接来电",
    "callback": "Call-back request 请求回电",
}
KINDS: Final = tuple(_WORDS)
# After these the customer waits, whatever else was said.
WAITING: Final = frozenset({"missed", "callback"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNote:
    """One call. key: of the form, so that a repeated one is stored once.  kind: of `KINDS`.

    number: as the agent typed it; empty for a caller who withheld it.  waits: the customer waits for an answer.
    """

    key: str
    agent: str
    number: str
    kind: str
    text: str
    minutes: int = 0
    waits: bool = False


def number_of(notes: CallNotes, typed: str) -> str:
    """Return a number in E.164; empty for what is not one."""
    return e164("".join(typed.split()), region=notes.region)


def batch_of(channel: str, notes: CallNotes, note: CallNote, *, now: datetime) -> Batch:
    """Return the batch with the one note."""
    record = {
        "key": note.key,
        "agent": note.agent,
        "number": number_of(notes, note.number),
        "kind": note.kind,
        "text": note.text,
        "minutes": note.minutes,
        "waits": note.waits or note.kind in WAITING,
    }
    content = write_document(record, form=FORM, source="desk")
    return Batch(
        channel=channel, messages=[RawMessage(source_key=note.key, content=content, received_at=now)], form=FORM
    )


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one note. Raises UnreadableDocument.

    Where the customer waits it is their message; else it is what our side said, and counts as an answer.
    """
    record = read_document(message.content).record
    kind = text_of(record, "kind")
    if kind not in _WORDS:
        raise UnreadableDocument("The note is of no known kind.")
    customer, waits = Party(PartyKind.PHONE, text_of(record, "number")), record.get("waits") is True
    minutes = record.get("minutes")
    length = f" · {minutes} min" if isinstance(minutes, int) and minutes else ""
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=customer if waits else Party(PartyKind.PHONE, "", text_of(record, "agent")),
        to=() if waits else (customer,),
        received_at=message.received_at,
        text=f"{_WORDS[kind]}{length}\n{text_of(record, 'text')}".strip(),
        own_lines=(f"{_WORDS[kind]}{length}",),
        quoted=f"noted by 记录人: {text_of(record, 'agent')}" if waits else "",
        from_colleague=not waits,
    )


def lasting_of(content: bytes) -> bytes:
    """Return what is the same in every submission of the form. Raises UnreadableDocument."""
    record = read_document(content).record
    return lasting(*(text_of(record, name) for name in ("key", "number", "kind", "text")))
