"""The notice of the last action, shown once on the next page with its undo: a short-lived signed cookie.

Without the signature an attacker could offer an "undo" that does something else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.responses import Response

from api.desk import Desk
from api.http.permissions import Actor
from api.pages.cases.reverse_order import Undo
from api.paths import POLL_HEADER

_LASTS: Final = timedelta(minutes=2)
# Browsers store at most 4096 bytes per cookie.
_LONGEST: Final = 3500


class EndedChat(BaseModel):
    """A chat that an agent ended. waiting_since: since when its visitor waited then; None if they did not."""

    model_config = ConfigDict(frozen=True)

    session_id: UUID
    waiting_since: datetime | None


class Flash(BaseModel):
    """A completed action. said: key of its phrase.  key, subject: of the conversation.

    undo: what takes a change back.
    outbound: a message that can still be cancelled.  until: until when, if it leaves in some seconds.
    regrouping: id of a merge, a split or an unlinking.  unblocks: the contact whose messages are let in again.
    contact: id and former values of an edited contact.  home: where undoing leads; empty for the conversation.
    chat: what `resume_chat` needs.
    many: of a bulk action, by conversation what takes it back and the version.
    judged: it was answered whether the customer is in danger.  version: of the conversation after the action.
    """

    model_config = ConfigDict(frozen=True)

    agent: UUID
    at: datetime
    said: str
    key: str
    subject: str = ""
    values: dict[str, str] = {}
    undo: Undo | None = None
    outbound: str = ""
    until: datetime | None = None
    judged: bool = False
    version: int | None = None
    regrouping: str = ""
    contact: dict[str, Any] | None = None
    home: str = ""
    chat: EndedChat | None = None
    many: list[tuple[str, Undo, int]] = []
    unblocks: str = ""

    @property
    def can_undo(self) -> bool:
        """Whether a button takes it back."""
        changed = self.undo or self.outbound or self.judged or self.regrouping or self.contact
        return bool(changed or self.chat or self.unblocks)


def seal(desk: Desk, flash: Flash) -> str:
    """Return the signed value of the cookie."""
    plain = base64.urlsafe_b64encode(flash.model_dump_json().encode()).decode()
    return f"{plain}.{_proof(desk, plain)}"


def unseal(desk: Desk, sealed: str, *, actor: Actor) -> Flash | None:
    """Return the action; None if the signature is wrong, another agent did it, or it is too old."""
    plain, _, proof = sealed.partition(".")
    if not plain or not hmac.compare_digest(_proof(desk, plain).encode(), proof.encode("utf-8", "replace")):
        return None
    try:
        flash = Flash.model_validate_json(base64.urlsafe_b64decode(plain))
    except (ValidationError, binascii.Error):
        return None
    return flash if desk.now() - flash.at < _LASTS and flash.agent == actor.id else None


def set_flash(response: Response, desk: Desk, flash: Flash) -> None:
    """Set the cookie for the next page."""
    value = seal(desk, flash)
    if len(value) < _LONGEST:
        age = int(_LASTS.total_seconds())
        response.set_cookie(_name(desk), value, max_age=age, secure=desk.secure, httponly=True, samesite="lax")


def take_flash(request: Request, desk: Desk, actor: Actor | None) -> tuple[Flash, str] | None:
    """Return the notice for this page and its signed form; a page that polls leaves it to the next page."""
    sealed = request.cookies.get(_name(desk), "")
    if actor is None or not sealed or POLL_HEADER in request.headers:
        return None
    flash = unseal(desk, sealed, actor=actor)
    return (flash, sealed) if flash else None


def drop_flash(response: Response, desk: Desk) -> None:
    """Delete the cookie."""
    response.delete_cookie(_name(desk), secure=desk.secure, httponly=True, samesite="lax")


def _name(desk: Desk) -> str:
    return "__Host-omniyard-done" if desk.secure else "omniyard_done"


def _proof(desk: Desk, plain: str) -> str:
    return hmac.new(desk.sessions.key, f"flash.{plain}".encode(), hashlib.sha256).hexdigest()
