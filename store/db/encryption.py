"""Sealing: originals are encrypted under a key that is not in the database (AES-256-GCM, NIST SP 800-38D).

Customers type card numbers and passwords, and originals contain them: PCI DSS 4.0 section 3.5.1. A copy of the
database alone does not reveal them. Rows from before there was a key, or without `cryptography`, stay readable.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

from router.errors import PermanentError, SealKeyMissing

if TYPE_CHECKING:
    # `check` asks whether anything can be sealed, and needs no database.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # type: ignore[import-not-found, unused-ignore]
    from sqlalchemy.engine import Connection

# No zstandard frame, no JSON and no mail begins like this.
_MARK: Final = b"\x00oy1"
_TEXT_MARK: Final = "sealed:"
_KEY_NAME_BYTES: Final = 4
# 96 random bits: one collision in 2^32 messages is as likely as winning a lottery twice (SP 800-38D section 8.3).
_NONCE_BYTES: Final = 12
_HEAD: Final = len(_MARK) + _KEY_NAME_BYTES + _NONCE_BYTES
_ORIGINAL: Final = b"original"
_TEXT: Final = b"text"
# The fastest level; it makes envelopes three times smaller.
_LEVEL: Final = 1
OPTION: Final = "omniyard_sealer"
_LOOK_AGAIN_SECONDS: Final = 5.0
_DAMAGED: Final = "the sealed message was changed or damaged since it was kept"
# How many characters and bytes of a sealed value tell under which key it is.
TEXT_HEAD: Final = len(_TEXT_MARK) + 11
ORIGINAL_HEAD: Final = len(_MARK) + _KEY_NAME_BYTES


def key_name(key: bytes) -> bytes:
    """Return what stands in front of everything that the key seals: a hash that does not tell the key."""
    return hashlib.blake2b(key, digest_size=_KEY_NAME_BYTES, person=b"omniyard key id").digest()


def key_name_in(head: bytes | str) -> str | None:
    """Return the name of the key that a value was sealed under, None if it was not sealed.

    head: its beginning, TEXT_HEAD characters or ORIGINAL_HEAD bytes.
    """
    if isinstance(head, str):
        if not head.startswith(_TEXT_MARK):
            return None
        try:
            head = b64decode(head[len(_TEXT_MARK) : TEXT_HEAD] + "=")
        except ValueError:
            return "damaged"
    return head[len(_MARK) : ORIGINAL_HEAD].hex() if head.startswith(_MARK) else None


def can_seal() -> bool:
    """Return whether this installation can seal; if not, everything is stored unsealed."""
    try:
        import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401, PLC0415
    except ImportError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Ring:
    """The keys that a process has. newest: the name of the key that seals; None where nothing can be sealed."""

    newest: bytes | None = None
    ciphers: Mapping[bytes, AESGCM] = field(default_factory=dict)


class Sealer:
    """Seals under the newest key and opens under each of them; several threads may use it.

    find_key: returns the newest key.  find_older: returns the keys that only open.  Both are called at the first use,
    and again when something was sealed under a key that is not known yet: another process may have made a new one.
    """

    def __init__(
        self, find_key: Callable[[], bytes] | None, *, find_older: Callable[[], Sequence[bytes]] = tuple
    ) -> None:
        self._find_key, self._find_older = find_key, find_older
        self._threads = threading.local()
        self._ring: _Ring | None = None
        self._loaded_at = 0.0

    def seal(self, content: bytes) -> bytes:
        """Return bytes that only this desk's key opens; unchanged where nothing can be sealed."""
        return self._seal(content, _ORIGINAL) if self._keys.newest else content

    def open(self, content: bytes) -> bytes:
        """Return what was sealed; bytes that never were, as they are.

        Raises SealKeyMissing when this process does not have the key that they were sealed with,
        PermanentError when they were changed or damaged.
        """
        return self._open(content, _ORIGINAL) if content.startswith(_MARK) else content

    def seal_text(self, text: str) -> str:
        """Return the text sealed, as ASCII."""
        if not self._keys.newest:
            return text
        return _TEXT_MARK + b64encode(self._seal(self._compressor.compress(text.encode()), _TEXT)).decode("ascii")

    def open_text(self, text: str) -> str:
        """See `open`."""
        if not text.startswith(_TEXT_MARK):
            return text
        try:
            packed = self._open(b64decode(text[len(_TEXT_MARK) :]), _TEXT)
            return self._decompressor.decompress(packed).decode()
        except (ValueError, ZstdError) as error:
            raise PermanentError(_DAMAGED) from error

    def names(self) -> tuple[str, ...]:
        """Return the names of the keys, the newest first; none where nothing can be sealed. A name tells no key."""
        ring = self._keys
        return tuple(name.hex() for name in sorted(ring.ciphers, key=lambda name: name != ring.newest))

    def _seal(self, content: bytes, purpose: bytes) -> bytes:
        name = self._keys.newest
        if name is None:
            raise AssertionError("callers look first")
        nonce = os.urandom(_NONCE_BYTES)
        return b"".join((_MARK, name, nonce, self._keys.ciphers[name].encrypt(nonce, content, purpose)))

    def _open(self, sealed: bytes, purpose: bytes) -> bytes:
        name = sealed[len(_MARK) : len(_MARK) + _KEY_NAME_BYTES]
        cipher = self._keys.ciphers.get(name) or self._look_again().ciphers.get(name)
        if cipher is None:
            raise SealKeyMissing(
                f"the message was sealed with a key that this process does not have ({name.hex()}): see "
                "[omniyard] key and old_keys, and desk.key in the data folder"
            )
        from cryptography.exceptions import (  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415
            InvalidTag,
        )

        try:
            return bytes(cipher.decrypt(sealed[_HEAD - _NONCE_BYTES : _HEAD], sealed[_HEAD:], purpose))
        except InvalidTag as error:
            raise PermanentError(_DAMAGED) from error

    @property
    def _keys(self) -> _Ring:
        if self._ring is None:
            self._load()
        return self._ring or _Ring()

    def _look_again(self) -> _Ring:
        # A list of a thousand rows under a lost key must not read the key's file a thousand times.
        if time.monotonic() - self._loaded_at > _LOOK_AGAIN_SECONDS:
            self._load()
        return self._keys

    def _load(self) -> None:
        self._ring, self._loaded_at = self._read_keys(), time.monotonic()

    def _read_keys(self) -> _Ring:
        if self._find_key is None or not can_seal():
            return _Ring()
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        newest = self._find_key()
        keys = {key_name(key): AESGCM(key) for key in (newest, *self._find_older())}
        return _Ring(key_name(newest), keys)

    @property
    def _compressor(self) -> ZstdCompressor:
        # One per thread: making one costs more than using it, and two threads may not share it.
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
