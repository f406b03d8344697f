"""Errors as HTML pages for browsers: the same facts as the problem+json, and a link back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from api.pages.render import render
from api.paths import SIGN_IN

# These paths always answer JSON, even if a browser asks for HTML.
_FOR_PROGRAMS: Final = ("/api/", "/healthz", "/readyz", "/metrics", "/static/")


def wants_page(request: Request) -> bool:
    """Return whether to answer with an HTML page."""
    for_person = not request.url.path.startswith(_FOR_PROGRAMS)
    return for_person and "text/html" in request.headers.get("accept", "")


def error_page(
    request: Request, *, status: int, detail: str, request_id: str, headers: Mapping[str, str] | None
) -> Response:
    """Return the error as a page; redirect a user without a session to the sign-in form, which leads back."""
    if status == 401:
        wished = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{SIGN_IN}?next={quote(wished, safe='')}", status_code=303)
    page = render(request, "error.html.jinja", {"status": status, "detail": detail, "request_id": request_id})
    page.status_code = status
    page.headers.update(headers or {})
    return page
