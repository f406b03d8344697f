"""The door of the pages: a token in, a session cookie out. The token is in the body, never in an address."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.authentication import refuse_foreign_form, sign_in, sign_out
from api.desk import DeskPart
from api.places import SIGN_IN
from api.problems import ProblemError
from api.rendering import render

routes: Final = APIRouter(include_in_schema=False)


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of an urlencoded form; the boundary has limited the body's size."""
    body = await request.body()
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=10, strict_parsing=bool(body))
    except (ValueError, UnicodeDecodeError) as error:
        raise ProblemError("bad-request", "this form cannot be read") from error
    return {name: values[0] for name, values in fields.items()}


Form = Annotated[dict[str, str], Depends(form_of)]
Next = Annotated[str, Query(alias="next", max_length=2000)]


@routes.get(SIGN_IN)
def sign_in_page(request: Request, wished: Next = "/") -> Response:
    """Show the form."""
    return render(request, "sign_in.html.jinja", {"wrong": False, "wished": _ours(wished)})


@routes.post(SIGN_IN, dependencies=[Depends(refuse_foreign_form)])
def begin_session(request: Request, desk: DeskPart, form: Form) -> Response:
    """Begin a session and go where the person wished to go."""
    wished = _ours(form.get("next", "/"))
    answer = RedirectResponse(wished, status_code=303)
    if sign_in(desk, form.get("token", ""), response=answer):
        return answer
    page = render(request, "sign_in.html.jinja", {"wrong": True, "wished": wished})
    page.status_code = 401
    return page


@routes.post("/sign-out", dependencies=[Depends(refuse_foreign_form)])
def end_session(desk: DeskPart) -> Response:
    """Take the cookie back."""
    answer = RedirectResponse(SIGN_IN, status_code=303)
    sign_out(desk, response=answer)
    return answer


def _ours(address: str) -> str:
    # `//host` and `/\host` are other sites to a browser.
    is_path = address.startswith("/") and not address.startswith(("//", "/\\")) and "\n" not in address
    return address if is_path and address.isprintable() else "/"
