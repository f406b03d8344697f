"""The page of one customer: name, note, labels, handles, messages, who may be the same person, block, erase."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from api.desk import Desk, DeskPart, ShownRows
from api.http.authentication import Requires
from api.http.forms import Fields, Form
from api.http.permissions import Actor, Verb, can
from api.pages.cases.after import Refused, go_on, status_of, words_of_refusal
from api.pages.orders import labels_of
from api.pages.render import render
from api.rest.contacts import (
    BlockOrder,
    ContactMergeOrder,
    ContactOrder,
    EraseOrder,
    block,
    change_contact,
    erase,
    merge,
)
from api.rest.queries import read_list
from api.rest.suggestions import list_suggestions
from api.text.phrases import LANGUAGES
from router.text.customer_name import in_language
from store.contacts.profiles import Card, find_card, timeline
from store.conversations.lists import Filter

_CASES: Final = 20
_MESSAGES: Final = 30

routes: Final = APIRouter(prefix="/people/{contact_id}", include_in_schema=False)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Editor = Annotated[Actor, Depends(Requires(Verb.EDIT_CONTACTS))]


@routes.get("")
def show(request: Request, desk: DeskPart, actor: Watcher, contact_id: UUID) -> HTMLResponse:
    """Show the customer."""
    return _page(request, desk, actor, contact_id=contact_id)


@routes.post("")
def edit(request: Request, desk: DeskPart, actor: Editor, form: Form, *, contact_id: UUID) -> Response:
    """Save name, note and labels; the notice takes it back."""

    def make() -> Response:
        before = _card(desk, actor, contact_id)
        order = _edit_order(form, before)
        after = change_contact(desk, contact_id, order, actor)
        added = [label for label in after.labels if label not in before.labels]
        gone = [label for label in before.labels if label not in after.labels]
        undo = {"name": before.name, "note": before.note, "add_labels": gone, "remove_labels": added}
        kept = {"id": str(contact_id), "order": undo}
        return _home(desk, actor, contact_id, said="done_contact", contact=kept)

    return _or_refusal(request, desk, actor, make, contact_id=contact_id)


@routes.post("/merge")
def merge_into(
    request: Request,
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.MERGE_CONTACTS))],
    form: Form,
    *,
    contact_id: UUID,
) -> Response:
    """Merge another contact into this one."""

    def make() -> Response:
        with desk.database.read() as connection:
            named = form.one("other")
            other = find_card(connection, _id_or_handle(named), only_teams=actor.sees_only)
        done = merge(desk, other.id, ContactMergeOrder(into=contact_id), actor)
        return _home(desk, actor, contact_id, said="done_contact_merge", regrouping=str(done.regrouping_id))

    return _or_refusal(request, desk, actor, make, contact_id=contact_id)


@routes.post("/block")
def block_or_not(
    request: Request,
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.BLOCK_CONTACTS))],
    form: Form,
    *,
    contact_id: UUID,
) -> Response:
    """Block the sender, or end the block."""

    def make() -> Response:
        blocked = form.one("do") == "block"
        block(desk, contact_id, BlockOrder(blocked=blocked), actor)
        return _home(desk, actor, contact_id, said="done_block" if blocked else "done_unblock")

    return _or_refusal(request, desk, actor, make, contact_id=contact_id)


@routes.post("/erase")
def erase_for_good(
    request: Request,
    desk: DeskPart,
    actor: Annotated[Actor, Depends(Requires(Verb.ERASE_CONTACTS))],
    form: Form,
    *,
    contact_id: UUID,
) -> Response:
    """Erase the contact; it cannot be undone."""

    def make() -> Response:
        erase(desk, contact_id, EraseOrder(reason=form.one("reason")), actor)
        return _home(desk, actor, contact_id, said="done_erase")

    return _or_refusal(request, desk, actor, make, contact_id=contact_id)


def _home(desk: Desk, actor: Actor, contact_id: UUID, *, said: str, **more: object) -> Response:
    home = f"/people/{contact_id}"
    return go_on(desk, actor, home, said=said, home=home, **more)


def _edit_order(form: Fields, before: Card) -> ContactOrder:
    wanted, name = labels_of(form.one("labels")), form.one("name")
    # The field shows a name as the reader reads it ("WeChat user …Tlm6"); left as it is, it is no new name.
    shown = {in_language(before.name, language=language) for language in LANGUAGES}
    return ContactOrder(
        name=before.name if name in shown else name,
        note=form.whole("note").strip(),
        add_labels=[label for label in wanted if label not in before.labels],
        remove_labels=[label for label in before.labels if label not in wanted],
    )


def _id_or_handle(named: str) -> UUID | str:
    try:
        return UUID(named)
    except ValueError:
        return named


def _card(desk: Desk, actor: Actor, contact_id: UUID) -> Card:
    with desk.database.read() as connection:
        return find_card(connection, contact_id, only_teams=actor.sees_only)


def _or_refusal(
    request: Request, desk: Desk, actor: Actor, make: Callable[[], Response], *, contact_id: UUID
) -> Response:
    try:
        return make()
    except Refused as error:
        return _page(request, desk, actor, contact_id=contact_id, refused=error)


def _page(
    request: Request, desk: Desk, actor: Actor, *, contact_id: UUID, refused: Exception | None = None
) -> HTMLResponse:
    said = words_of_refusal(request, desk, refused) if refused else ""
    with desk.database.read() as connection:
        card = find_card(connection, contact_id, only_teams=actor.sees_only)
        wanted = Filter(contact=contact_id, only_teams=actor.sees_only)
        listed = read_list(connection, wanted, after=None, limit=_CASES)[0]
        messages = timeline(connection, contact_id, only_teams=actor.sees_only, limit=_MESSAGES)
    suggestions = list_suggestions(desk, contact_id, actor, ShownRows(request)).suggestions
    context = {
        "card": card,
        "listed": listed,
        "messages": messages,
        "suggestions": suggestions,
        "refused": said,
        "may": partial(can, actor),
        "Verb": Verb,
    }
    page = render(request, "people/contact.html.jinja", context)
    page.status_code = status_of(refused)
    return page
