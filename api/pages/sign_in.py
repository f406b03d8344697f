"""Sign-in to the pages: a token becomes a session cookie. The token is in the request body, never in a URL."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.desk import Desk, DeskPart
from api.http.authentication import (
    TooManyFailuresError,
    actor_of,
    refuse_foreign_form,
    session_actor,
    sign_in,
    sign_out,
)
from api.http.forms import Fields, Form, ours
from api.http.problems import wants_page
from api.pages.entry.sign_in_form import show_sign_in
from api.pages.entry.waiting_text import after_sign_in, kept_fields
from api.paths import SIGN_IN

routes: Final = APIRouter(include_in_schema=False)

Next = Annotated[str, Query(alias="next", max_length=2000)]
Again = Annotated[str, Query(max_length=200)]


@routes.get(SIGN_IN)
def sign_in_page(request: Request, wished: Next = "/") -> Response:
    """Show the sign-in form."""
    return show_sign_in(request, wished=ours(wished))


@routes.post(SIGN_IN, dependencies=[Depends(refuse_foreign_form)])
def begin_with_token(request: Request, desk: DeskPart, form: Form, *, wished: Next = "", again: Again = "") -> Response:
    """Begin a session and go on to the requested page.

    A form that was sent without a session arrives here too: what was typed waits in the form of this page.
    """
    wished, kept = ours(form.one("next") or wished), kept_fields(form, again=again)
    # A new mail has fields of its own; none is a token.
    token = "" if again else form.one("token")
    if not token:
        return show_sign_in(request, wished=wished, kept=kept)
    try:
        return _begun(request, desk, form, token=token, wished=wished) or show_sign_in(
            request, wished=wished, status=401, trouble="token_wrong", kept=kept
        )
    except TooManyFailuresError as error:
        if not wants_page(request):
            raise
        return show_sign_in(
            request, wished=wished, status=429, trouble="sign_in_waits", seconds=error.seconds, kept=kept
        )


def _begun(request: Request, desk: Desk, form: Fields, *, token: str, wished: str) -> Response | None:
    """Return the way on after a right token; None after a wrong one."""
    cookies = Response()
    agent = sign_in(desk, request, token, response=cookies)
    if agent is None:
        return None
    answer = after_sign_in(request, desk, actor_of(agent), form=form, wished=wished)
    answer.raw_headers.extend(header for header in cookies.raw_headers if header[0] == b"set-cookie")
    return answer


@routes.post(f"{SIGN_IN}/kept", dependencies=[Depends(refuse_foreign_form)])
def go_on_with_kept(request: Request, desk: DeskPart, form: Form) -> Response:
    """Take up what was typed, after the agent has signed in in another tab, or has seen the recovery codes."""
    actor = session_actor(desk, request)
    wished = ours(form.one("next"))
    if actor is None:
        kept = kept_fields(form, again="")
        return show_sign_in(request, wished=wished, status=401, trouble="not_signed_in_yet", kept=kept)
    return after_sign_in(request, desk, actor, form=form, wished=wished)


@routes.post("/sign-out", dependencies=[Depends(refuse_foreign_form)])
def end_session(request: Request, desk: DeskPart) -> Response:
    """End the session."""
    answer = RedirectResponse(SIGN_IN, status_code=303)
    sign_out(desk, request, response=answer)
    return answer
