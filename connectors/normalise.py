"""Which reader stands behind which form of message. Mail goes through the guard; JSON is read here, event by event.

One odd event costs one event: it becomes a stub that people see, and its neighbours are read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from connectors.base import Arrival, RawMessage
from connectors.json_messages import UnreadableDocument, read_document
from connectors.originals import Packer
from router.envelope import CHAT_KINDS, WEB_FORM, Envelope, Party, PartyKind, to_json
from router.errors import ConfigError

MAIL: Final = "mail"
FORMS: Final = frozenset({"twilio", "http_sms", "x", "telegram", "web"})


@dataclass(frozen=True, slots=True)
class RawFormat:
    """How messages of one form are read.

    read: raises Unreadable.  lasting: what a message says however it reached us; empty when that cannot be told.
    kind: of its senders.
    """

    read: Callable[[RawMessage, str], Envelope]
    lasting: Callable[[bytes], bytes]
    kind: PartyKind


def normalise_page(messages: Sequence[RawMessage], *, channel: str, form: str) -> list[Arrival]:
    """Read messages of any form but mail, each by itself; what cannot be read becomes a stub."""
    reader, packer = _reader(form), Packer()
    return [_normalise(message, channel=channel, reader=reader, packer=packer) for message in messages]


def reread(message: RawMessage, *, channel: str, stored: Envelope) -> Arrival | None:
    """Read a kept message again with today's reader; None if it is a mail, which is for the guard.

    stored: what was read of it before. Our readers alone say of which kind a sender is, so no mail passes for a chat.
    """
    if stored.sender.kind not in CHAT_KINDS and WEB_FORM not in stored.machine_headers:
        return None
    try:
        form = read_document(message.content).form
    except UnreadableDocument:
        form = ""
    return normalise_page([message], channel=channel, form=form)[0] if form in FORMS else None


def _normalise(message: RawMessage, *, channel: str, reader: RawFormat, packer: Packer) -> Arrival:
    envelope, unreadable = _read(message, channel=channel, reader=reader)
    return Arrival(
        source_key=message.source_key,
        envelope=to_json(envelope),
        original=packer.pack(message.content),
        size=len(message.content),
        content_hash=_hash(message, reader=reader),
        received_at=message.received_at,
        unreadable=unreadable,
    )


def _read(message: RawMessage, *, channel: str, reader: RawFormat) -> tuple[Envelope, str]:
    why = message.defect
    if not why:
        try:
            return reader.read(message, channel), ""
        except UnreadableDocument as error:
            why = str(error)
        # Whatever an odd event makes a library raise, its neighbours must be read.
        except Exception as error:  # noqa: BLE001
            why = f"The message cannot be read: {type(error).__name__}."
    stub = Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(reader.kind, ""),
        received_at=message.received_at,
        defects=(why,),
    )
    return stub, why


def _hash(message: RawMessage, *, reader: RawFormat) -> bytes:
    try:
        stable = reader.lasting(message.content)
    except UnreadableDocument:
        stable = b""
    return sha256(stable or message.content).digest()


def _reader(form: str) -> RawFormat:
    # Loaded when the first message of a form comes: a desk of mail alone needs none of them.
    if form == "twilio":
        from connectors.sms.twilio import messages as twilio_reading  # noqa: PLC0415

        return RawFormat(twilio_reading.read, twilio_reading.lasting_of, PartyKind.PHONE)
    if form == "telegram":
        from connectors.social.telegram import messages as telegram_reading  # noqa: PLC0415

        return RawFormat(telegram_reading.read, telegram_reading.lasting_of, PartyKind.TELEGRAM)
    if form == "x":
        from connectors.social.x import messages as x_reading  # noqa: PLC0415

        return RawFormat(x_reading.read, x_reading.lasting_of, PartyKind.X)
    if form == "web":
        from connectors.web import form as web_form  # noqa: PLC0415

        return RawFormat(web_form.read, web_form.lasting_of, PartyKind.EMAIL)
    if form == "http_sms":
        from connectors.sms.http_api import webhook as http_reading  # noqa: PLC0415

        return RawFormat(http_reading.read, http_reading.lasting_of, PartyKind.PHONE)
    raise ConfigError(f"nobody here reads messages of the form {form!r}")
