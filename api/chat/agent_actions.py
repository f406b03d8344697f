"""What an agent does with a chat besides answering: end it, hand it over with a note, block its visitor."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.forms import Fields, Form
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError
from api.pages.cases.after import go_on
from api.pages.cases.reverse_order import undo_of
from api.pages.chat_pane import chat_words, write_down
from api.pages.render import moments_of
from api.pages.toast import EndedChat
from api.rest.changes import ChangeOrder, change_once, look_before
from api.rest.queries import find_for
from router.conversation_status import Status
from router.settings.values import title_in
from store.chat.cases import session_of
from store.chat.endings import BLOCKED_FOR, block_visitor, end_chat, hand_over
from store.chat.visitor_sessions import ChatSession, find_session
from store.desk.audit import AuditAction
from store.outbound.replies import lock_answerable

routes: Final = APIRouter(prefix="/conversations", include_in_schema=False)
Watcher = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Worker = Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))]


class ChatNow(BaseModel):
    """said: whether the visitor is there and types.  last: the number of the last line.

    goes_on: the chat has not ended, and the visitor is not blocked.
    """

    said: str
    last: int
    goes_on: bool


@routes.get("/{key}/chat")
def look(request: Request, desk: DeskPart, actor: Watcher, key: str) -> ChatNow:
    """Return what the visitor does now; the page asks each second."""
    _, session = _chat(desk, key, actor=actor)
    moments = moments_of(request, desk)
    said, goes_on = chat_words(session, moments=moments), session.goes_on(moments.now)
    return ChatNow(said=said, last=session.last_seq, goes_on=goes_on)


@routes.post("/{key}/chat")
def act_on_chat(desk: DeskPart, actor: Worker, form: Form, *, key: str) -> Response:
    """Do what a button of the chat says."""
    verb = form.one("do")
    conversation_id, session = _chat(desk, key, actor=actor)
    more: dict[str, Any] = {}
    if verb == "end":
        more = _end(desk, key, actor=actor, session=session)
    elif verb == "transfer":
        _transfer(desk, key, form, actor=actor, conversation_id=conversation_id, session=session)
    elif verb in {"block", "unblock"}:
        with desk.database.write() as connection:
            block_visitor(connection, session.id, lasts=BLOCKED_FOR if verb == "block" else timedelta(0))
    else:
        raise ProblemError("invalid", "this button is not one of this desk")
    if verb != "end":
        with desk.database.write() as connection:
            write_down(connection, actor, AuditAction(f"chat.{verb}"), about=key)
    desk.chats.facts.forget(session.channel)
    desk.chats.waker.wake(session.id)
    return go_on(desk, actor, f"/conversations/{key}", said=f"done_chat_{verb}", key=key, **more)


def _end(desk: Desk, key: str, *, actor: Actor, session: ChatSession) -> dict[str, Any]:
    """End a chat and resolve its case, in one transaction; return what the notice needs to take both back."""
    order, ended = ChangeOrder(status=Status.RESOLVED), list[EndedChat]()
    with desk.database.read() as connection:
        before = look_before(connection, key, actor=actor)

    def end(connection: Connection) -> None:
        # After the case, as answering and merging lock them; resolving may be refused, and then the chat goes on.
        waiting_since = find_session(connection, session.id, lock=True).waiting_since
        if end_chat(connection, session.id, by="agent", name=actor.name):
            ended.append(EndedChat(session_id=session.id, waiting_since=waiting_since))
            write_down(connection, actor, AuditAction.CHAT_END, about=key)

    version = before.record.version
    changed = change_once(desk, key, order=order, actor=actor, version=version, once=None, also=end)
    undo = undo_of(before, order, now=desk.now())
    return {"undo": undo, "version": changed.version, "chat": ended[0] if ended else None}


def _transfer(
    desk: Desk, key: str, form: Fields, *, actor: Actor, conversation_id: UUID, session: ChatSession
) -> None:  # fmt: skip
    team, assignee, note = form.one("team"), form.one("assignee"), form.whole("note").strip()
    wanted = {name: value for name, value in (("team", team), ("assignee", assignee)) if value}
    if not wanted:
        raise ProblemError("invalid", "expected a team or an agent to hand the chat over to")
    if note:
        with desk.database.write() as connection:
            case = lock_answerable(connection, conversation_id)
            desk.replying.note(connection, case, author=actor.name, text=note[:2000])
    order = ChangeOrder.model_validate(wanted)
    change_once(desk, key, order=order, actor=actor, version=None, once=uuid4().hex)
    known = desk.settings.teams.get(team)
    with desk.database.write() as connection:
        titles = known.title if known else {}
        hand_over(connection, session.id, to=assignee or title_in(titles, session.language, name=team))


def _chat(desk: Desk, key: str, *, actor: Actor) -> tuple[UUID, ChatSession]:
    with desk.database.read() as connection:
        row = find_for(connection, key, actor=actor)
        session = session_of(connection, row.id)
    if session is None:
        raise ProblemError("not-found", "this conversation is not a chat")
    return row.id, session
