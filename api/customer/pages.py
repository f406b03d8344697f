"""The routes of the customers' pages: contact form, case status with rating, and self-service answers.

Visitors do not sign in. The signed link decides what a page shows, and each network address has request limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.customer.phrases import CustomerWords
from api.desk import Desk, DeskPart
from api.http.address_throttle import OVER_PACE
from api.http.authentication import refuse_foreign_form
from api.http.forms import Filled, read_multipart
from api.http.problems import ProblemError
from api.pages.render import language_of, render
from api.paths import CONTACT, HELP
from api.rest.queries import category_title
from api.services.faq import categories
from api.services.refusals import Refused
from api.text.phrases import Language
from router.client_address import client_address
from router.errors import NotFound
from router.masking.mask import mask, mask_address
from router.origin.own_side import is_own
from router.settings.channel_base import FormLimits
from router.settings.own_addresses import own_addresses
from router.status_links import CaseLink, LinkKind
from store.conversations.customer_status import CaseStatus, Phase, case_of, case_of_inbound
from store.conversations.ratings import last_closing, rate, score_of

_SHORTEST, _LONGEST = 2, 20_000
_LONGEST_NAME: Final = 100
_LONGEST_WORD: Final = 500
_SCORES: Final = frozenset("12345")
# The limit of a form's body without its files.
FORM_BYTES: Final = 262_144

routes: Final = APIRouter(include_in_schema=False)


async def _filled(request: Request) -> Filled:
    if OVER_PACE in request.scope:
        return Filled({}, ())
    return read_multipart(await request.body(), content_type=request.headers.get("content-type", ""))


async def _said(request: Request) -> dict[str, str]:
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=4, keep_blank_values=True)
    except ValueError as error:
        raise ProblemError("bad-request", "the form cannot be parsed") from error
    return {name: values[0] for name, values in fields.items()}


Said = Annotated[dict[str, str], Depends(_said)]
FilledForm = Annotated[Filled, Depends(_filled)]


@routes.get(CONTACT)
def contact(request: Request, desk: DeskPart, topic: Annotated[str, Query(max_length=100)] = "") -> HTMLResponse:
    """Show the form."""
    _, channel = _channel(desk)
    return _form(request, desk, channel, values={"topic": topic}, wrong="")


@routes.post(CONTACT, dependencies=[Depends(refuse_foreign_form)])
def write(request: Request, desk: DeskPart, filled: FilledForm) -> Response:
    """Store a visitor's message and show the link to its status."""
    name, channel = _channel(desk)
    if OVER_PACE in request.scope:
        return _form(request, desk, channel, values={}, wrong="wrong_pace", status=429)
    values = {key: value.strip() for key, value in filled.fields.items()}
    key = desk.visitors.forms.key_of(values.get("form", ""), now=desk.now())
    wrong = _wrong(desk, values, filled, channel=channel, key=key)
    if wrong:
        return _form(request, desk, channel, values=values, wrong=wrong, status=422)
    if not desk.visitors.messages.takes(_address(request), now=desk.now()):
        return _form(request, desk, channel, values=values, wrong="wrong_pace", status=429)
    # Only a program fills this hidden field. It gets the usual answer, and nothing is stored.
    if values.get("website"):
        return RedirectResponse(f"{CONTACT}?sent=1", status_code=303)
    where = _keep(request, desk, name, values=values, filled=filled, key=key)
    return _page(request, "thanks", {"where": where, "email": mask_address(values["email"])})


@routes.get("/case/{token}")
def show_case(request: Request, desk: DeskPart, token: str) -> HTMLResponse:
    """Show the status of a case."""
    found = _look(request, desk, token)
    if found is None:
        return _page(request, "stale", {}, status=404)
    closing, score = _closing(desk, found)
    context = {"case": found, "token": token, "lines": _lines(desk, request, found), "closing": closing, "score": score}
    return _page(request, "case", context)


@routes.post("/case/{token}/rating", dependencies=[Depends(refuse_foreign_form)])
def say(request: Request, desk: DeskPart, token: str, said: Said) -> Response:
    """Store a customer's rating of a closed case, once per closing."""
    found = _look(request, desk, token)
    closing, _ = _closing(desk, found) if found else (None, None)
    score, word = said.get("score", ""), said.get("word", "").strip()[:_LONGEST_WORD]
    if found is None or found.conversation_id is None or closing is None:
        return _page(request, "stale", {}, status=404)
    if score not in _SCORES:
        raise ProblemError("invalid", "expected a score from 1 to 5")
    with desk.database.write() as connection:
        masked = mask(word).text
        rate(connection, closing=closing, conversation_id=found.conversation_id, score=int(score), masked=masked)
    return RedirectResponse(f"/case/{token}", status_code=303)


@routes.get(HELP)
def show_help(request: Request, desk: DeskPart) -> HTMLResponse:
    """Show all answers."""
    return _help(request, desk, question="")


@routes.post(HELP, dependencies=[Depends(refuse_foreign_form)])
def search_help(request: Request, desk: DeskPart, said: Said) -> HTMLResponse:
    """Show all answers, first those that fit a question. The question is in the body, so no URL and no log holds it."""
    return _help(request, desk, question=said.get("question", "")[:_LONGEST_WORD])


@routes.post(f"{HELP}/suggest", dependencies=[Depends(refuse_foreign_form)])
def suggest(request: Request, desk: DeskPart, said: Said) -> HTMLResponse:
    """Return a part of a page: the answers that fit the text that a visitor is typing."""
    fitting = _fitting(request, desk, said.get("text", ""), language=language_of(request))
    return _page(request, "suggestions", {"fitting": fitting})


def _help(request: Request, desk: Desk, *, question: str) -> HTMLResponse:
    language = language_of(request)
    fitting = _fitting(request, desk, question, language=language)
    groups = {
        category_title(desk, name, language=language): answers
        for name, answers in categories(desk.visitors.answers.of(language)).items()
    }
    context = {"groups": groups, "fitting": fitting, "question": question, "form_there": bool(desk.visitors.channel)}
    return _page(request, "help", context)


def _channel(desk: Desk) -> tuple[str, FormLimits]:
    found = desk.visitors.channel
    if found is None:
        raise NotFound("this desk has no contact form")
    return found


def _wrong(desk: Desk, values: Mapping[str, str], filled: Filled, *, channel: FormLimits, key: str) -> str:
    from connectors.web.form import is_address  # noqa: PLC0415

    email, own = values.get("email", ""), own_addresses(desk.settings)
    weight = sum(len(content) for _, content in filled.files)
    rules = (
        ("wrong_form", not key),
        ("wrong_email", not is_address(email) or is_own(email.lower(), own)),
        ("wrong_text", not _SHORTEST <= len(values.get("message", "")) <= _LONGEST),
        ("wrong_files", len(filled.files) > channel.files or weight > channel.largest),
    )
    return next((name for name, broken in rules if broken), "")


def _keep(
    request: Request, desk: Desk, channel: str, *, values: Mapping[str, str], filled: Filled, key: str
) -> str:  # fmt: skip
    from connectors.web.form import Submission  # noqa: PLC0415

    topic = values.get("topic", "")
    known = topic in desk.settings.categories
    subject = category_title(desk, topic, language=language_of(request)) if known else values["message"].split("\n")[0]
    submission = Submission(
        key=key,
        email=values["email"],
        name=" ".join(values.get("name", "").split())[:_LONGEST_NAME],
        subject=subject[:_LONGEST_NAME].strip(),
        text=values["message"],
        files=filled.files,
    )
    inbound_id = desk.webhooks.form(channel, submission, now=desk.now())
    return desk.visitors.write_link(LinkKind.INBOUND, inbound_id, now=desk.now())


def _look(request: Request, desk: Desk, token: str) -> CaseStatus | None:
    """Return the case of a link; None if the link is not valid."""
    if not desk.visitors.looks.takes(_address(request), now=desk.now()):
        raise ProblemError("too-many-requests", "too many requests; wait a minute", headers={"Retry-After": "60"})
    link = desk.visitors.read_link(token, now=desk.now())
    if link is None:
        return None
    try:
        return _case(desk, link)
    except NotFound:
        # The case was erased: answer as for an invalid link, so that the answer reveals nothing.
        return None


def _case(desk: Desk, link: CaseLink) -> CaseStatus:
    with desk.database.read() as connection:
        return (case_of_inbound if link.kind is LinkKind.INBOUND else case_of)(connection, link.id)


def _closing(desk: Desk, case: CaseStatus) -> tuple[UUID | None, int | None]:
    """Return the closing that may be rated, and its score so far."""
    if case.phase is not Phase.CLOSED or case.conversation_id is None:
        return None, None
    with desk.database.read() as connection:
        closing = last_closing(connection, case.conversation_id)
        return closing, score_of(connection, closing) if closing else None


def _lines(desk: Desk, request: Request, case: CaseStatus) -> dict[str, object]:
    t = CustomerWords(language_of(request))
    sleeping = case.held_until if case.held_until and case.held_until > desk.now() else None
    return {"title": t(case.phase), "more": t(f"{case.phase}_more"), "until": sleeping}


def _fitting(request: Request, desk: Desk, text: str, *, language: Language) -> list[Any]:
    if not text.strip() or not desk.visitors.looks.takes(_address(request), now=desk.now()):
        return []
    if not desk.visitors.questions.takes("", now=desk.now()):
        # The page has all answers anyway.
        desk.refusals.note(Refused.QUESTIONS)
        return []
    return list(desk.visitors.answers.suggest(text, language=language))


def _form(
    request: Request, desk: Desk, channel: FormLimits, *, values: Mapping[str, str], wrong: str, status: int = 200
) -> HTMLResponse:
    language = language_of(request)
    topics = {name: category_title(desk, name, language=language) for name in desk.settings.categories}
    context = {
        "values": {name: values.get(name, "") for name in ("name", "email", "topic", "message")},
        "wrong": wrong,
        "form": desk.visitors.forms.token(now=desk.now()),
        "topics": topics,
        "fitting": desk.visitors.answers.of(language, category=values.get("topic") or "-"),
        "channel": channel,
    }
    return _page(request, "contact", context, status=status)


def _page(request: Request, name: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    words = {"t": CustomerWords(language_of(request))}
    page = render(request, f"customer/{name}.html.jinja", {**words, **context})
    page.status_code = status
    page.headers["X-Robots-Tag"] = "noindex"
    return page


def _address(request: Request) -> str:
    return client_address(request.client.host if request.client else "")
