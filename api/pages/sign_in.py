"""Sign-in to the pages: a token becomes a session cookie. The token is in the request body, never in a URL."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.desk import DeskPart
from api.http.authentication import refuse_foreign_form, sign_in, sign_out
from api.http.forms import Form, ours
from api.pages.render import render
from api.paths import SIGN_IN

routes: Final = APIRouter(include_in_schema=False)


Next = Annotated[str, Query(alias="next", max_length=2000)]


@routes.get(SIGN_IN)
def sign_in_page(request: Request, wished: Next = "/") -> Response:
    """Show the sign-in form."""
    return render(request, "sign_in.html.jinja", {"wrong": False, "wished": ours(wished)})


@routes.post(SIGN_IN, dependencies=[Depends(refuse_foreign_form)])
def begin_session(request: Request, desk: DeskPart, form: Form) -> Response:
    """Begin a session and redirect to the requested page."""
    wished = ours(form.one("next"))
    answer = RedirectResponse(wished, status_code=303)
    if sign_in(desk, request, form.one("token"), response=answer):
        return answer
    page = render(request, "sign_in.html.jinja", {"wrong": True, "wished": wished})
    page.status_code = 401
    return page


@routes.post("/sign-out", dependencies=[Depends(refuse_foreign_form)])
def end_session(request: Request, desk: DeskPart) -> Response:
    """End the session."""
    answer = RedirectResponse(SIGN_IN, status_code=303)
    sign_out(desk, request, response=answer)
    return answer
