"""Errors as HTML pages for browsers: the same facts as the problem+json, and a link back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from api.http.problems import slug_of_status
from api.pages.render import language_of, render
from api.paths import SIGN_IN
from api.text.phrases import Words
from api.text.terms.sentences import say_refusal


def error_page(
    request: Request, *, status: int, detail: str, request_id: str, headers: Mapping[str, str] | None
) -> Response:
    """Return the error as a page; redirect a user without a session to the sign-in form, which leads back."""
    if status == 401:
        wished = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{SIGN_IN}?next={quote(wished, safe='')}", status_code=303)
    words = Words(language_of(request))
    said = say_refusal(detail, slug=slug_of_status(status), words=words)
    page = render(request, "error.html.jinja", {"status": status, "detail": said, "request_id": request_id})
    page.status_code = status
    page.headers.update(headers or {})
    return page
