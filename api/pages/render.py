"""Render pages from templates: always escaped, in the reader's language, with times in the desk's zone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from api.desk import Desk, desk_of
from api.http.permissions import Verb, can
from api.pages.people.faces import channel_icon, handle_kind, initials_of, tone_of
from api.pages.quick_context import QuickContext
from api.pages.toast import drop_flash, take_flash
from api.paths import PART_HEADER
from api.text.phrases import Language, Words, choose_language
from api.text.reasons import ReasonReader, language_name, say_line
from api.text.terms.config_names import ConfigNames
from api.text.terms.sentences import say_trouble
from api.text.times import Moments
from router.masking.mask import mask_address
from router.text.customer_name import in_language
from router.text.own_lines import own_lines_in

_TEMPLATES: Final = Path(__file__).parents[1] / "templates"
_LANGUAGE_COOKIE: Final = "omniyard_language"
_THEME_COOKIE: Final = "omniyard_theme"
THEMES: Final = ("auto", "light", "dark")
# Query parameters that change how a page looks, not which page it is.
_LOOKS: Final = frozenset({"language", "theme"})
_A_YEAR: Final = 31_536_000


@cache
def build_environment() -> Environment:
    """Return the template environment; an unknown variable is an error, not an empty string.

    It holds nothing of a desk, and compiles each template once in a process.
    """
    loader = FileSystemLoader(_TEMPLATES)
    # Without auto_reload: a page would ask for the dates of a hundred files.
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.context_class = QuickContext
    environment.filters["code"] = code
    environment.filters["said"] = said
    environment.filters["trouble"] = trouble
    environment.filters["address"] = mask_address
    environment.filters["visitor"] = visitor
    environment.filters["ours"] = ours
    environment.globals |= {"channel_icon": channel_icon, "initials_of": initials_of, "tone_of": tone_of}
    environment.globals["keys_sheet"] = cache(partial(_keys_sheet, environment))
    return environment


def _keys_sheet(environment: Environment, language: Language) -> Markup:
    """Return the sheet of keys, which is on every page and the same on all."""
    # The template escapes what it shows.
    return Markup(environment.get_template("keys.html.jinja").render(t=Words(language)))  # noqa: S704


def said(text: str, moments: Moments) -> str:
    """Return the reason of a column of text in the reader's words."""
    return say_line(text, reader=ReasonReader(words=moments.words, moment=moments.short))


def trouble(text: str, moments: Moments) -> str:
    """Return what a program wrote of a channel or a message, in the reader's words where they are known."""
    return say_trouble(text, words=moments.words)


def visitor(name: str, words: Words, kind: str = "") -> str:
    """Return a contact's name or handle for a reader; see `in_language`. kind: of a handle, where it is known."""
    return in_language(name, language=words.language, kind=kind)


def ours(text: str, words: Words) -> str:
    """Return a subject or a text for a reader; the lines that the desk wrote are in the reader's language."""
    return own_lines_in(text, language=words.language)


def code(text: str) -> Markup:
    """Return `text` as HTML, with the parts between backticks as code."""
    parts = str(escape(text)).split("`")
    return Markup("".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts)))  # noqa: S704


def language_of(request: Request) -> Language:
    """Return the reader's language: from this link, else from the last choice, else from the browser."""
    chosen = request.query_params.get("language") or request.cookies.get(_LANGUAGE_COOKIE)
    return choose_language(chosen, accepted=request.headers.get("accept-language", ""))


def moments_of(request: Request, desk: Desk) -> Moments:
    """Return the reader's formatter of times."""
    words = Words(language_of(request))
    return Moments(now=desk.now(), zone=desk.settings.omniyard.timezone, words=words)


def theme_of(request: Request) -> str:
    """Return light, dark, or auto for the reader's system setting."""
    chosen = request.query_params.get("theme") or request.cookies.get(_THEME_COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


def render(request: Request, template: str, context: Mapping[str, Any]) -> HTMLResponse:
    """Return the page. Every template also gets the variables of `_everywhere`."""
    desk, environment = desk_of(request), request.app.state.templates
    everywhere = _everywhere(request, desk)
    page = HTMLResponse(environment.get_template(template).render({**everywhere, **context}))
    if everywhere["toast"]:
        drop_flash(page, desk)
    page.headers["Vary"] = "Accept-Language, Cookie"
    for name, cookie in (("language", _LANGUAGE_COOKIE), ("theme", _THEME_COOKIE)):
        if name in request.query_params:
            chosen = everywhere[name]
            page.set_cookie(cookie, chosen, max_age=_A_YEAR, samesite="lax", secure=desk.secure, httponly=True)
    return page


def link(request: Request, **changes: str | None) -> str:
    """Return this page's URL with query parameters set, or removed by None; a new filter starts at the first page."""
    kept = [(key, value) for key, value in request.query_params.multi_items() if key not in changes]
    changed = [(key, value) for key, value in changes.items() if value is not None]
    looks = _LOOKS - changes.keys()
    query = urlencode([(key, value) for key, value in (*kept, *changed) if value and key not in looks])
    return f"{request.url.path}?{query}" if query else request.url.path


def _everywhere(request: Request, desk: Desk) -> dict[str, Any]:
    language, moments = language_of(request), moments_of(request, desk)
    theme, actor = theme_of(request), request.scope.get("actor") or request.scope.get("reader")
    names = ConfigNames(desk.settings, moments.words)
    return {
        "layout": "part.html.jinja" if PART_HEADER in request.headers else "base.html.jinja",
        "language": language,
        "other_language": "en" if language == "zh" else "zh",
        "theme": theme,
        "other_theme": THEMES[(THEMES.index(theme) + 1) % len(THEMES)],
        "toast": take_flash(request, desk, actor),
        "can_supervise": actor is not None and can(actor, Verb.READ_SUPERVISION),
        "can_write": actor is not None and can(actor, Verb.SEND_REPLIES),
        "can_edit_texts": actor is not None and can(actor, Verb.EDIT_READY_TEXTS),
        "keeps_outbox": bool(kept_channels(desk)),
        "sending_of": partial(_sending_of, moments.words, frozenset(kept_channels(desk))),
        "can_set_duty": actor is not None and can(actor, Verb.SET_OWN_DUTY),
        "has_calls": actor is not None and can(actor, Verb.SEND_REPLIES) and _has_calls(desk),
        "has_chats": bool(desk.chats.pages),
        "t": moments.words,
        "moments": moments,
        "desk_name": desk.settings.omniyard.name_in(language),
        "has_contact_form": bool(desk.visitors.contact_form),
        "name_of": names,
        "title_of": partial(names, "category"),
        "matter_of": names.matter,
        "team_of": partial(names, "team"),
        "channel_of": partial(names, "channel"),
        "fact_of": partial(names, "fact"),
        "handle_kind": partial(handle_kind, desk.settings),
        "language_of": lambda tag: language_name(tag, words=moments.words),
        "link": partial(link, request),
        "actor": actor,
        "path": request.url.path,
        # The answer to a POST has no URL that could be opened again in another language.
        "here": request.method == "GET",
        "toast_key": uuid4().hex,
    }


def kept_channels(desk: Desk) -> list[str]:
    """Return the channels whose replies stay in the outbox."""
    return [name for name, channel in desk.settings.channels.items() if channel.enabled and channel.keeps_outbox]


def _sending_of(words: Words, kept: frozenset[str], channel: str, state: str) -> str:
    """Return how far an outgoing message is; what the outbox keeps was not sent, though its sender took it."""
    return words("outbound_kept" if state == "sent" and channel in kept else f"outbound_{state}")


def _has_calls(desk: Desk) -> bool:
    return any(channel.enabled and channel.call_notes for channel in desk.settings.channels.values())
