"""Links that show a customer how their case stands: unguessable, for one case, and only for a while.

The link is all the proof there is, so its page tells states and never what anybody wrote. A link names a conversation,
or the message of a form that is not routed yet.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final
from uuid import UUID

LASTS: Final = timedelta(days=60)
_EPOCH: Final = datetime(2020, 1, 1, tzinfo=UTC)
_HOUR: Final = timedelta(hours=1)
# One byte of kind, sixteen of id, four of hours; then 128 bits of proof.
_SAID, _PROOF = 21, 16
_TOKEN_LENGTH: Final = 50


class LinkKind(IntEnum):
    """What a link names."""

    CONVERSATION = 1
    INBOUND = 2


@dataclass(frozen=True, slots=True)
class CaseLink:
    """What a link names, and until when it holds."""

    kind: LinkKind
    id: UUID
    until: datetime


def case_key(key: bytes) -> bytes:
    """Return what case links are proven with. key: proves thread tokens too (`router.threads.correlation`)."""
    return hmac.new(key, b"case links", hashlib.sha256).digest()


def write_case_token(key: bytes, link: CaseLink) -> str:
    """Return the link's last part. key: see `case_key`.  until: kept to the hour."""
    hours = int((link.until - _EPOCH) / _HOUR)
    said = bytes([link.kind]) + link.id.bytes + hours.to_bytes(4, "big")
    return _written(said + _proof(key, said))


def read_case_token(key: bytes, token: str, *, now: datetime) -> CaseLink | None:
    """Return what the token names; None for one that we never wrote, and for one whose time is over."""
    if len(token) != _TOKEN_LENGTH or not token.isascii():
        return None
    try:
        raw = base64.b64decode(token + "==", altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    said, proof = raw[:_SAID], raw[_SAID:]
    # The last letter has bits that say nothing: a link has one spelling.
    is_ours = hmac.compare_digest(proof, _proof(key, said)) and _written(raw) == token
    if not is_ours:
        return None
    link = CaseLink(LinkKind(said[0]), UUID(bytes=said[1:17]), _EPOCH + int.from_bytes(said[17:], "big") * _HOUR)
    return link if now < link.until else None


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _proof(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, said, hashlib.sha256).digest()[:_PROOF]
