"""The page on which supervisors write the ready texts and macros."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any, Final, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.forms import Fields, Form
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError
from api.pages.cases.after import go_on
from api.pages.render import language_of, moments_of, render
from api.rest.changes import ChangeOrder
from api.rest.replies import LONGEST_TEXT
from api.text.phrases import LANGUAGES as LANGUAGES_OF_WORDS
from api.text.phrases import Language, Words
from api.text.terms.starter_texts import STARTER_TEXTS, StarterText
from router.masking.mask import mask
from router.settings.model import PRIORITIES
from router.text.visible import is_visible
from store.db.ids import new_id
from store.desk.composer.ready_texts import (
    ReadyText,
    delete_ready_text,
    find_ready_text,
    list_ready_texts,
    write_ready_text,
)

PAGE: Final = "/ready-texts"
LANGUAGES: Final = ("zh", "en")
PLACEHOLDERS: Final = ("customer", "reference", "agent", "team", "desk", "next_opening", "missing_facts")
_LONGEST_NAME: Final = 100
_STATUSES: Final = ("pending", "resolved", "open")

routes: Final = APIRouter(include_in_schema=False)


class StarterLine(NamedTuple):
    """A text that is offered, as a reader sees it."""

    key: str
    title: str
    text: str


Editor = Annotated[Actor, Depends(Requires(Verb.EDIT_READY_TEXTS))]


@routes.get(PAGE)
def ready_texts(request: Request, desk: DeskPart, actor: Editor, edit: UUID | None = None) -> HTMLResponse:
    """Show the ready texts, and the form for a new one or for the one to `edit`."""
    del actor
    with desk.database.read() as connection:
        chosen = find_ready_text(connection, edit) if edit else None
    return _page(request, desk, chosen=chosen)


@routes.post(PAGE)
def keep_ready_text(request: Request, desk: DeskPart, actor: Editor, form: Form) -> Response:
    """Add a ready text, or change the one that the form names."""
    try:
        text = _text(form, by=actor.name)
    except ValueError:
        refused = _unchecked_text(form, by=actor.name)
        page = _page(request, desk, chosen=refused, refused=moments_of(request, desk).words("ready_text_refused"))
        page.status_code = 422
        return page
    with desk.database.write() as connection:
        write_ready_text(connection, text)
    return go_on(desk, actor, PAGE, said="done_ready_kept", values={"title": text.title})


@routes.post(PAGE + "/starters")
def take_starters(request: Request, desk: DeskPart, actor: Editor, form: Form) -> Response:
    """Take the chosen texts over that a fresh desk offers; one that is there already stays as it is."""
    language = language_of(request)
    chosen = [each for each in STARTER_TEXTS if each.key in form.many("key")]
    with desk.database.write() as connection:
        known = {each.id for each in list_ready_texts(connection)}
        made = [_starter(each, language=language, by=actor.name) for each in chosen]
        fresh = [text for text in made if text.id not in known]
        for text in fresh:
            write_ready_text(connection, text)
    return go_on(desk, actor, PAGE, said="done_starters", values={"count": str(len(fresh))})


def _starter(starter: StarterText, *, language: Language, by: str) -> ReadyText:
    place = LANGUAGES_OF_WORDS.index(language)
    return ReadyText(
        id=uuid5(NAMESPACE_URL, f"omniyard:ready-text:{starter.key}"),
        folder=starter.folder[place],
        title=starter.title[place],
        code=starter.code,
        team="",
        texts=dict(starter.texts),
        actions=None,
        changed_by=by,
    )


@routes.post(PAGE + "/{text_id}/delete")
def drop_ready_text(desk: DeskPart, actor: Editor, text_id: UUID) -> Response:
    """Delete a ready text."""
    with desk.database.write() as connection:
        delete_ready_text(connection, text_id)
    return go_on(desk, actor, PAGE, said="done_ready_deleted")


def _page(request: Request, desk: Desk, *, chosen: ReadyText | None, refused: str = "") -> HTMLResponse:
    with desk.database.read() as connection:
        listed = list_ready_texts(connection)
    context = {
        "listed": listed,
        "starters": _starters(moments_of(request, desk).words) if not listed else (),
        "folders": sorted({each.folder for each in listed}),
        "chosen": chosen,
        "refused": refused,
        "languages": LANGUAGES,
        "placeholders": PLACEHOLDERS,
        "statuses": _STATUSES,
        "priorities": list(reversed(PRIORITIES)),
        "teams": desk.settings.teams,
    }
    return render(request, "ready_texts.html.jinja", context)


def _starters(words: Words) -> list[tuple[str, list[StarterLine]]]:
    """Return what a desk without ready texts is offered: folder, and its texts in the reader's language."""
    place, language = LANGUAGES_OF_WORDS.index(words.language), words.language
    return [
        (folder, [StarterLine(each.key, each.title[place], each.texts[language]) for each in texts])
        for folder, texts in groupby(STARTER_TEXTS, key=lambda each: each.folder[place])
    ]


def _text(form: Fields, *, by: str) -> ReadyText:
    """Return the ready text of the form. Raises ValueError when it would say and do nothing, or has no title."""
    said = _unchecked_text(form, by=by)
    if not is_visible(said.title) or not (said.texts or said.actions):
        raise ValueError("expected a title, and a text or an action")
    try:
        ChangeOrder.model_validate(said.actions or {})
    except ValidationError as error:
        raise ValueError("expected actions that a conversation can take") from error
    return said


def _unchecked_text(form: Fields, *, by: str) -> ReadyText:
    texts = {language: mask(form.whole(f"text_{language}")).text[:LONGEST_TEXT] for language in LANGUAGES}
    return ReadyText(
        id=_id(form.one("id")),
        folder=form.one("folder")[:_LONGEST_NAME],
        title=form.one("title")[:_LONGEST_NAME],
        code=form.one("code").lstrip("/")[:_LONGEST_NAME],
        team=form.one("team"),
        texts={language: text for language, text in texts.items() if is_visible(text)},
        actions=_actions(form) or None,
        changed_by=by,
    )


def _id(said: str) -> UUID:
    try:
        return UUID(said) if said else new_id()
    except ValueError as error:
        raise ProblemError("not-found") from error


def _actions(form: Fields) -> dict[str, Any]:
    labels = [each.strip() for each in form.one("labels").replace("，", ",").split(",") if each.strip()]
    found: dict[str, Any] = {"add_labels": labels, "status": form.one("status")}
    found |= {"priority": form.one("priority"), "team": form.one("move_to"), "take": form.one("take") == "yes"}
    return {name: value for name, value in found.items() if value}
