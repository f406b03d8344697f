"""Chats that time changes: warn and end silent ones, end resolved ones, mail unread answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from router.settings.channels.base import ChatPage
from store.chat.endings import chats_of_resolved_cases, end_and_close, end_chat, silent_chats
from store.chat.mail import unseen_sessions
from store.chat.visitor_sessions import change_session, drop_sessions, find_session, unused_sessions
from store.db.engine import Database, read_clock
from workers.routing.brain import Brain
from workers.sending.chat_mail import ChatMailer

_MOST: Final = 50
# A session in which nothing was written is deleted after this time.
_UNUSED: Final = timedelta(days=1)
# How long before its end a silent chat is warned, as a part of `idle`.
_WARNED_AT: Final = 2 / 3


class ChatKeeper:
    """A chore."""

    def __init__(self, database: Database, brain: Brain) -> None:
        self._database = database
        channels = brain.settings.channels.items()
        self._pages = {name: page for name, each in channels if each.enabled and (page := each.chat_page)}
        self._mailer = ChatMailer(brain.settings)

    def once(self) -> int:
        """Do the due work; return how many chats changed."""
        if not self._pages:
            return 0
        return sum(self._of(name, page) for name, page in self._pages.items()) + self._resolved()

    def _of(self, name: str, page: ChatPage) -> int:
        with self._database.read() as connection:
            now = read_clock(connection)
            silent = silent_chats(connection, name, before=now - page.idle, warned=True, limit=_MOST)
            quiet = silent_chats(connection, name, before=now - page.idle * _WARNED_AT, warned=False, limit=_MOST)
            unseen = unseen_sessions(connection, name, before=now - page.mail_after, limit=_MOST) if page.mail else []
        return self._each(silent, self._end_idle) + self._each(quiet, self._warn) + self._each(unseen, self._mail)

    def _each(self, ids: list[UUID], act: Callable[[Connection, UUID], bool]) -> int:
        done = 0
        for session_id in ids:
            # One transaction each: a chat that fails does not keep the others.
            with self._database.write() as connection:
                done += act(connection, session_id)
        return done

    def _end_idle(self, connection: Connection, session_id: UUID) -> bool:
        return end_and_close(connection, session_id, by="idle")

    def _warn(self, connection: Connection, session_id: UUID) -> bool:
        change_session(connection, session_id, warned_at=read_clock(connection))
        return True

    def _mail(self, connection: Connection, session_id: UUID) -> bool:
        return self._mailer.send_unseen(connection, find_session(connection, session_id, lock=True))

    def _resolved(self) -> int:
        with self._database.read() as connection:
            resolved = chats_of_resolved_cases(connection, limit=_MOST)
            unused = unused_sessions(connection, older=_UNUSED, limit=_MOST)
        for session_id, agent in resolved:
            with self._database.write() as connection:
                end_chat(connection, session_id, by="agent" if agent else "desk", name=agent)
        if unused:
            with self._database.write() as connection:
                drop_sessions(connection, unused)
        return len(resolved)
