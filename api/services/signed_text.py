"""Texts that leave the desk with a browser and come back: signed, for one purpose, and valid for a while."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError


class Ticket(BaseModel):
    """What is signed. until: when it is over, in seconds since 1970."""

    model_config = ConfigDict(frozen=True)

    until: float


_Kind = TypeVar("_Kind", bound=Ticket)


def proof_of(key: bytes, text: str, *, purpose: str) -> str:
    """Return a text of 64 characters that only a holder of the key can make."""
    return hmac.new(key, f"{purpose}.{text}".encode(), hashlib.sha256).hexdigest()


def sign(key: bytes, ticket: Ticket, *, purpose: str) -> str:
    """Return the ticket as text for a form or a cookie; its content can be read, but not changed."""
    plain = ticket.model_dump_json().encode().hex()
    return f"{plain}.{proof_of(key, plain, purpose=purpose)}"


def read_signed(key: bytes, signed: str, *, purpose: str, model: type[_Kind], now: datetime) -> _Kind | None:
    """Return the ticket; None if we did not sign it for this purpose, or if it is over."""
    plain, _, proof = signed.partition(".")
    if not hmac.compare_digest(proof_of(key, plain, purpose=purpose).encode(), proof.encode("utf-8", "replace")):
        return None
    try:
        ticket = model.model_validate_json(bytes.fromhex(plain))
    except (ValidationError, ValueError):
        return None
    return ticket if now.timestamp() < ticket.until else None
