"""What was just done, said once on the next page, with what would undo it: a short-lived cookie that we have signed.

Signed, because a link could otherwise offer to "undo" what somebody else thought of.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import Response

from api.desk import Desk
from api.http.permissions import Actor
from api.paths import POLL_HEADER

_LASTS: Final = timedelta(minutes=2)
# Browsers keep 4096 bytes of a cookie.
_LONGEST: Final = 3500


class Flash(BaseModel):
    """Something done. said: key of its words.  key: the conversation.  undo: the order that takes it back.

    outbound: a message that may still be cancelled.  version: of the conversation after it.
    """

    model_config = ConfigDict(frozen=True)

    agent: str
    at: datetime
    said: str
    key: str
    values: dict[str, str] = {}
    undo: dict[str, Any] | None = None
    outbound: str = ""
    version: int | None = None


def seal(desk: Desk, flash: Flash) -> str:
    """Return it with our signature."""
    plain = base64.urlsafe_b64encode(flash.model_dump_json().encode()).decode()
    return f"{plain}.{_proof(desk, plain)}"


def unseal(desk: Desk, sealed: str, *, actor: Actor) -> Flash | None:
    """Return what this agent did; None if it is not ours, not theirs or not new."""
    plain, _, proof = sealed.partition(".")
    if not plain or not hmac.compare_digest(_proof(desk, plain).encode(), proof.encode("utf-8", "replace")):
        return None
    try:
        flash = Flash.model_validate_json(base64.urlsafe_b64decode(plain))
    except (ValidationError, binascii.Error):
        return None
    return flash if desk.now() - flash.at < _LASTS and flash.agent == actor.id.hex else None


def set_flash(response: Response, desk: Desk, flash: Flash) -> None:
    """Let the next page say it."""
    value = seal(desk, flash)
    if len(value) < _LONGEST:
        age = int(_LASTS.total_seconds())
        response.set_cookie(_name(desk), value, max_age=age, secure=desk.secure, httponly=True, samesite="lax")


def take_flash(request: Request, desk: Desk, actor: Actor | None) -> tuple[Flash, str] | None:
    """Return what this page has to say, and its sealed form; a page that freshens itself leaves it to the next one."""
    sealed = request.cookies.get(_name(desk), "")
    if actor is None or not sealed or POLL_HEADER in request.headers:
        return None
    flash = unseal(desk, sealed, actor=actor)
    return (flash, sealed) if flash else None


def drop_flash(response: Response, desk: Desk) -> None:
    """Say it no more."""
    response.delete_cookie(_name(desk), secure=desk.secure, httponly=True, samesite="lax")


def _name(desk: Desk) -> str:
    return "__Host-omniyard-done" if desk.secure else "omniyard_done"


def _proof(desk: Desk, plain: str) -> str:
    return hmac.new(desk.sessions.key, f"flash.{plain}".encode(), hashlib.sha256).hexdigest()
