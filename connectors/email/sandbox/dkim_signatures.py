"""Verify the DKIM signatures of one mail in the reader, with keys that the guard brings: no network here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_MOST: Final = 8
_ALGORITHMS: Final = frozenset({b"rsa-sha256", b"ed25519-sha256"})


def signed_by(content: bytes, *, keys: Mapping[str, bytes]) -> list[str]:
    """Return the domains, in lower case, that signed the whole mail with one of these keys.

    keys: TXT records by their names.
    """
    import dkim  # noqa: PLC0415  (loaded in the reader alone, and only where signatures are checked)

    mail = dkim.DKIM(content)
    # A second From would be shown in place of the signed one (RFC 6376 section 8.15).
    if sum(name.strip().lower() == b"from" for name, _ in mail.headers) != 1:
        return []

    def find(name: bytes | str, **_: float) -> bytes | None:
        return _key(name, keys)

    found = []
    for place in range(_MOST):
        try:
            is_good = mail.verify(idx=place, dnsfunc=find)
        except dkim.DKIMException:
            continue
        # What the library makes of odd signatures and keys: they prove nothing, and the next may.
        except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, AttributeError):
            continue
        if is_good and _covers(mail.signature_fields):
            found.append(mail.domain.decode("ascii", "replace").lower())
    return list(dict.fromkeys(found))


def _covers(fields: Mapping[bytes, bytes]) -> bool:
    """Return whether the signature covers the author and the whole body, by an algorithm that still proves something.

    With a length anybody may add to the body (RFC 6376 section 8.2); SHA-1 proves nothing (RFC 8301).
    """
    names = {name.strip().lower() for name in fields.get(b"h", b"").split(b":")}
    return b"from" in names and b"l" not in fields and fields.get(b"a", b"").lower() in _ALGORITHMS


def _key(name: bytes | str, keys: Mapping[str, bytes]) -> bytes | None:
    asked = (name.decode("ascii", "replace") if isinstance(name, bytes) else name).rstrip(".").lower()
    record = keys.get(asked)
    if record is None:
        return None
    tags = dict(part.strip().partition(b"=")[::2] for part in record.split(b";"))
    # "y": the domain only tries signing, and its mail is to be treated as unsigned (RFC 6376 section 3.6.1).
    flags = {flag.strip() for flag in tags.get(b"t", b"").split(b":")}
    return None if b"y" in flags else record
