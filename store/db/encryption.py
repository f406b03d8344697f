"""Sealing: originals are encrypted under a key that is not in the database (AES-256-GCM, NIST SP 800-38D).

Customers type card numbers and passwords, and originals contain them: PCI DSS 4.0 section 3.5.1. A copy of the
database alone does not reveal them. Rows from before there was a key, or without `cryptography`, stay readable.
"""

from __future__ import annotations

import hashlib
import os
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sqlalchemy.engine import Connection
from zstandard import ZstdCompressor, ZstdDecompressor

from router.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # type: ignore[import-not-found, unused-ignore]

# No zstandard frame, no JSON and no mail begins like this.
_MARK: Final = b"\x00oy1"
_TEXT_MARK: Final = "sealed:"
_KEY_NAME_BYTES: Final = 4
# 96 random bits: one collision in 2^32 messages is as likely as winning a lottery twice (SP 800-38D section 8.3).
_NONCE_BYTES: Final = 12
_HEAD: Final = len(_MARK) + _KEY_NAME_BYTES + _NONCE_BYTES
_ORIGINAL: Final = b"original"
_TEXT: Final = b"text"
# Already thrice smaller, and the quickest.
_LEVEL: Final = 1
OPTION: Final = "omniyard_sealer"


def can_seal() -> bool:
    """Tell whether this installation has what sealing needs; without it all is kept as it came."""
    try:
        import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


class Sealer:
    """Seals and opens; may be used by several threads. find_key: asked once, when it is first needed."""

    def __init__(self, find_key: Callable[[], bytes] | None) -> None:
        self._find_key = find_key
        self._threads = threading.local()

    def seal(self, content: bytes) -> bytes:
        """Return bytes that only this desk's key opens; unchanged where nothing can be sealed."""
        return self._seal(content, _ORIGINAL) if self._cipher else content

    def open(self, content: bytes) -> bytes:
        """Return what was sealed; bytes that never were, as they are.

        Raises TransientError when this process has not the key they were sealed with: it is not the message's fault.
        """
        return self._open(content, _ORIGINAL) if content.startswith(_MARK) else content

    def seal_text(self, text: str) -> str:
        """Return the text sealed, as ASCII."""
        if not self._cipher:
            return text
        return _TEXT_MARK + b64encode(self._seal(self._compressor.compress(text.encode()), _TEXT)).decode("ascii")

    def open_text(self, text: str) -> str:
        """See `open`."""
        if not text.startswith(_TEXT_MARK):
            return text
        packed = self._open(b64decode(text[len(_TEXT_MARK) :]), _TEXT)
        return self._decompressor.decompress(packed).decode()

    def _seal(self, content: bytes, purpose: bytes) -> bytes:
        cipher, name = self._cipher, self._key_name
        if cipher is None:
            raise AssertionError("callers look first")
        nonce = os.urandom(_NONCE_BYTES)
        return b"".join((_MARK, name, nonce, cipher.encrypt(nonce, content, purpose)))

    def _open(self, sealed: bytes, purpose: bytes) -> bytes:
        if self._cipher is None or sealed[len(_MARK) : len(_MARK) + _KEY_NAME_BYTES] != self._key_name:
            raise TransientError(
                "the message was sealed with a key that this process has not: see [omniyard] key, and desk.key in the "
                "data folder"
            )
        from cryptography.exceptions import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
            InvalidTag,
        )

        try:
            return bytes(self._cipher.decrypt(sealed[_HEAD - _NONCE_BYTES : _HEAD], sealed[_HEAD:], purpose))
        except InvalidTag as error:
            raise PermanentError("the sealed message was changed or damaged since it was kept") from error

    @cached_property
    def _key(self) -> bytes | None:
        return self._find_key() if self._find_key else None

    @cached_property
    def _cipher(self) -> AESGCM | None:
        if self._find_key is None:
            return None
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
        except ImportError:
            return None
        return AESGCM(self._key or b"")

    @cached_property
    def _key_name(self) -> bytes:
        return hashlib.blake2b(self._key or b"", digest_size=_KEY_NAME_BYTES, person=b"omniyard key id").digest()

    @property
    def _compressor(self) -> ZstdCompressor:
        # One a thread: making one costs more than using it, and two threads may not share it.
        made: ZstdCompressor | None = getattr(self._threads, "compressor", None)
        if made is None:
            made = self._threads.compressor = ZstdCompressor(level=_LEVEL)
        return made

    @property
    def _decompressor(self) -> ZstdDecompressor:
        made: ZstdDecompressor | None = getattr(self._threads, "decompressor", None)
        if made is None:
            made = self._threads.decompressor = ZstdDecompressor()
        return made


def sealer_of(connection: Connection) -> Sealer:
    """Return the sealer of the connection's database; one that leaves everything as it is if it has none."""
    found = connection.get_execution_options().get(OPTION)
    return found if isinstance(found, Sealer) else Sealer(None)
