"""Errors as HTML pages for browsers: the same facts as the problem+json, and a link back."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Final

from fastapi import Request
from starlette.responses import Response

from api.desk import desk_of
from api.http.authentication import session_actor
from api.http.problems import slug_of_status
from api.pages.entry.waiting_text import way_to_sign_in
from api.pages.render import language_of, render
from api.text.phrases import Words
from api.text.terms.sentences import say_refusal
from router.errors import OmniyardError

# What an address or a method gets that no route has: no permission was asked for.
_WITHOUT_ROUTE: Final = frozenset({404, 405})
# Status: the phrase of its title; another one is something that went wrong.
_TITLES: Final[Mapping[int, str]] = {403: "error_forbidden", 404: "error_not_found", 405: "error_not_found"}
# The page that a form of a conversation is on.
_CONVERSATION: Final = re.compile(r"(/conversations/[^/]+)/[a-z]+")


def error_page(
    request: Request, *, status: int, detail: str, request_id: str, headers: Mapping[str, str] | None
) -> Response:
    """Return the error as a page; redirect a user without a session to the sign-in form, which leads back."""
    if status == 401:
        return _to_sign_in(request)
    words = Words(language_of(request))
    said = say_refusal(detail, slug=slug_of_status(status), words=words)
    _know_reader(request, status)
    context = {"detail": said, "request_id": request_id, "heading": words(_TITLES.get(status, "error"))}
    page = render(request, "error.html.jinja", context)
    page.status_code = status
    page.headers.update(headers or {})
    return page


def _know_reader(request: Request, status: int) -> None:
    """Show the side bar to a signed-in reader of an address that no route has, which has asked for no permission."""
    if status in _WITHOUT_ROUTE and "actor" not in request.scope:
        # The page must come even if the database cannot be asked.
        with contextlib.suppress(OmniyardError):
            request.scope["reader"] = session_actor(desk_of(request), request)


def _to_sign_in(request: Request) -> Response:
    """Return the way to the sign-in form and back to the page, with a text that was typed there."""
    path = request.url.path
    page = _CONVERSATION.fullmatch(path)
    usual = page[1] if page else "/"
    return way_to_sign_in(path, method=request.method, query=request.url.query, usual=usual)
