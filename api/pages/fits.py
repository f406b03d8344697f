"""What fits the customer's last message, next to the reply box: answers of the FAQ, and what the machine did.

An answer is inserted into the box and never sent by itself. The list works without a model; where its vectors are not
stored yet, a link asks for it, because the first look-up takes seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.forms import Form
from api.http.permissions import Actor, Verb
from api.pages.render import language_of
from api.rest.answers.suggested import mark_wrong
from api.rest.queries import Story, find_for
from api.services.help_pages import FittingText
from api.text.phrases import Words
from api.text.reasons import ReasonReader, say
from router.reason import Reason
from store.outbound.given_answers import GivenAnswer
from store.tables.messages import Direction

_INSERT: Final = "insert"

routes: Final = APIRouter(include_in_schema=False)
Worker = Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenShown:
    """What the machine did with a message of the case. why: sentences."""

    id: UUID
    state: str
    title: str
    verdict: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitting:
    """The answers that fit, and those that were given. is_asked: they were looked up."""

    is_asked: bool
    fits: tuple[FittingText, ...]
    given: tuple[GivenShown, ...]


def fitting_to(request: Request, desk: Desk, story: Story, *, given: Sequence[GivenAnswer]) -> Fitting:
    """Return what fits the customer's last message, if that is quick or was asked for."""
    answers = desk.visitors.answers
    is_off = desk.settings.answer_mode(story.conversation.channel) == "off"
    wanted = "fits" in request.query_params or _INSERT in request.query_params
    is_asked = not is_off and (wanted or answers.library.is_quick)
    theirs = [message for message in story.messages if message.direction == Direction.INCOMING]
    last = max(theirs, key=lambda message: (message.received_at, message.id), default=None)
    fits = (
        answers.fits(last.text or last.subject, language=story.conversation.language or "") if last and is_asked else []
    )
    shown = tuple(_given(request, desk, each) for each in given if each.state != "waiting")
    return Fitting(is_asked=is_asked or is_off, fits=tuple(fits), given=shown)


def _given(request: Request, desk: Desk, given: GivenAnswer) -> GivenShown:
    reader = ReasonReader(words=Words(language_of(request)))
    text = desk.visitors.answers.library.faq.of(given.answer, language=language_of(request)) if given.answer else None
    why = tuple(
        say(Reason(each["key"], each.get("values", {})), reader=reader) for each in (given.trace or {}).get("why", ())
    )
    return GivenShown(id=given.id, state=given.state, title=text.title if text else "", verdict=given.verdict, why=why)


def draft_of(request: Request, fitting: Fitting) -> str:
    """Return the text of the answer that was chosen without a script."""
    wanted = request.query_params.get(_INSERT)
    return next((each.shown.text for each in fitting.fits if each.shown.id == wanted), "")


@routes.post("/conversations/{key}/answers/{answer_id}/wrong")
def wrong(desk: DeskPart, actor: Worker, form: Form, *, key: str, answer_id: UUID) -> Response:
    """Mark an answer wrong, and propose its question as a way to ask for another."""
    with desk.database.write() as connection:
        case = find_for(connection, key, actor=actor)
        mark_wrong(connection, desk, case.id, answer_id=answer_id, should=form.one("should"), by=actor.name)
    return RedirectResponse(f"/conversations/{case.reference}", status_code=303)
