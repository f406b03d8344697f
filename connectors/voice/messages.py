"""Parse the stored messages of a hotline: notes of agents, and calls that a menu of ours answered."""

from __future__ import annotations

from connectors.base import RawMessage
from connectors.json_messages import read_document
from connectors.voice import notes
from connectors.voice.call_messages import is_call, lasting_of_call, read_call
from router.envelope import Envelope


def read(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one stored message. Raises UnreadableDocument."""
    if is_call(read_document(message.content).record):
        return read_call(message, channel)
    return notes.read(message, channel)


def lasting_of(content: bytes) -> bytes:
    """See `MessageReader`. Raises UnreadableDocument."""
    record = read_document(content).record
    return lasting_of_call(record) if is_call(record) else notes.lasting_of(content)
