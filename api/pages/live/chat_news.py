"""The chats, for the open pages: what the visitor of an open conversation does now, and who waits for an agent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from api.desk import Desk
from api.pages.chat_pane import chat_words
from api.services.desk_stream import DeskLook, DeskNotice, DeskReader
from api.text.phrases import LANGUAGES, Language, Words
from api.text.times import Moments
from store.chat.chat_hours import waiting_now
from store.chat.queue import WaitingChat, waiting_chats
from store.chat.watched import WatchedChat, watched_chats

# Of the conversation that an agent has open.
CHAT: Final = "chat"
# The visitors who wait.
CHATS: Final = "chats"
# Waiting chats come and go with events; a visitor who leaves the page has none.
_AT_LEAST_EVERY: Final = timedelta(seconds=3)
_MOST_WAITING: Final = 200

Waits = Sequence[tuple[str, bool]]


class LiveChatNews:
    """See `DeskSource`."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._next_at = desk, 0.0
        self._last_sent: dict[UUID, Mapping[Language, str]] = {}
        self._waits: dict[frozenset[str] | None, Waits] = {}

    def __call__(self, connection: Connection, look: DeskLook) -> Sequence[DeskNotice]:
        """Return what changed in the chats that agents have open, and among those that wait."""
        if not self._desk.chats.pages:
            return ()
        return [*self._watched(connection, look), *self._waiting(connection, look)]

    def _watched(self, connection: Connection, look: DeskLook) -> Iterator[DeskNotice]:
        known, self._last_sent = self._last_sent, {}
        fresh = {reader.agent_id for reader in look.fresh}
        for chat in watched_chats(connection, now=look.now):
            said = self._last_sent[chat.case_id] = self._state_json(chat, look)
            notice = DeskNotice(kind=CHAT, key=chat.case_id.hex, data=said, is_for=partial(_sees, chat.team))
            if said != known.get(chat.case_id):
                yield notice
            elif fresh:
                yield DeskNotice(kind=CHAT, key=notice.key, data=said, is_for=partial(_sees_fresh, chat.team, fresh))

    def _state_json(self, chat: WatchedChat, look: DeskLook) -> dict[Language, str]:
        facts = {
            "id": str(chat.case_id),
            "last": chat.session.last_seq,
            "read": chat.session.read_seq,
            "goes_on": chat.session.goes_on(look.now),
        }
        zone = self._desk.settings.omniyard.timezone
        return {
            language: json.dumps(
                {
                    **facts,
                    "said": chat_words(chat.session, moments=Moments(now=look.now, zone=zone, words=Words(language))),
                },
                ensure_ascii=False,
            )
            for language in LANGUAGES
        }

    def _waiting(self, connection: Connection, look: DeskLook) -> Iterator[DeskNotice]:
        if monotonic() < self._next_at and not look.events and not look.fresh:
            return
        self._next_at = monotonic() + _AT_LEAST_EVERY.total_seconds()
        begun = waiting_chats(connection, teams=None, limit=_MOST_WAITING, urgent=True)
        waiting = waiting_now(begun, hours=self._desk.chats.hours, now=look.now)
        known, self._waits = self._waits, {}
        fresh = {reader.agent_id for reader in look.fresh}
        for sight in {reader.sees_only for reader in look.readers}:
            waits = self._waits[sight] = [_facts(chat, look) for chat in waiting if sight is None or chat.team in sight]
            data = dict.fromkeys(LANGUAGES, json.dumps({"waiting": [list(each) for each in waits]}))
            if waits != known.get(sight, []):
                yield DeskNotice(kind=CHATS, key="", data=data, is_for=partial(_sees_as, sight))
            elif fresh and waits:
                yield DeskNotice(kind=CHATS, key="", data=data, is_for=partial(_sees_as_fresh, sight, fresh))


def _facts(chat: WaitingChat, look: DeskLook) -> tuple[str, bool]:
    return chat.reference, chat.is_here(look.now)


def _sees(team: str, reader: DeskReader) -> bool:
    return reader.sees(team)


def _sees_fresh(team: str, fresh: set[UUID], reader: DeskReader) -> bool:
    return reader.agent_id in fresh and reader.sees(team)


def _sees_as(sight: frozenset[str] | None, reader: DeskReader) -> bool:
    return reader.sees_only == sight


def _sees_as_fresh(sight: frozenset[str] | None, fresh: set[UUID], reader: DeskReader) -> bool:
    return reader.agent_id in fresh and reader.sees_only == sight
