"""Signed links to the status page of one case: a customer opens them without signing in, for 60 days.

The link is the only proof, so the page shows states and never the text of a message. A link names a conversation, or
the message of a form that is not routed yet.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

LASTS: Final = timedelta(days=60)
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
# One byte for the kind, sixteen for the id, four for the hours; then 128 bits of proof.
_SIGNED, _PROOF = 21, 16
_TOKEN_LENGTH: Final = 50
_KEYS: Final = 8


class LinkKind(IntEnum):
    """The kind of a link's target."""

    CONVERSATION = 1
    INBOUND = 2
    ANSWER = 3


@dataclass(frozen=True, slots=True)
class CaseLink:
    """The target of a link, and until when the link is valid."""

    kind: LinkKind
    id: UUID
    until: datetime


@lru_cache(maxsize=_KEYS)
def case_key(key: bytes) -> bytes:
    """Return the key that signs case links. key: the key of thread tokens (`router.threads.correlation`)."""
    return hmac.digest(key, b"case links", "sha256")


def write_case_token(key: bytes, link: CaseLink) -> str:
    """Return the last part of the link. key: see `case_key`.  until: rounded down to the hour."""
    hours = int((link.until - _EPOCH) / _HOUR)
    signed = bytes([link.kind]) + link.id.bytes + hours.to_bytes(4, "big")
    return _encoded(signed + _proof(key, signed))


def read_case_token(key: bytes, token: str, *, now: datetime) -> CaseLink | None:
    """Return the link that the token carries; None if we did not sign the token, or if it has expired."""
    if len(token) != _TOKEN_LENGTH or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "==", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    signed, proof = raw[:_SIGNED], raw[_SIGNED:]
    # The last letter has unused bits: accept only the spelling that we write.
    is_ours = hmac.compare_digest(proof, _proof(key, signed)) and _encoded(raw) == token
    if not is_ours:
        return None
    link = CaseLink(LinkKind(signed[0]), UUID(bytes=signed[1:17]), _EPOCH + int.from_bytes(signed[17:], "big") * _HOUR)
    return link if now < link.until else None


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _proof(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")[:_PROOF]
