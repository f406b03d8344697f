"""The buttons of a model's texts: each asks for one, and shows it on the conversation's page; nothing is sent."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.forms import Fields, Form
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError
from api.pages.actions import onwards, or_refusal
from api.pages.composer.drafts import save_for, typed
from api.pages.render import language_of
from api.pages.toast import Flash
from api.rest.answers.written import GenerationOrder, generate
from api.text.phrases import Words
from router.errors import PermanentError
from router.text.visible import is_visible
from workers.generated.endpoint import ModelSilent

routes: Final = APIRouter(include_in_schema=False)
Speaker = Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))]


@routes.post("/conversations/{key}/generate")
def press_generate(request: Request, desk: DeskPart, actor: Speaker, form: Form, *, key: str) -> Response:
    """Let the model write what a button says, and show it on the conversation's page; nothing is sent."""

    def make() -> Response:
        try:
            generate(desk, key, order=_order(form, language=language_of(request)), actor=actor)
        except ModelSilent as silent:
            raise PermanentError(Words(language_of(request))(f"silent_{silent.why}")) from silent
        place = f"m-{form.one('message')}" if form.one("message") else "generated"
        flash = Flash(agent=actor.id, at=desk.now(), said="done_generated", key=key)
        return onwards(desk, f"/conversations/{key}#{place}", flash=flash)

    # What was typed stays: the model may take its time, and the agent may leave the page.
    if is_visible(form.whole("text")):
        save_for(desk, actor, key, draft=typed(form), form=form.one("key"))
    return or_refusal(request, desk, actor, make, key=key, form=form)


def _order(form: Fields, *, language: str) -> GenerationOrder:
    purpose, _, tone = form.one("purpose").partition(":")
    values = {"purpose": purpose, "language": language, "text": form.whole("text")[:4_000] if tone else ""}
    values |= {"tone": tone} if tone else {}
    values |= {"message_id": form.one("message")} if form.one("message") else {}
    try:
        return GenerationOrder.model_validate(values)
    except ValidationError as error:
        raise ProblemError("invalid") from error
