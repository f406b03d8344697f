"""The page behind the link of an automatic answer: "that answers it" and "I want a person", one press each.

The signed link is the only proof, so the page shows the answer's title and no text of the case.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.customer.visitor_pages import PostedFields, visitor_address, visitor_page
from api.desk import Desk, DeskPart
from api.http.authentication import refuse_foreign_form
from api.pages.render import language_of
from api.paths import ANSWER
from router.conversation_status import Status
from router.status_links import LinkKind
from store.conversations.sla import change_status
from store.db.engine import read_clock
from store.outbound.answer_verdicts import note_verdict
from store.outbound.automatic_answers import case_is_pending
from store.outbound.given_answers import GivenAnswer, find_given
from store.tables.self_service import AnswerVerdict

routes: Final = APIRouter(include_in_schema=False)


@routes.get(f"{ANSWER}/{{token}}")
def show_given(request: Request, desk: DeskPart, token: str) -> HTMLResponse:
    """Show the two buttons, or what was chosen."""
    given = _given(request, desk, token)
    if given is None:
        return visitor_page(request, "stale", {}, status=404)
    text = desk.visitors.answers.library.faq.of(given.answer, language=language_of(request)) if given.answer else None
    return visitor_page(request, "given", {"given": given, "token": token, "title": text.title if text else ""})


@routes.post(f"{ANSWER}/{{token}}", dependencies=[Depends(refuse_foreign_form)])
def choose(request: Request, desk: DeskPart, token: str, said: PostedFields) -> Response:
    """Write down the choice; a second press changes nothing."""
    given = _given(request, desk, token)
    if given is None:
        return visitor_page(request, "stale", {}, status=404)
    if said.get("verdict") == AnswerVerdict.PERSON:
        _want_person(desk, given)
    elif said.get("verdict") == AnswerVerdict.FITS:
        with desk.database.write() as connection:
            from workers.answering.answerer import accept  # noqa: PLC0415  (NumPy, for this press only)

            accept(connection, given.id, now=read_clock(connection))
    return RedirectResponse(f"{ANSWER}/{token}", status_code=303)


def _want_person(desk: Desk, given: GivenAnswer) -> None:
    """Give the case back to its queue, with its place kept: the promise has run on."""
    with desk.database.write() as connection:
        now = read_clock(connection)
        is_new = note_verdict(connection, given, verdict=AnswerVerdict.PERSON, by="", now=now)
        if is_new and case_is_pending(connection, given.conversation_id):
            change_status(connection, conversation_id=given.conversation_id, status=Status.OPEN, at=now)


def _given(request: Request, desk: Desk, token: str) -> GivenAnswer | None:
    if not desk.visitors.looks.takes(visitor_address(request), now=desk.now()):
        return None
    link = desk.visitors.read_link(token, now=desk.now())
    if link is None or link.kind is not LinkKind.ANSWER:
        return None
    with desk.database.read() as connection:
        return find_given(connection, link.id)
