"""The chat within the agents' pages: the waiting chats in the list, and the visitor next to the conversation."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from api.desk import Desk
from api.http.permissions import Actor
from api.pages.toast import EndedChat
from api.text.times import Moments
from store.chat.cases import session_of
from store.chat.chat_hours import waiting_now
from store.chat.endings import resume_chat
from store.chat.queue import OngoingChat, WaitingChat, ongoing_chats, waiting_chats
from store.chat.visitor_sessions import ChatSession, find_session
from store.db.engine import read_clock
from store.desk.audit import AuditAction, AuditEntry, append_audit

_MOST: Final = 20
# Of them some may wait for the opening of their channel.
_MOST_BEGUN: Final = 200
# The views in which waiting chats stand below the emergencies.
_VIEWS: Final = frozenset({"open", "all", "mine", "unassigned"})
# Those that show the chats of one agent, or of none.
_OF_ASSIGNEE: Final = frozenset({"mine", "unassigned"})
# The views in which an agent's own answered chats stand: they are no longer open, and the talk goes on.
_OWN_VIEWS: Final = frozenset({"open", "mine"})


def band(connection: Connection, desk: Desk, *, actor: Actor, view: str, is_narrowed: bool) -> list[WaitingChat]:
    """Return the waiting chats of the list; none while a filter hides other conversations."""
    if not desk.chats.pages or is_narrowed or view not in _VIEWS:
        return []
    begun = waiting_chats(connection, teams=actor.sees_only, limit=_MOST_BEGUN)
    waiting = waiting_now(begun, hours=desk.chats.hours, now=desk.now())
    if view in _OF_ASSIGNEE:
        waiting = [chat for chat in waiting if chat.assignee == (actor.name if view == "mine" else None)]
    return waiting[:_MOST]


def own_band(connection: Connection, desk: Desk, *, actor: Actor, view: str, is_narrowed: bool) -> list[OngoingChat]:
    """Return the reader's chats that wait for the visitor; none while a filter hides other conversations."""
    if not desk.chats.pages or is_narrowed or view not in _OWN_VIEWS:
        return []
    return ongoing_chats(connection, agent=actor.name, limit=_MOST)


def chat_in(connection: Connection, desk: Desk, *, conversation_id: UUID, channel: str) -> ChatSession | None:
    """Return the chat of a conversation; None for one that is none."""
    return session_of(connection, conversation_id) if channel in desk.chats.pages else None


def resume(connection: Connection, ended: EndedChat, *, actor: Actor, about: str) -> None:
    """Let a chat go on whose end is taken back, and write it into the audit log. about: its case's reference.

    Call `resumed` after the commit.
    """
    if resume_chat(connection, ended.session_id, waiting_since=ended.waiting_since, name=actor.name):
        write_down(connection, actor, AuditAction.CHAT_RESUME, about=about)


def resumed(desk: Desk, ended: EndedChat) -> None:
    """Tell the other pages and the visitor's that a chat goes on."""
    with desk.database.read() as connection:
        session = find_session(connection, ended.session_id)
    desk.chats.facts.forget(session.channel)
    desk.chats.waker.wake(session.id)


def write_down(connection: Connection, actor: Actor, action: AuditAction, *, about: str) -> None:
    """Write an action on a chat into the audit log."""
    at = read_clock(connection)
    entry = AuditEntry(at=at, actor=actor.name, actor_id=actor.id, action=action, object=about, detail={})
    append_audit(connection, [entry])


def chat_words(session: ChatSession, *, moments: Moments) -> str:
    """Return what the visitor does now, in the reader's words."""
    words, now = moments.words, moments.now
    if session.is_blocked(now) and session.blocked_until:
        return words("chat_is_blocked", at=moments.short(session.blocked_until))
    if session.is_ended:
        return words("chat_over")
    if session.typing_until and session.typing_until > now:
        return words("chat_typing")
    is_here = session.here_until is not None and session.here_until > now
    said = words("chat_here" if is_here else "chat_gone")
    unread = session.last_seq - session.read_seq
    return f"{said} · {words('chat_unseen', count=unread)}" if unread > 0 and session.answered_at else said
