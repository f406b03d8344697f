"""Errors as pages: customers read theirs in plain words with their own links, agents theirs with one to the inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from starlette.responses import Response

from api.customer.visitor_pages import visitor_page
from api.desk import desk_of
from api.http.authentication import cookie_name
from api.pages.error_page import error_page as desk_error_page
from api.paths import ANSWER, CASE, CHAT, CONTACT, HELP

_CUSTOMERS: Final = (ANSWER, CASE, CHAT, CONTACT, HELP)
# Status: the phrase of its title; the phrase `TITLE_more` says what the customer can do.
_TITLES: Final[Mapping[int, str]] = {404: "error_gone", 413: "error_size", 422: "error_other", 429: "error_pace"}


def error_page(
    request: Request, *, status: int, detail: str, request_id: str, headers: Mapping[str, str] | None
) -> Response:
    """Return the error as a page for its reader; customers do not see `detail`, which has the desk's terms."""
    if not _is_for_customer(request, status):
        return desk_error_page(request, status=status, detail=detail, request_id=request_id, headers=headers)
    is_ours = status >= 500 or status == 408
    title = "error_later" if is_ours else _TITLES.get(status, "error_other")
    page = visitor_page(request, "error", {"title": title, "request_id": request_id}, status=status)
    page.headers.update(headers or {})
    return page


def _is_for_customer(request: Request, status: int) -> bool:
    """Return whether a customer reads it: on a page of theirs, or at an address that does not exist.

    Agents' pages send a reader without a session to the sign-in form, so none of them answers such a reader with 404.
    """
    path = request.url.path
    if any(path == each or path.startswith(f"{each}/") for each in _CUSTOMERS):
        return True
    return status == 404 and cookie_name(desk_of(request)) not in request.cookies
