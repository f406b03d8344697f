"""What every page of the settings has: the rooms that the reader may enter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.desk import Desk
from api.http.permissions import Actor, Verb, can
from api.http.problems import ProblemError
from api.pages.cases.after import status_of, words_of_refusal
from api.pages.render import render

# Name of its phrase, address, and what it needs (one of these), in the order of the tabs.
_ROOMS: Final = (
    # Each reader has a page there: the own password and recovery codes.
    ("agents", "/settings/agents", {Verb.READ_AGENTS}),
    ("service_hours", "/settings/hours", {Verb.READ_INBOX}),
    # For those who decide about a message, and for those who answer for the whole desk.
    ("outbound_ledger", "/settings/outbound", {Verb.SETTLE_OUTBOUND, Verb.READ_SUPERVISION}),
    # Cases show their ratings too.
    ("ratings", "/settings/ratings", {Verb.READ_INBOX}),
    ("webhooks", "/settings/webhooks", {Verb.READ_WEBHOOKS}),
    ("audit", "/settings/audit", {Verb.READ_AUDIT}),
)


def require_room(actor: Actor, address: str) -> None:
    """Refuse a reader who has nothing to do in a room of the settings. Raises ProblemError."""
    if address not in {each for _, each in _rooms_of(actor)}:
        raise ProblemError("forbidden")


def _rooms_of(actor: Actor) -> list[tuple[str, str]]:
    return [(name, address) for name, address, needs in _ROOMS if any(can(actor, verb) for verb in needs)]


def show_room(
    request: Request,
    desk: Desk,
    actor: Actor,
    *,
    template: str,
    context: Mapping[str, Any],
    refused: Exception | None = None,
) -> HTMLResponse:
    """Return a page of the settings. refused: why an action was not done."""
    everywhere = {
        "rooms": _rooms_of(actor),
        "may": partial(can, actor),
        "Verb": Verb,
        "settings": desk.settings,
        "now": desk.now(),
        "refused": words_of_refusal(request, desk, refused) if refused else "",
    }
    page = render(request, f"settings/{template}.html.jinja", {**everywhere, **context})
    page.status_code = status_of(refused)
    return page
