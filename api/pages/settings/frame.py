"""What every page of the settings has: the rooms that the reader may enter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse

from api.desk import Desk
from api.http.permissions import Actor, Verb, can
from api.pages.cases.after import status_of, words_of_refusal
from api.pages.render import render

# Name of its phrase, address, and what it needs, in the order of the tabs.
_ROOMS: Final = (
    ("agents", "/settings/agents", Verb.READ_AGENTS),
    ("outbound_ledger", "/settings/outbound", Verb.READ_INBOX),
    ("ratings", "/settings/ratings", Verb.READ_INBOX),
    ("webhooks", "/settings/webhooks", Verb.READ_WEBHOOKS),
    ("audit", "/settings/audit", Verb.READ_AUDIT),
)


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
        "rooms": [(name, address) for name, address, verb in _ROOMS if can(actor, verb)],
        "may": partial(can, actor),
        "Verb": Verb,
        "settings": desk.settings,
        "now": desk.now(),
        "refused": words_of_refusal(request, desk, refused) if refused else "",
    }
    page = render(request, f"settings/{template}.html.jinja", {**everywhere, **context})
    page.status_code = status_of(refused)
    return page
