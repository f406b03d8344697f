"""The routes of the customers' pages: contact form, and case status with rating.

Visitors do not sign in. The signed link decides what a page shows, and each network address has request limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.customer.case_view import NOT_ASKED, AskedCode, conversation_of
from api.customer.phrases import CustomerWords
from api.customer.visitor_pages import PostedFields, visitor_address, visitor_page
from api.desk import Desk, DeskPart
from api.http.address_throttle import OVER_PACE
from api.http.authentication import refuse_foreign_form
from api.http.forms import Filled, read_multipart
from api.http.problems import ProblemError
from api.pages.render import language_of
from api.paths import CONTACT
from api.rest.queries import category_title
from api.services.visitors import ContactForm
from router.errors import NotFound
from router.masking.mask import mask, mask_address
from router.origin.own_side import is_own
from router.settings.channels.base import FormLimits
from router.settings.own_addresses import own_addresses
from router.settings.values import title_in
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


async def read_filled(request: Request) -> Filled:
    if OVER_PACE in request.scope:
        return Filled({}, ())
    return read_multipart(await request.body(), content_type=request.headers.get("content-type", ""))


FilledForm = Annotated[Filled, Depends(read_filled)]


@routes.get(CONTACT)
def contact(request: Request, desk: DeskPart, topic: Annotated[str, Query(max_length=100)] = "") -> HTMLResponse:
    """Show the form."""
    limits = _contact_form(desk).limits
    return _form(request, desk, limits, values={"topic": topic}, wrong="")


@routes.post(CONTACT, dependencies=[Depends(refuse_foreign_form)])
def write(request: Request, desk: DeskPart, filled: FilledForm) -> Response:
    """Store a visitor's message and show the link to its status."""
    channel, limits = _contact_form(desk)
    if OVER_PACE in request.scope:
        return _form(request, desk, limits, values={}, wrong="wrong_pace", status=429)
    values = {key: value.strip() for key, value in filled.fields.items()}
    key, too_new = key_of_form(desk, values)
    wrong = "wrong_form_new" if too_new else _wrong(desk, values, filled, limits=limits, key=key)
    if wrong:
        return _form(request, desk, limits, values=values, wrong=wrong, status=422, had_files=bool(filled.files))
    if not desk.visitors.messages.takes(visitor_address(request), now=desk.now()):
        had_files = bool(filled.files)
        return _form(request, desk, limits, values=values, wrong="wrong_pace", status=429, had_files=had_files)
    # Only a program fills this hidden field. It gets the usual answer, and nothing is stored.
    if values.get("website"):
        return RedirectResponse(f"{CONTACT}?sent=1", status_code=303)
    inbound_id = _keep(request, desk, channel, values=values, filled=filled, key=key)
    found = _case(desk, CaseLink(LinkKind.INBOUND, inbound_id, desk.now()))
    where = desk.visitors.write_link(LinkKind.INBOUND, inbound_id, now=desk.now())
    context = {"where": where, "email": mask_address(values["email"])}
    return visitor_page(request, "thanks", {**context, "case": found, "lines": _lines(desk, request, found)})


@routes.get("/case/{token}")
def show_case(request: Request, desk: DeskPart, token: str) -> HTMLResponse:
    """Show the status of a case."""
    found = look_at_case(request, desk, token)
    if found is None:
        return visitor_page(request, "stale", {}, status=404)
    return case_page(request, desk, found, token=token)


def case_page(
    request: Request, desk: Desk, found: CaseStatus, *, token: str, asked: AskedCode = NOT_ASKED, status: int = 200
) -> HTMLResponse:
    """Return the page of a case: its state, and its words for a browser that has proven the address."""
    closing, score = _closing(desk, found)
    context = {
        "case": found,
        "token": token,
        "lines": _lines(desk, request, found),
        "closing": closing,
        "score": score,
        **conversation_of(desk, request, found, asked=asked),
    }
    return visitor_page(request, "case", context, status=status)


@routes.post("/case/{token}/rating", dependencies=[Depends(refuse_foreign_form)])
def say(request: Request, desk: DeskPart, token: str, said: PostedFields) -> Response:
    """Store a customer's rating of a closed case, once per closing."""
    found = look_at_case(request, desk, token)
    closing, _ = _closing(desk, found) if found else (None, None)
    score, word = said.get("score", ""), said.get("word", "").strip()[:_LONGEST_WORD]
    if found is None or found.conversation_id is None or closing is None:
        return visitor_page(request, "stale", {}, status=404)
    if score not in _SCORES:
        raise ProblemError("invalid", "expected a score from 1 to 5")
    with desk.database.write() as connection:
        masked = mask(word).text
        rate(connection, closing=closing, conversation_id=found.conversation_id, score=int(score), masked=masked)
    return RedirectResponse(f"/case/{token}", status_code=303)


def _contact_form(desk: Desk) -> ContactForm:
    found = desk.visitors.contact_form
    if found is None:
        raise NotFound("this desk has no contact form")
    return found


def key_of_form(desk: Desk, fields: Mapping[str, str]) -> tuple[str, bool]:
    """Return the key of a form, empty if it cannot be taken, and whether it was sent too quickly for a person."""
    token, now = fields.get("form", ""), desk.now()
    return desk.visitors.forms.key_of(token, now=now), desk.visitors.forms.is_too_new(token, now=now)


def _wrong(desk: Desk, values: Mapping[str, str], filled: Filled, *, limits: FormLimits, key: str) -> str:
    from connectors.web.form import is_address  # noqa: PLC0415  (loaded with the first form)

    email, own = values.get("email", ""), own_addresses(desk.settings)
    weight = sum(len(content) for _, content in filled.files)
    rules = (
        ("wrong_form_old", not key),
        ("wrong_email", not is_address(email) or is_own(email.lower(), own)),
        ("wrong_text", not _SHORTEST <= len(values.get("message", "")) <= _LONGEST),
        ("wrong_files", len(filled.files) > limits.files or weight > limits.largest),
    )
    return next((name for name, broken in rules if broken), "")


def _keep(
    request: Request, desk: Desk, channel: str, *, values: Mapping[str, str], filled: Filled, key: str
) -> UUID:  # fmt: skip
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
    return desk.webhooks.form(channel, submission, now=desk.now())


def look_at_case(request: Request, desk: Desk, token: str) -> CaseStatus | None:
    """Return the case of a link; None if the link is not valid."""
    if not desk.visitors.looks.takes(visitor_address(request), now=desk.now()):
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
        if link.kind is LinkKind.INBOUND:
            return case_of_inbound(connection, link.id)
        return case_of(connection, link.id)


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


def _form(
    request: Request,
    desk: Desk,
    limits: FormLimits,
    *,
    values: Mapping[str, str],
    wrong: str,
    status: int = 200,
    had_files: bool = False,
) -> HTMLResponse:
    language = language_of(request)
    topics = {name: category_title(desk, name, language=language) for name in desk.settings.categories}
    context = {
        "values": {name: values.get(name, "") for name in ("name", "email", "topic", "message")},
        "wrong": wrong,
        # A browser fills no field for files.
        "had_files": had_files,
        "form": desk.visitors.forms.token(now=desk.now()),
        "topics": topics,
        "fitting": desk.visitors.answers.of(language, category=values.get("topic") or "-"),
        "limits": limits,
        "hint": title_in(limits.hint, language, name=""),
    }
    return visitor_page(request, "contact", context, status=status)
