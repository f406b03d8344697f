"""Make something an agent can see of a mail that nobody can read.

This runs outside the guarded process as well, on bytes that have just killed one: it looks at the first few
kilobytes only, line by line, with nothing cleverer than `split`.
"""

from __future__ import annotations

from typing import Final

from connectors.base import RawMessage
from router.envelope import Envelope, Party, PartyKind

# Enough for the fields of any honest mail; the fields we want stand early.
_SCANNED_BYTES: Final = 64 * 1024
_SCANNED_LINES: Final = 1_000
_FIELD_BYTES: Final = 300
_WANTED: Final = (b"from", b"subject", b"message-id")


def stub(message: RawMessage, *, channel: str, why: str) -> Envelope:
    """Return an envelope with what a cheap look at the header section shows. why: the defect, in a sentence."""
    fields = _scan(message.content[:_SCANNED_BYTES])
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind.EMAIL, _address(fields.get(b"from", ""))),
        received_at=message.received_at,
        subject=fields.get(b"subject", ""),
        rfc_message_id=fields.get(b"message-id", "").strip("<>") or None,
        defects=(why,),
    )


def _scan(head: bytes) -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for line in head.split(b"\n", _SCANNED_LINES)[:_SCANNED_LINES]:
        if not line.strip():
            break
        name, colon, value = line[: _FIELD_BYTES + 20].partition(b":")
        key = name.strip().lower()
        if colon and key in _WANTED and key not in found:
            text = value[:_FIELD_BYTES].decode("utf-8", "replace")
            found[key] = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return found


def _address(value: str) -> str:
    for word in reversed(value.replace("<", " ").replace(">", " ").split()):
        local, at, domain = word.partition("@")
        if at and local and domain and "@" not in domain and '"' not in word:
            return word.lower()
    return ""
