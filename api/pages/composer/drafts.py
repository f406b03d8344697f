"""An agent's draft in a conversation: saved by the page's script while they type, or by a button without one."""

from __future__ import annotations

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.forms import Fields, Form
from api.http.permissions import Actor, Verb
from api.http.requests import RequestModel
from api.pages.render import moments_of
from api.rest.queries import find_for
from api.rest.replies import LONGEST_TEXT, MOST_COPIES
from store.desk.composer.drafts import Draft, SavedDraft, find_draft, save_draft, was_sent

KINDS: Final = ("reply", "forward", "note")
_FORM_KEY: Final = r"^[0-9a-f]{32}$"
_LONGEST_ADDRESS: Final = 320
_SEPARATORS: Final = re.compile(r"[\s,;，；]+")

routes: Final = APIRouter(include_in_schema=False)
Speaker = Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))]
Address = Annotated[str, Field(max_length=_LONGEST_ADDRESS)]


class DraftOrder(RequestModel):
    """What a tab has. revision: the draft's, as this tab read or saved it last.  form: the key of its form."""

    kind: str = Field(default="reply", pattern=f"^({'|'.join(KINDS)})$")
    text: str = Field(max_length=LONGEST_TEXT)
    recipient: Address = ""
    copies: list[Address] = Field(default=[], max_length=MOST_COPIES)
    blind_copies: list[Address] = Field(default=[], max_length=MOST_COPIES)
    revision: int = Field(default=0, ge=0)
    form: str = Field(default="", pattern=f"{_FORM_KEY}|^$")

    def draft(self) -> Draft:
        """Return it for the store."""
        return Draft(**self.model_dump(exclude={"form"}))


class DraftAnswer(BaseModel):
    """The state of the draft. other: what another tab had written, which this saving replaced; empty for nothing."""

    revision: int
    said: str
    is_sent: bool = False
    other: str = ""


class DraftNews(BaseModel):
    """The draft as it is. is_sent: the form that was asked about has been sent."""

    kind: str
    text: str
    revision: int
    is_sent: bool


@routes.put("/conversations/{key}/draft")
def keep_draft(request: Request, desk: DeskPart, actor: Speaker, key: str, *, order: DraftOrder) -> DraftAnswer:
    """Save what the agent has written so far."""
    saved = save_for(desk, actor, key, draft=order.draft(), form=order.form)
    moments = moments_of(request, desk)
    words = "draft_masked" if saved.is_masked else "draft_saved"
    return DraftAnswer(
        revision=saved.revision,
        said=moments.words(words, at=moments.short(desk.now())) if saved.revision else "",
        is_sent=saved.is_sent,
        other=saved.other.text if saved.other else "",
    )


@routes.get("/conversations/{key}/draft")
def show_draft(desk: DeskPart, actor: Speaker, key: str, *, form: str = "") -> DraftNews:
    """Return the agent's draft, and whether a form was sent. form: its key."""
    with desk.database.read() as connection:
        case = find_for(connection, key, actor=actor)
        draft = find_draft(connection, agent_id=actor.id, conversation_id=case.id) or Draft()
        is_sent = was_sent(connection, agent_id=actor.id, form=form)
    return DraftNews(kind=draft.kind, text=draft.text, revision=draft.revision, is_sent=is_sent)


@routes.post("/conversations/{key}/draft")
def keep_form(request: Request, desk: DeskPart, actor: Speaker, form: Form, *, key: str) -> Response:
    """Save what stands in the form, and show the conversation again; the way without a script."""
    del request
    save_for(desk, actor, key, draft=typed(form), form=form.one("key"))
    return RedirectResponse(f"/conversations/{key}", status_code=303)


def typed(form: Fields) -> Draft:
    """Return what stands in the fields of the answer box."""
    kind, revision = form.one("mode") or form.one("kind"), form.number("revision")
    return Draft(
        kind=kind if kind in KINDS else "reply",
        text=form.whole("text")[:LONGEST_TEXT],
        recipient=form.one("recipient")[:_LONGEST_ADDRESS],
        copies=addresses(form.one("copies")),
        blind_copies=addresses(form.one("blind_copies")),
        revision=revision or 0,
    )


def addresses(said: str) -> list[str]:
    """Return the addresses of a field, as they are separated by commas, semicolons or blanks."""
    return [each[:_LONGEST_ADDRESS] for each in _SEPARATORS.split(said) if each][:MOST_COPIES]


def save_for(desk: Desk, actor: Actor, key: str, *, draft: Draft, form: str) -> SavedDraft:
    """Save an agent's draft in a conversation that they may answer."""
    with desk.database.write() as connection:
        case = find_for(connection, key, actor=actor)
        return save_draft(connection, draft, agent_id=actor.id, conversation_id=case.id, form=form)
