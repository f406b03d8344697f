"""Take a conversation and go on with the next one of the list that the agent came from."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import ValidationError

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.forms import Form, ours
from api.http.pagination import read_cursor
from api.http.permissions import Actor, Verb
from api.pages.cases.after import go_on
from api.pages.cases.reverse_order import undo_of
from api.rest.changes import ChangeOrder, change_once, look_before
from api.rest.lists.list_query import InboxQuery, wanted_by
from store.conversations.lists import list_conversations

# One page of the list, and one row for the next page's first.
_LOOKED_AT: Final = 41

routes: Final = APIRouter(include_in_schema=False)


@routes.post("/conversations/{key}/take-next")
def take_next(
    desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))], form: Form, *, key: str
) -> Response:
    """Assign the conversation to the agent, then show the next one."""
    back = ours(form.one("back"))
    with desk.database.read() as connection:
        before = look_before(connection, key, actor=actor)
    following = next_after(desk, before.record.reference, address=back, actor=actor)
    order = ChangeOrder(take=True)
    changed = change_once(desk, key, order=order, actor=actor, version=form.number("version"), once=None)
    undo = undo_of(before, order, now=desk.now())
    onwards = f"/conversations/{following}" if following else back
    key = before.record.reference
    return go_on(desk, actor, onwards, said="done_take", key=key, undo=undo, version=changed.version)


def next_after(desk: Desk, reference: str, *, address: str, actor: Actor) -> str | None:
    """Return the reference of the next row of the list at `address`, else of its first one; None without one.

    address: the list's path and query.
    """
    try:
        query = InboxQuery.model_validate(dict(parse_qsl(urlsplit(address).query)))
    except ValidationError:
        query = InboxQuery()
    with desk.database.read() as connection:
        wanted = wanted_by(connection, query, actor=actor, now=desk.now())
        after = read_cursor(query.cursor)
        rows = list_conversations(connection, wanted, sort=query.order, after=after, limit=_LOOKED_AT)
    references = [row.reference for row, _ in rows]
    place = references.index(reference) + 1 if reference in references else 0
    others = [each for each in (*references[place:], *references[:place]) if each != reference]
    return others[0] if others else None
