"""The envelope of the callbacks of WeCom, service accounts and mini programs: signed, encrypted with AES-256-CBC.

Sources: developer.work.weixin.qq.com 90968 (signature and cipher); the key of 43 characters is base64 without its last
"=", its first 16 bytes are the IV, the padding is PKCS#7 to 32 bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

from router.errors import ConfigError, PermanentError

_BLOCK: Final = 32
_RANDOM: Final = 16
_LENGTH: Final = 4
_IV: Final = 16


def signature_of(token: str, *parts: str) -> str:
    """Return the signature of the parts under a token: SHA-1 over all, sorted. Two parts: the plain form."""
    return hashlib.sha1("".join(sorted((token, *parts))).encode("utf-8", "replace")).hexdigest()  # noqa: S324  (theirs)


def is_signed(given: str, *, token: str, parts: tuple[str, ...]) -> bool:
    """Return whether a signature is of these parts."""
    return hmac.compare_digest(signature_of(token, *parts).encode(), given.encode("utf-8", "replace"))


def read_key(text: str) -> bytes:
    """Return the 32 bytes of an EncodingAESKey. Raises ConfigError, whose message does not repeat it."""
    try:
        key = base64.b64decode(f"{text}=", validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _BLOCK:
        raise ConfigError("`aes_key` must be the EncodingAESKey of 43 characters")
    return key


def decrypt(encrypted: str, *, key: bytes, receiver: str) -> str:
    """Return the text of an envelope. receiver: for whom it must be: the corp's or the app's id.

    Raises PermanentError when it is damaged, or for others.
    """
    try:
        sealed = base64.b64decode(encrypted, validate=True)
        plain = _unpadded(_decipher(sealed, key))
        length = int.from_bytes(plain[_RANDOM : _RANDOM + _LENGTH], "big")
        start = _RANDOM + _LENGTH
        text, theirs = plain[start : start + length], plain[start + length :]
        if len(text) != length or theirs.decode() != receiver:
            raise PermanentError("the callback is damaged, or for another account")
        return text.decode()
    except (ValueError, binascii.Error) as error:
        raise PermanentError("the callback cannot be decrypted") from error


def encrypt(text: str, *, key: bytes, receiver: str, random: bytes) -> str:
    """Return the envelope of a text. random: 16 bytes."""
    body = text.encode()
    plain = random + len(body).to_bytes(_LENGTH, "big") + body + receiver.encode()
    pad = _BLOCK - len(plain) % _BLOCK
    padded = plain + bytes([pad]) * pad
    cipher = _cipher(key).encryptor()
    return base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()


def _decipher(sealed: bytes, key: bytes) -> bytes:
    if not sealed or len(sealed) % _BLOCK:
        raise ValueError("the length is no multiple of the block's")
    cipher = _cipher(key).decryptor()
    return bytes(cipher.update(sealed) + cipher.finalize())


def _unpadded(padded: bytes) -> bytes:
    pad = padded[-1]
    if not 1 <= pad <= _BLOCK or padded[-pad:] != bytes([pad]) * pad:
        raise ValueError("the padding is wrong")
    return padded[:-pad]


def _cipher(key: bytes):  # type: ignore[no-untyped-def]  # noqa: ANN202  (of a library that may be absent)
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError("callbacks of WeCom and WeChat need the package cryptography") from error
    return Cipher(algorithms.AES(key), modes.CBC(key[:_IV]))
