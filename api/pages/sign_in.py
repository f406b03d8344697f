"""Sign-in to the pages: a token becomes a session cookie. The token is in the request body, never in a URL."""

from __future__ import annotations

import contextlib
import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.desk import Desk, DeskPart
from api.http.authentication import TooManyFailuresError, refuse_foreign_form, sign_in, sign_out
from api.http.forms import Fields, Form, ours
from api.http.permissions import Actor, Verb, can
from api.http.problems import wants_page
from api.pages.composer.drafts import typed
from api.pages.render import render
from api.paths import SIGN_IN
from api.rest.queries import find_for
from router.errors import NotFound
from store.desk.agents import find_by_token
from store.desk.composer.drafts import return_to_draft

_CONVERSATION: Final = re.compile(r"/conversations/([^/?#]+)")

routes: Final = APIRouter(include_in_schema=False)

Next = Annotated[str, Query(alias="next", max_length=2000)]


@routes.get(SIGN_IN)
def sign_in_page(request: Request, wished: Next = "/") -> Response:
    """Show the sign-in form."""
    return _page(request, wished=ours(wished))


@routes.post(SIGN_IN, dependencies=[Depends(refuse_foreign_form)])
def begin_session(request: Request, desk: DeskPart, form: Form, wished: Next = "") -> Response:
    """Begin a session and redirect to the requested page.

    An answer that was sent without a session arrives here too: its text waits in the form, and becomes a draft.
    """
    wished = ours(form.one("next") or wished)
    token, text = form.one("token"), form.whole("text")
    answer = RedirectResponse(wished, status_code=303)
    kept = (text, form.one("kind"))
    try:
        if token and sign_in(desk, request, token, response=answer):
            _keep_text(desk, form, wished=wished)
            return answer
    except TooManyFailuresError as error:
        if not wants_page(request):
            raise
        return _page(request, wished=wished, status=429, seconds=error.seconds, kept=kept)
    return _page(request, wished=wished, status=401 if token else 200, kept=kept)


def _page(
    request: Request, *, wished: str, status: int = 200, seconds: int = 0, kept: tuple[str, str] = ("", "")
) -> Response:
    """Return the form, with what was wrong in the visitor's language.

    seconds: until the next attempt.  kept: a text that was typed without a session, and its kind.
    """
    context = {"wrong": status != 200, "wished": wished, "seconds": seconds}
    page = render(request, "sign_in.html.jinja", context | {"kept_text": kept[0], "kept_kind": kept[1]})
    page.status_code = status
    if seconds:
        page.headers["Retry-After"] = str(seconds)
    return page


def _keep_text(desk: Desk, form: Fields, *, wished: str) -> None:
    """Make a draft of a text that was typed before the sign-in, if its agent may answer there."""
    page = _CONVERSATION.fullmatch(wished)
    if page is None or not form.whole("text"):
        return
    with desk.database.write() as connection:
        agent = find_by_token(connection, form.one("token"))
        if agent is None:
            return
        actor = Actor(id=agent.id, name=agent.name, role=agent.role, teams=agent.teams, scopes=agent.scopes)
        with contextlib.suppress(NotFound):
            case = find_for(connection, page[1], actor=actor)
            if can(actor, Verb.SEND_REPLIES, case):
                return_to_draft(connection, typed(form), agent_id=actor.id, conversation_id=case.id)


@routes.post("/sign-out", dependencies=[Depends(refuse_foreign_form)])
def end_session(request: Request, desk: DeskPart) -> Response:
    """End the session."""
    answer = RedirectResponse(SIGN_IN, status_code=303)
    sign_out(desk, request, response=answer)
    return answer
