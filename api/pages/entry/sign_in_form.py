"""The sign-in form: by the company's provider, by password, and by token, as the desk is set up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import Response

from api.desk import Desk, desk_of
from api.pages.render import moments_of, render
from api.paths import SIGN_IN
from router.settings.values import title_in


def _link(wished: str, **changes: str) -> str:
    return f"{SIGN_IN}?{urlencode({'next': wished, **changes})}"


def show_sign_in(
    request: Request,
    *,
    wished: str,
    status: int = 200,
    trouble: str = "",
    seconds: int = 0,
    claimed: str = "",
    kept: Mapping[str, str] | None = None,
) -> Response:
    """Return the form.

    wished: the path to go on to.  trouble: the phrase of what was wrong.  seconds: until the next attempt.
    claimed: the name that was typed, which stands in the form again.
    kept: the fields of a form that was sent without a session.
    """
    desk = desk_of(request)
    context = {
        "wished": wished,
        "trouble": trouble,
        "seconds": seconds,
        "claimed": claimed,
        "kept": kept or {},
        # The form has a URL of its own, also after a refusal; what waits in it would be lost.
        "here": not kept,
        "link": partial(_link, wished),
        "provider": provider_name(request, desk),
        "by_password": takes_passwords(desk),
    }
    page = render(request, "sign_in.html.jinja", context)
    page.status_code = status
    if seconds:
        page.headers["Retry-After"] = str(seconds)
    return page


def takes_passwords(desk: Desk) -> bool:
    """Return whether agents may sign in by password."""
    return desk.settings.desk.oidc is None or desk.settings.desk.oidc.passwords


def provider_name(request: Request, desk: Desk) -> str:
    """Return the provider's name in the reader's language; empty without a provider."""
    oidc, words = desk.settings.desk.oidc, moments_of(request, desk).words
    return title_in(oidc.title, words.language, name=words("provider_name")) if oidc else ""
