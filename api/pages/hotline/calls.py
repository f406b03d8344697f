"""The page for calls: find the caller's cases, and note what was said. The channels are hotlines (`call_notes`)."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Requires
from api.http.forms import Fields, Form
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError
from api.pages.render import render
from api.rest.queries import Listed, read_list
from connectors.voice.notes import KINDS, MOST_MINUTES, CallNote, number_of
from router.errors import Conflict, NotFound
from router.settings.channels.base import CallNotes
from router.text.visible import is_visible
from store.calls.call_backs import list_call_backs, settle_call_back, settle_call_backs_of, settled_lately
from store.conversations.lists import Filter
from store.db.engine import read_clock
from store.desk.audit import AuditAction, AuditEntry, append_audit

_CASES: Final = 10
_CALL_BACKS: Final = 50
_SETTLED: Final = 10
_LONGEST: Final = 20_000
_KEY: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SEE_OTHER: Final = 303
# Stands for the number of a note whose caller has none.
_WITHHELD: Final = "withheld"

routes: Final = APIRouter(include_in_schema=False)
Speaker = Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))]


@routes.get("/calls")
def calls(  # noqa: PLR0913  (one a part of the address)
    request: Request,
    desk: DeskPart,
    actor: Speaker,
    shown: Shown,
    *,
    number: Annotated[str, Query(max_length=40)] = "",
    kind: Annotated[str, Query(max_length=20)] = "",
    channel: Annotated[str, Query(max_length=100)] = "",
    noted: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """Show the form for a call, with the cases of the caller, and who waits to be called back."""
    form = Fields({"kind": [kind], "channel": [channel]}) if kind in KINDS else None
    return _page(request, desk, actor, shown=shown, number=number.strip(), noted=noted, form=form)


@routes.post("/calls/called-back")
def called_back(desk: DeskPart, actor: Speaker, form: Form) -> Response:
    """Take a number off the list of calls to make."""
    try:
        call_id = UUID(form.one("call"))
    except ValueError as error:
        raise ProblemError("invalid", "this desk has no such form") from error
    with desk.database.write() as connection:
        if not settle_call_back(connection, call_id, by=actor.name, only_teams=actor.sees_only):
            raise Conflict("This call is settled already.")
        at = read_clock(connection)
        entry = AuditEntry(
            at=at, actor=actor.name, actor_id=actor.id, action=AuditAction.CALL_CALLED_BACK, object=str(call_id)
        )
        append_audit(connection, [entry])
    return RedirectResponse("/calls", _SEE_OTHER)


@routes.post("/calls")
def note(request: Request, desk: DeskPart, actor: Speaker, form: Form, *, shown: Shown) -> Response:
    """Store the note of a call, which is routed like any message; or look its caller up, and keep what is typed."""
    hotlines = _hotlines(desk)
    channel, text = form.one("channel"), form.whole("text")
    if channel not in hotlines or form.one("kind") not in KINDS or not _KEY.fullmatch(form.one("key")):
        raise ProblemError("invalid", "this desk has no such form")
    number = form.one("number")
    if form.one("do") == "look":
        return _page(request, desk, actor, shown=shown, number=number, form=form)
    if problem := _problem(hotlines[channel], number=number, text=text):
        return _page(request, desk, actor, shown=shown, number=number, problem=problem, form=form)
    called = CallNote(
        key=form.one("key"),
        agent=actor.name,
        number=number,
        kind=form.one("kind"),
        text=text,
        minutes=min(form.number("minutes") or 0, MOST_MINUTES),
        waits=bool(form.one("waits")),
    )
    inbound_id = desk.webhooks.call_note(channel, called, now=desk.now())
    with desk.database.write() as connection:
        at = read_clock(connection)
        if called.kind == "out" and not called.waits:
            caller = number_of(hotlines[channel], number)
            settle_call_backs_of(connection, channel=channel, caller=caller, by=actor.name, only_teams=actor.sees_only)
        entry = AuditEntry(
            at=at, actor=actor.name, actor_id=actor.id, action=AuditAction.CALL_NOTED, object=str(inbound_id)
        )
        append_audit(connection, [entry])
    noted = urlencode({"noted": number_of(hotlines[channel], number) or _WITHHELD})
    return RedirectResponse(f"/calls?{noted}", _SEE_OTHER)


def _page(  # noqa: PLR0913  (one a thing that the page shows)
    request: Request,
    desk: Desk,
    actor: Actor,
    *,
    shown: Shown,
    number: str,
    noted: str = "",
    problem: str = "",
    form: Fields | None = None,
) -> HTMLResponse:
    hotlines = _hotlines(desk)
    if not hotlines:
        raise NotFound("this desk has no hotline")
    known = number_of(next(iter(hotlines.values())), number) or number
    cases: list[Listed] = []
    with desk.database.read() as connection:
        call_backs = list_call_backs(connection, only_teams=actor.sees_only, limit=_CALL_BACKS + 1)
        settled = settled_lately(connection, only_teams=actor.sees_only, limit=_SETTLED)
        if known:
            wanted = Filter(contact=known, only_teams=actor.sees_only)
            cases, _ = read_list(connection, wanted, after=None, limit=_CASES)
    shown.are([*call_backs, *settled, *(row for row, _, _ in cases)])
    typed = form or Fields()
    context = {
        "hotlines": list(hotlines),
        "kinds": KINDS,
        "number": known,
        "cases": cases,
        "call_backs": call_backs[:_CALL_BACKS],
        "more_call_backs": len(call_backs) > _CALL_BACKS,
        "settled": settled,
        "noted": noted,
        "noted_of": noted if noted != _WITHHELD else "",
        # Of a note that was not stored, so that it is stored once.
        "form_key": typed.one("key") or uuid4().hex,
        "problem": problem,
        "typed": {name: typed.whole(name) for name in ("text", "kind", "minutes", "waits", "channel")},
    }
    page = render(request, "calls.html.jinja", context)
    page.status_code = 422 if problem else 200
    return page


def _hotlines(desk: Desk) -> dict[str, CallNotes]:
    known = desk.settings.channels.items()
    return {name: each.call_notes for name, each in known if each.enabled and each.call_notes}


def _problem(notes: CallNotes, *, number: str, text: str) -> str:
    if number and not number_of(notes, number):
        return "call_bad_number"
    if not is_visible(text) or len(text) > _LONGEST:
        return "call_empty"
    return ""
