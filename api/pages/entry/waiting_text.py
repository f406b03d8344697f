"""What an agent typed and sent after the session had ended: it waits in the sign-in form, and comes back afterwards.

An answer or a note becomes a draft of its conversation; every other form is shown again, to be sent by a press.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.desk import Desk
from api.http.forms import Fields, ours
from api.http.permissions import Actor, Verb, can
from api.pages.composer.drafts import typed
from api.pages.render import render
from api.paths import SIGN_IN
from api.rest.queries import find_for
from router.errors import NotFound
from store.desk.composer.drafts import return_to_draft

_CONVERSATION: Final = re.compile(r"/conversations/([^/?#]+)")
# The forms of an answer box whose text becomes a draft.
_ANSWERS: Final = re.compile(r"(/conversations/[^/]+)/(?:say|draft|macro)")
# Of an answer, what a draft keeps. They have the names of the answer box, and none of the sign-in form.
_DRAFTED: Final = ("text", "kind", "recipient", "copies", "blind_copies")
# Pages whose forms hold what an agent writes for minutes, sent to the address of the page.
TYPED_PAGES: Final = frozenset({"/desk/new", "/calls", "/ready-texts", "/signatures"})
_KEEP_BODY, _SEE_OTHER = 307, 303


def way_to_sign_in(path: str, *, method: str, query: str, usual: str) -> Response:
    """Return the redirect to the sign-in form, with the body where an agent typed it.

    usual: the page that leads back from a form which keeps nothing.
    """
    answer = _ANSWERS.fullmatch(path) if method == "POST" else None
    if answer:
        # The browser sends the body again, so that the sign-in form can hold its text.
        return RedirectResponse(f"{SIGN_IN}?next={quote(answer[1], safe='')}", status_code=_KEEP_BODY)
    if method == "POST" and path in TYPED_PAGES:
        where = quote(path, safe="")
        return RedirectResponse(f"{SIGN_IN}?next={where}&again={where}", status_code=_KEEP_BODY)
    wished = usual if method == "POST" else path + (f"?{query}" if query else "")
    return RedirectResponse(f"{SIGN_IN}?next={quote(wished, safe='')}", status_code=_SEE_OTHER)


def kept_fields(form: Fields, *, again: str) -> dict[str, str]:
    """Return the hidden fields that hold what was typed. again: the page of another form than an answer, or empty."""
    if form.one("kept"):
        return {"kept": form.one("kept"), "again": _page_of(form.one("again"))}
    if _page_of(again):
        return {"kept": json.dumps(dict(form.values), ensure_ascii=False), "again": again}
    if not form.whole("text"):
        return {}
    return {name: form.whole(name) for name in _DRAFTED if form.whole(name) or name in _DRAFTED[:2]}


def after_sign_in(request: Request, desk: Desk, actor: Actor, *, form: Fields, wished: str) -> Response:
    """Return where the agent goes on: the page that was wanted, with what was typed there."""
    wished, again = ours(wished), _page_of(form.one("again"))
    fields = _read_kept(form.one("kept")) if again else {}
    if again and fields:
        # The next script-less press sends the same form to the same page; who may do that is asked there.
        context = {"again": again, "fields": fields, "long": _longest_first(fields)}
        return render(request, "entry/again.html.jinja", context)
    _keep_draft(desk, actor, form=form, wished=wished)
    return RedirectResponse(wished, status_code=_SEE_OTHER)


def _keep_draft(desk: Desk, actor: Actor, *, form: Fields, wished: str) -> None:
    """Make a draft of a text that was typed before the sign-in, if its agent may answer there."""
    page = _CONVERSATION.fullmatch(wished)
    if page is None or not form.whole("text"):
        return
    with desk.database.write() as connection, contextlib.suppress(NotFound):
        case = find_for(connection, page[1], actor=actor)
        if can(actor, Verb.SEND_REPLIES, case):
            return_to_draft(connection, typed(form), agent_id=actor.id, conversation_id=case.id)


def _page_of(again: str) -> str:
    return again if again in TYPED_PAGES else ""


def _read_kept(kept: str) -> dict[str, list[str]]:
    try:
        said = json.loads(kept)
    except ValueError:
        return {}
    lists = said.items() if isinstance(said, dict) else ()
    return {name: [str(value) for value in values] for name, values in lists if isinstance(values, list)}


def _longest_first(fields: Mapping[str, list[str]]) -> list[str]:
    """Return what people have written, the longest first: keys and choices are short and of one word."""
    written = [value for values in fields.values() for value in values if len(value.split()) > 1 or not value.isascii()]
    return sorted(written, key=len, reverse=True)
