"""How a customer's browser proves, for an hour, that it has the address of a case: codes and the cookie after one.

The link alone shows a case's state; its words are shown, and answers taken, only after a code that went to the address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

LASTS: Final = timedelta(hours=1)
_DIGITS: Final = 6
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)
_PROOF_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class ProvenAddress:
    """The address that a browser has proven, and whose contact it belongs to."""

    contact_id: UUID
    handle: str


class CaseAccess:
    """Makes codes and cookies. key: for this purpose only, the same in every web process."""

    def __init__(self, key: bytes) -> None:
        self._codes, self._cookies = (hmac.new(key, use, hashlib.sha256).digest() for use in (b"codes", b"cookies"))

    def new_code(self) -> str:
        """Return a code of six digits."""
        return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"

    def proof(self, code_id: UUID, *, handle: str, code: str) -> bytes:
        """Return what is kept of a code: without the key, a million guesses do not find it."""
        said = code_id.bytes + handle.encode("utf-8", "replace") + b"\0" + code.encode("utf-8", "replace")
        return hmac.new(self._codes, said, hashlib.sha256).digest()

    def no_proof(self) -> bytes:
        """Return bytes that no code proves."""
        return secrets.token_bytes(_PROOF_BYTES)

    def write(self, proven: ProvenAddress, *, now: datetime) -> str:
        """Return the value of the cookie."""
        until = int((now + LASTS).timestamp())
        said = f"{proven.contact_id.hex}.{until}.{base64.urlsafe_b64encode(proven.handle.encode()).decode()}"
        return f"{said}.{self._sign(said)}"

    def read(self, cookie: str, *, now: datetime) -> ProvenAddress | None:
        """Return what a cookie proves; None if we did not sign it, or it has expired."""
        said, _, sign = cookie.rpartition(".")
        if not said or not hmac.compare_digest(sign.encode("utf-8", "replace"), self._sign(said).encode()):
            return None
        contact, until, handle = said.split(".")
        if datetime.fromtimestamp(int(until), UTC) <= now:
            return None
        try:
            return ProvenAddress(UUID(hex=contact), base64.urlsafe_b64decode(handle).decode())
        except (ValueError, binascii.Error):
            return None

    def _sign(self, said: str) -> str:
        return hmac.new(self._cookies, said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def digits_of(code: str) -> str:
    """Return the code as it was typed, without blanks and dashes, full-width digits as digits; empty if it is none."""
    bare = "".join(str(int(char)) for char in code if char.isdecimal())
    return bare if _CODE.fullmatch(bare) else ""
