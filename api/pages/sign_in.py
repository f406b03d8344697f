"""Sign-in to the pages: a token becomes a session cookie. The token is in the request body, never in a URL."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.desk import DeskPart
from api.http.authentication import TooManyFailuresError, refuse_foreign_form, sign_in, sign_out
from api.http.forms import Form, ours
from api.http.problems import wants_page
from api.pages.render import render
from api.paths import SIGN_IN

routes: Final = APIRouter(include_in_schema=False)


Next = Annotated[str, Query(alias="next", max_length=2000)]


@routes.get(SIGN_IN)
def sign_in_page(request: Request, wished: Next = "/") -> Response:
    """Show the sign-in form."""
    return render(request, "sign_in.html.jinja", {"wrong": False, "wished": ours(wished), "seconds": 0})


@routes.post(SIGN_IN, dependencies=[Depends(refuse_foreign_form)])
def begin_session(request: Request, desk: DeskPart, form: Form) -> Response:
    """Begin a session and redirect to the requested page."""
    wished = ours(form.one("next"))
    answer = RedirectResponse(wished, status_code=303)
    try:
        if sign_in(desk, request, form.one("token"), response=answer):
            return answer
    except TooManyFailuresError as error:
        if not wants_page(request):
            raise
        return _again(request, wished, status=429, seconds=error.seconds)
    return _again(request, wished, status=401)


def _again(request: Request, wished: str, *, status: int, seconds: int = 0) -> Response:
    """Return the form once more, with what was wrong in the visitor's language. seconds: until the next attempt."""
    page = render(request, "sign_in.html.jinja", {"wrong": True, "wished": wished, "seconds": seconds})
    page.status_code = status
    if seconds:
        page.headers["Retry-After"] = str(seconds)
    return page


@routes.post("/sign-out", dependencies=[Depends(refuse_foreign_form)])
def end_session(request: Request, desk: DeskPart) -> Response:
    """End the session."""
    answer = RedirectResponse(SIGN_IN, status_code=303)
    sign_out(desk, request, response=answer)
    return answer
