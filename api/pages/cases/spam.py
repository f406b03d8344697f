"""Mark a conversation as spam, and block its sender."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.forms import Form, ours
from api.http.permissions import Actor, Verb, can
from api.http.problems import ProblemError
from api.pages.cases.after import go_on
from api.pages.orders import reverse
from api.rest.changes import ChangeOrder, change_once
from api.rest.contacts import BlockOrder, block
from api.rest.queries import find_for
from router.conversation_status import Status
from store.conversations.ratings import SPAM_LABEL

# Customers of a spam case are not asked for a rating (`store.conversations.ratings`).
SPAM: Final = ChangeOrder(status=Status.RESOLVED, add_labels=[SPAM_LABEL], planned_replies="cancel")

routes: Final = APIRouter(include_in_schema=False)


@routes.post("/conversations/{key}/spam")
def mark_spam(
    desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))], form: Form, *, key: str
) -> Response:
    """Resolve the conversation as spam; with `block`, its sender's later messages go to quarantine."""
    with desk.database.read() as connection:
        before = find_for(connection, key, actor=actor)
    if form.one("block"):
        if not can(actor, Verb.BLOCK_CONTACTS):
            raise ProblemError("forbidden")
        block(desk, before.contact_id, BlockOrder(blocked=True), actor)
    changed = change_once(desk, key, order=SPAM, actor=actor, version=form.number("version"), once=None)
    undo = reverse(before, SPAM, now=desk.now())
    said = "done_spam_blocked" if form.one("block") else "done_spam"
    return go_on(
        desk, actor, ours(form.one("back")), said=said, key=before.reference, undo=undo, version=changed.version
    )
