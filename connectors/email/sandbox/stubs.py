"""Make an envelope that an agent can see of a mail that cannot be read.

This also runs outside the guarded process, on bytes that have just killed one: it reads the first few
kilobytes, with the same linear code that reads the fields of every mail, and calls no parser.
"""

from __future__ import annotations

from typing import Final

from connectors.base import RawMessage
from connectors.email.mime import limits
from connectors.email.mime.addresses import parse_addresses
from connectors.email.mime.headers import Headers, read_fields
from router.envelope import Envelope, Party, PartyKind

# Enough for the fields of any honest mail; the fields we need stand early.
_SCANNED_BYTES: Final = 64 * 1024
_FIELD_CHARACTERS: Final = 500
_WANTED: Final = ("from", "subject", "message-id")


def stub(message: RawMessage, *, channel: str, why: str) -> Envelope:
    """Return an envelope with what a cheap scan of the header section finds. why: the defect, in a sentence."""
    headers = _scan(message.content[:_SCANNED_BYTES])
    authors = [party for value in headers.each("from") for party in parse_addresses(value)]
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=authors[0] if authors else Party(PartyKind.EMAIL, ""),
        received_at=message.received_at,
        subject=" ".join(headers.text("subject").split())[: limits.SUBJECT_CHARACTERS],
        rfc_message_id=headers.raw("message-id").strip("<> \t") or None,
        defects=(why,),
    )


def _scan(head: bytes) -> Headers:
    # Invalid UTF-8 becomes replacement characters: no charset is guessed here.
    lines = head.lstrip(b"\r\n").replace(b"\r\n", b"\n").replace(b"\0", b"").partition(b"\n\n")[0]
    found = read_fields(lines.decode("utf-8", "replace").encode()).fields
    return Headers({name: [found[name][0][:_FIELD_CHARACTERS]] for name in _WANTED if name in found})
