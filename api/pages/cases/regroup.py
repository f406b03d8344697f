"""Merge, split and unlink on the page, with the proposal to merge two open cases of one customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.forms import Fields, Form
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError
from api.pages.cases.after import Refused, go_on, status_of, words_of_refusal
from api.pages.render import render
from api.pages.toast import Flash
from api.rest.contacts import ContactOrder, change_contact
from api.rest.merges import MergeOrder, SplitOrder, merge, split, undo_for, unlink
from api.rest.queries import Listed, Story, find_for, read_list
from router.conversation_status import Status
from router.errors import NotFound
from store.conversations.lists import Filter
from store.conversations.read import ConversationRecord

_OTHERS: Final = 20
_MESSAGES: Final = 50
# Two cases that began within this time are probably one.
_NEAR: Final = timedelta(days=14)

routes: Final = APIRouter(include_in_schema=False)
Merger = Annotated[Actor, Depends(Requires(Verb.MERGE_CONVERSATIONS))]


def proposed_merge(row: ConversationRecord, others: Sequence[Listed]) -> ConversationRecord | None:
    """Return the open case of the same customer that this one may belong to; None if there is none.

    others: the customer's other conversations, the newest first.
    """
    if row.status == Status.RESOLVED or row.merged_into is not None:
        return None
    near = (each for each, _, _ in others if each.status != Status.RESOLVED and each.contact_id == row.contact_id)
    return next((each for each in near if abs(each.opened_at - row.opened_at) <= _NEAR), None)


def linked_case(connection: Connection, row: ConversationRecord, *, actor: Actor) -> ConversationRecord | None:
    """Return the older case that this one may belong to, if the actor sees it."""
    return _chosen(connection, str(row.linked_to), actor=actor) if row.linked_to else None


@routes.get("/conversations/{key}/merge")
def choose_merge(
    request: Request,
    desk: DeskPart,
    actor: Merger,
    key: str,
    *,
    other: Annotated[str, Query(alias="with", max_length=64)] = "",
) -> HTMLResponse:
    """Show the two cases side by side; the agent chooses which one stays."""
    return _merge_page(request, desk, actor, key=key, other=other)


@routes.post("/conversations/{key}/merge")
def merge_cases(request: Request, desk: DeskPart, actor: Merger, form: Form, *, key: str) -> Response:
    """Merge the two cases into the one that is kept."""
    other, keep = form.one("with"), form.one("keep") or key
    if keep not in {key, other}:
        raise ProblemError("invalid", "expected to keep one of the two conversations")
    gone = other if keep == key else key
    try:
        # The version is that of the page's own case: the other one is only named.
        version = read_version(form) if gone == key else None
        done = merge(desk, gone, MergeOrder(into=keep), actor=actor, version=version)
    except Refused as error:
        return _merge_page(request, desk, actor, key=key, other=other, refused=error)
    kept = str(done.regrouping_id)
    return go_on(desk, actor, f"/conversations/{keep}", said="done_merge", key=keep, regrouping=kept)


@routes.get("/conversations/{key}/split")
def choose_split(
    request: Request,
    desk: DeskPart,
    actor: Merger,
    key: str,
    *,
    begin: Annotated[str, Query(alias="from", max_length=64)] = "",
) -> HTMLResponse:
    """Show the messages; the agent chooses those that move to a case of their own."""
    return _split_page(request, desk, actor, key=key, begin=begin)


@routes.post("/conversations/{key}/split")
def split_case(request: Request, desk: DeskPart, actor: Merger, form: Form, *, key: str) -> Response:
    """Move the chosen messages into a new case."""
    try:
        if not form.many("message_ids"):
            raise ProblemError("invalid", "expected at least one message that moves and one that stays")
        order = SplitOrder(message_ids=[UUID(each) for each in form.many("message_ids")])
        done = split(desk, key, order, actor=actor, version=read_version(form))
    except Refused as error:
        return _split_page(request, desk, actor, key=key, chosen=form.many("message_ids"), refused=error)
    with desk.database.read() as connection:
        new = find_for(connection, str(done.conversation_id), actor=actor)
    kept = str(done.regrouping_id)
    return go_on(desk, actor, f"/conversations/{new.reference}", said="done_split", key=key, regrouping=kept)


@routes.post("/conversations/{key}/unlink")
def unlink_case(desk: DeskPart, actor: Merger, *, key: str) -> Response:
    """Remove the link to the older case."""
    done = unlink(desk, key, actor)
    kept = str(done.regrouping_id)
    return go_on(desk, actor, f"/conversations/{key}", said="done_unlink", key=key, regrouping=kept)


def read_version(form: Fields) -> frozenset[int] | None:
    """Return the version that the form's agent has read, as the API has it in `If-Match`."""
    version = form.number("version")
    return None if version is None else frozenset({version})


def take_back(desk: Desk, done: Flash, *, actor: Actor) -> None:
    """Undo a merge, a split, an unlinking, or an edited contact; nothing if the notice is about something else."""
    if done.regrouping:
        with desk.database.write() as connection:
            undo_for(connection, UUID(done.regrouping), actor=actor)
    if done.contact:
        contact_id = UUID(done.contact["id"])
        change_contact(desk, contact_id, ContactOrder.model_validate(done.contact["order"]), actor)


def _merge_page(
    request: Request, desk: Desk, actor: Actor, *, key: str, other: str, refused: Exception | None = None
) -> HTMLResponse:
    with desk.database.read() as connection:
        row = find_for(connection, key, actor=actor)
        theirs = Filter(contact=row.contact_id, only_teams=actor.sees_only)
        listed = [each for each in read_list(connection, theirs, after=None, limit=_OTHERS)[0] if each[0].id != row.id]
        chosen = _chosen(connection, other, actor=actor) if other else None
        own = read_list(connection, Filter(ids={row.id}), after=None, limit=1)[0]
    context = {
        "conversation": row,
        "own": own[0] if own else (row, [], None),
        "other": next((each for each in listed if chosen and each[0].id == chosen.id), (chosen, [], None)),
        "asked": other,
        "others": listed,
        "form_key": uuid4().hex,
    }
    return _page(request, desk, "cases/merge.html.jinja", context, refused=refused)


def _chosen(connection: Connection, key: str, *, actor: Actor) -> ConversationRecord | None:
    try:
        return find_for(connection, key, actor=actor)
    except NotFound:
        return None


def _split_page(
    request: Request,
    desk: Desk,
    actor: Actor,
    *,
    key: str,
    begin: str = "",
    chosen: Sequence[str] = (),
    refused: Exception | None = None,
) -> HTMLResponse:
    with desk.database.read() as connection:
        story = Story(connection, find_for(connection, key, actor=actor), limit=_MESSAGES)
    ids = [str(message.id) for message in story.messages]
    later = ids[ids.index(begin) :] if begin in ids else []
    context = {
        "conversation": story.conversation,
        "messages": story.messages,
        "chosen": chosen or later,
        "form_key": uuid4().hex,
    }
    return _page(request, desk, "cases/split.html.jinja", context, refused=refused)


def _page(
    request: Request, desk: Desk, template: str, context: dict[str, object], *, refused: Exception | None
) -> HTMLResponse:
    said = words_of_refusal(request, desk, refused) if refused else ""
    page = render(request, template, {**context, "refused": said})
    page.status_code = status_of(refused)
    return page
