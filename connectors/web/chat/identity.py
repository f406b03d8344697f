"""Read who a visitor is, as the operator's own server signed it: a JWT (RFC 7519), HS256 (RFC 7518 section 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import jwt

from connectors.web.form import is_address
from router.errors import PermanentError

# A token is fetched for one sign-in. One that lasts longer would be a second password.
_LONGEST: Final = timedelta(hours=1)
_CLOCKS_APART: Final = timedelta(seconds=30)
_LONGEST_SUBJECT: Final = 200
_LONGEST_NAME: Final = 100


class RefusedIdentity(PermanentError):
    """The token proves nothing: it is not signed as agreed, has expired, lasts too long, or is for another chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIdentity:
    """A visitor, proved. subject: the operator's own id of the account.  email: empty if none was signed."""

    subject: str
    name: str
    email: str


def read_identity(token: str, *, secret: str, channel: str, now: datetime) -> SignedIdentity:
    """Return who the token names. channel: the chat that it must be made for (`aud`).

    Raises RefusedIdentity. Only HS256 is accepted, whatever the token's header says (RFC 8725 section 3.1).
    """
    options = {"require": ["exp", "sub", "aud"], "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        claims = jwt.decode(token, secret, algorithms=["HS256"], audience=channel, options=options)  # type: ignore[arg-type]
        expires, subject = claims["exp"], claims["sub"]
    except jwt.PyJWTError as error:
        raise RefusedIdentity(f"the token is refused ({type(error).__name__})") from None
    if not isinstance(expires, int) or not _is_soon(expires, now=now):
        raise RefusedIdentity("the token has expired, or lasts longer than an hour")
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not subject.isprintable():
        raise RefusedIdentity("the token names no account")
    name, email = _text(claims, "name"), _text(claims, "email").lower()
    return SignedIdentity(subject=subject, name=name[:_LONGEST_NAME], email=email if is_address(email) else "")


def _is_soon(expires: int, *, now: datetime) -> bool:
    left = expires - now.timestamp()
    return -_CLOCKS_APART.total_seconds() < left <= (_LONGEST + _CLOCKS_APART).total_seconds()


def _text(claims: dict[str, object], name: str) -> str:
    value = claims.get(name, "")
    return " ".join(value.split()) if isinstance(value, str) else ""
