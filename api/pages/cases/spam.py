"""Mark a conversation as spam, and block its sender."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlalchemy.engine import Connection

from api.desk import DeskPart
from api.http.authentication import Requires
from api.http.forms import Form, ours
from api.http.permissions import Actor, Verb, can
from api.http.problems import ProblemError
from api.pages.cases.after import go_on
from api.pages.cases.reverse_order import undo_of
from api.rest.changes import ChangeOrder, change_once, look_before
from router.conversation_status import Status
from store.contacts.blocked import block_sender, blocked_among
from store.conversations.ratings import SPAM_LABEL
from store.db.engine import read_clock

# Customers of a spam case are not asked for a rating (`store.conversations.ratings`).
SPAM: Final = ChangeOrder(status=Status.RESOLVED, add_labels=[SPAM_LABEL], planned_replies="cancel")

routes: Final = APIRouter(include_in_schema=False)


@routes.post("/conversations/{key}/spam")
def mark_spam(
    desk: DeskPart, actor: Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))], form: Form, *, key: str
) -> Response:
    """Resolve the conversation as spam; with `block`, its sender's later messages go to quarantine."""
    blocks = bool(form.one("block"))
    if blocks and not can(actor, Verb.BLOCK_CONTACTS):
        raise ProblemError("forbidden")
    with desk.database.read() as connection:
        before = look_before(connection, key, actor=actor)
        sender = before.record.contact_id
        was_blocked = sender in blocked_among(connection, [sender])

    def block(connection: Connection) -> None:
        if blocks:
            block_sender(connection, sender, blocked=True, by=actor.name, now=read_clock(connection))

    version = form.number("version")
    changed = change_once(desk, key, order=SPAM, actor=actor, version=version, once=None, also=block)
    return go_on(
        desk,
        actor,
        ours(form.one("back")),
        said="done_spam_blocked" if blocks else "done_spam",
        key=before.record.reference,
        undo=undo_of(before, SPAM, now=desk.now()),
        version=changed.version,
        unblocks=str(sender) if blocks and not was_blocked else "",
    )
