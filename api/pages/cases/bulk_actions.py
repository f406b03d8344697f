"""Bulk actions of the list: one request for the chosen conversations, a result for each, and one undo for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.forms import Fields, Form, ours
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError
from api.pages.cases.after import Refused, words_of_refusal
from api.pages.cases.reverse_order import Undo, undo_of
from api.pages.cases.spam import SPAM
from api.pages.orders import change_order
from api.pages.render import render
from api.pages.toast import Flash, seal, unseal
from api.rest.changes import ChangeOrder, change_once, look_before
from router.errors import TransientError

_MOST: Final = 100

routes: Final = APIRouter(include_in_schema=False)
Worker = Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkLine:
    """The result for one conversation. refused: why it was not done; empty if it was."""

    key: str
    subject: str = ""
    refused: str = ""


@routes.post("/bulk")
def bulk(request: Request, desk: DeskPart, actor: Worker, form: Form) -> Response:
    """Do the same with every chosen conversation; those that refuse are listed with the reason."""
    keys = [*dict.fromkeys(form.many("keys"))][:_MOST]
    if not keys:
        raise ProblemError("invalid", "expected at least one chosen conversation")
    if form.one("do") == "merge":
        return _merge(keys)
    order = _order(desk, form)
    lines: list[BulkLine] = []
    undo: list[tuple[str, Undo, int]] = []
    for key in keys:
        line, reverted = _one(request, desk, actor, key=key, order=order)
        lines.append(line)
        undo += [reverted] if reverted else []
    sealed = _sealed(desk, actor, form.one("do"), undo) if undo else ""
    return _results(request, lines, sealed=sealed, back=form.one("back"))


@routes.post("/bulk/undo")
def undo_bulk(request: Request, desk: DeskPart, actor: Worker, form: Form) -> Response:
    """Undo a bulk action for each conversation that has not changed since."""
    done = unseal(desk, form.one("sealed"), actor=actor)
    if done is None:
        raise ProblemError("conflict", "this is too old to be undone by a button")
    lines = []
    for key, undo, version in done.many:
        order = undo.at(desk.now())
        lines.append(_one(request, desk, actor, key=key, order=order, version=version)[0])
    return _results(request, lines, sealed="", back=form.one("back"), undone=True)


def _merge(keys: Sequence[str]) -> Response:
    if len(keys) != 2:
        raise ProblemError("invalid", "expected exactly two conversations to merge")
    return RedirectResponse(ours(f"/conversations/{keys[0]}/merge?with={keys[1]}"), status_code=303)


def _order(desk: Desk, form: Fields) -> ChangeOrder:
    if form.one("do") == "spam":
        return SPAM
    zone = desk.settings.omniyard.timezone
    try:
        order = change_order(form, opens_at=None, now=desk.now(), zone=zone)
        order.change()
    except ValueError as error:
        raise ProblemError("invalid", "expected a value for this button") from error
    return order


def _one(
    request: Request,
    desk: Desk,
    actor: Actor,
    *,
    key: str,
    order: ChangeOrder,
    version: int | None = None,
) -> tuple[BulkLine, tuple[str, Undo, int] | None]:
    """Change one conversation; return its line, and what takes the change back."""
    subject = ""
    try:
        with desk.database.read() as connection:
            before = look_before(connection, key, actor=actor)
        subject = before.record.subject
        # What is taken back later is what was there at the change.
        read = before.record.version if version is None else version
        changed = change_once(desk, key, order=order, actor=actor, version=read, once=None)
    except TransientError:
        # The database is unavailable for all of them.
        raise
    except Refused as error:
        return BulkLine(key=key, subject=subject, refused=words_of_refusal(request, desk, error)), None
    undo = undo_of(before, order, now=desk.now())
    return BulkLine(key=key, subject=subject), (key, undo, changed.version) if undo else None


def _sealed(desk: Desk, actor: Actor, verb: str, undo: list[tuple[str, Undo, int]]) -> str:
    return seal(desk, Flash(agent=actor.id, at=desk.now(), said=f"done_{verb}", key="", many=undo))


def _results(request: Request, lines: Sequence[BulkLine], *, sealed: str, back: str, undone: bool = False) -> Response:
    refused = [line for line in lines if line.refused]
    context = {"lines": lines, "refused": refused, "sealed": sealed, "back": ours(back), "undone": undone}
    return render(request, "cases/bulk_results.html.jinja", context)
