"""Parse messages of every form but mail with their kinds' readers, one by one. Mail is parsed by the guard.

A malformed event costs only that event: it becomes a stub for the agents, and the others are parsed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from connectors.base import Arrival, RawMessage
from connectors.json_messages import UnreadableDocument, read_document
from connectors.originals import Packer
from connectors.registry import KINDS, Kinds
from connectors.registry_row import ChannelKind, MessageReader
from router.envelope import CHAT_KINDS, WEB_FORM, Envelope, Party, from_json, to_json
from router.errors import ConfigError


def normalise_batch(
    messages: Sequence[RawMessage], *, channel: str, form: str, kinds: Kinds = KINDS
) -> list[Arrival]:  # fmt: skip
    """Parse messages of any form but mail, one by one; what cannot be parsed becomes a stub.

    Raises ConfigError for a form without a reader.
    """
    kind = kinds.get(form)
    if kind is None or kind.reader is None:
        raise ConfigError(f"no kind of channel reads messages of the form {form!r}")
    # Loaded with the first message of a form: a desk with only mail needs none of them.
    reader, packer = kind.reader.load(), Packer()
    return [_normalise(message, channel=channel, kind=kind, reader=reader, packer=packer) for message in messages]


def reread(message: RawMessage, *, channel: str, stored: Envelope) -> Arrival | None:
    """Parse a stored message again with the current reader; None for mail, which the guard parses.

    stored: the envelope stored before. Only our readers set the kind of a sender, so no mail can pass for a chat.
    """
    if stored.sender.kind not in CHAT_KINDS and WEB_FORM not in stored.machine_headers:
        return None
    try:
        form = read_document(message.content).form
    except UnreadableDocument:
        form = ""
    kind = KINDS.get(form)
    return normalise_batch([message], channel=channel, form=form)[0] if kind and kind.reader else None


def keep_findings(read: Arrival, *, stored: Envelope) -> Arrival:
    """Return an arrival that was read again, with what was found out about the same bytes when they came.

    The keys of a signature may be gone by now, and a reader asks no name server.
    """
    if not stored.signed_by or read.unreadable:
        return read
    return replace(read, envelope=to_json(replace(from_json(read.envelope), signed_by=stored.signed_by)))


def _normalise(
    message: RawMessage, *, channel: str, kind: ChannelKind, reader: MessageReader, packer: Packer
) -> Arrival:
    envelope, unreadable = _read(message, channel=channel, kind=kind, reader=reader)
    return Arrival(
        source_key=message.source_key,
        envelope=to_json(envelope),
        original=packer.pack(message.content),
        size=len(message.content),
        content_hash=_hash(message, reader=reader),
        received_at=message.received_at,
        unreadable=unreadable,
        completes=envelope.revision is not None and envelope.revision.of == message.source_key,
    )


def _read(message: RawMessage, *, channel: str, kind: ChannelKind, reader: MessageReader) -> tuple[Envelope, str]:
    why = message.defect
    if not why:
        try:
            return reader.read(message, channel), ""
        except UnreadableDocument as error:
            why = str(error)
        # Whatever a malformed event makes a library raise, the other events must be parsed.
        except Exception as error:  # noqa: BLE001
            why = f"The message cannot be read: {type(error).__name__}."
    stub = Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(kind.parties[0], ""),
        received_at=message.received_at,
        defects=(why,),
    )
    return stub, why


def _hash(message: RawMessage, *, reader: MessageReader) -> bytes:
    try:
        stable = reader.lasting_of(message.content)
    except UnreadableDocument:
        stable = b""
    return sha256(stable or message.content).digest()
