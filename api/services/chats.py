"""The chats of this desk: their intake, streams, limits, and what each visitor's page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Final
from uuid import UUID

from sqlalchemy.engine import Connection

from api.services.chat_facts import ChatFacts, FactBook
from api.services.chat_state import ChatState, common_state, own_state
from api.services.keyed_waker import KeyedWaker
from api.services.visitors import VisitorPace
from router.errors import NotFound
from router.hours.calendar import Calendar
from router.settings import Settings
from router.settings.channels.base import ChatPage
from store.chat.cases import sessions_about
from store.chat.queue import case_of_chat, changed_since
from store.chat.visitor_sessions import ChatSession, note_here
from store.conversations.ratings import last_closing, score_of
from store.conversations.readers import typing_agents
from store.db.engine import Database, read_clock

if TYPE_CHECKING:
    from workers.intake.chat_intake import ChatIntake

# A transaction commits later than its clock says; longer ones end by themselves (`store.db.engine`).
_ASKED_BACK: Final = timedelta(seconds=10)
_HERE_SECONDS: Final = 15.0
_FACT_SECONDS: Final = 2.0
_DAY_SECONDS: Final = 86_400.0
_MINUTE: Final = timedelta(minutes=1)


class Chats:
    """Shared by all requests of the application; used by several threads. now: the desk's clock."""

    def __init__(self, settings: Settings, database: Database, *, now: Callable[[], datetime]) -> None:
        self._settings, self._database, self._now = settings, database, now
        channels = settings.channels.items()
        self.pages = {name: page for name, each in channels if each.enabled and (page := each.chat_page)}
        self.facts = FactBook(settings, database)
        self.waker: KeyedWaker[UUID] = KeyedWaker(self._changed)
        hour = timedelta(hours=1)
        self.begun = {name: VisitorPace(allowed=page.per_hour, span=hour) for name, page in self.pages.items()}
        self.lines = {name: VisitorPace(allowed=page.per_minute, span=_MINUTE) for name, page in self.pages.items()}
        # Open streams of each address.
        self.of_address: Counter[str] = Counter()
        self.typed = VisitorPace(allowed=1, span=timedelta(seconds=2))
        self.transcripts = VisitorPace(allowed=5, span=hour)
        # Of one address: secrets that open nothing.
        self.misses = VisitorPace(allowed=60, span=_MINUTE)
        self._typing: dict[UUID, str] = {}
        self._shown: dict[str, ChatFacts] = {}
        self._looked_at = self._here_at = 0.0

    @cached_property
    def hours(self) -> Mapping[str, Calendar]:
        """The calendar of each chat."""
        return {name: self.facts.calendar(name) for name in self.pages}

    @cached_property
    def intake(self) -> ChatIntake:
        """What stores the visitors' lines; its libraries are loaded with the first one."""
        from workers.intake.chat_intake import ChatIntake  # noqa: PLC0415

        return ChatIntake(self._settings, self._database)

    @contextmanager
    def counted(self, address: str) -> Iterator[None]:
        """Count a stream of an address as open."""
        self.of_address[address] += 1
        try:
            yield
        finally:
            self.of_address[address] -= 1
            if not self.of_address[address]:
                del self.of_address[address]

    def page(self, name: str) -> ChatPage:
        """Return a chat's settings. Raises NotFound."""
        found = self.pages.get(name)
        if found is None:
            raise NotFound("there is no chat here")
        return found

    def state(self, name: str, session: ChatSession | None, *, language: str) -> ChatState:
        """Return what a page shows."""
        now = self._now()
        facts = self.facts.of(name, now=now)
        zone = self.facts.calendar(name).zone
        common = common_state(facts, zone=zone, language=language, now=now)
        if session is None:
            seconds = self.seconds_to_boundary(name)
            return common.model_copy(update={"changes_in": seconds if seconds < _DAY_SECONDS else None})
        with self._database.read() as connection:
            return self._own(connection, common, session, facts=facts, now=now)

    def seconds_to_boundary(self, name: str) -> float:
        """Return how long the chat stays as open or closed as it is now."""
        now, calendar = self._now(), self.facts.calendar(name)
        edge = calendar.closes(now) if calendar.is_open(now) else calendar.next_opening(now)
        return max(0.0, (edge - now).total_seconds()) if edge else float("inf")

    def stop(self) -> None:
        """End all streams soon."""
        self.waker.stop()

    def _own(
        self, connection: Connection, common: ChatState, session: ChatSession, *, facts: ChatFacts, now: datetime
    ) -> ChatState:
        case = case_of_chat(connection, session.conversation_id) if session.conversation_id else None
        closing = last_closing(connection, case.id) if case and session.is_ended else None
        typing = typing_agents(connection, now=now).get(case.id, "") if case and not session.is_ended else ""
        rated = score_of(connection, closing) if closing else None
        return own_state(common, session, case=case, facts=facts, typing=typing, rated=rated, now=now)

    def _changed(self, keys: Collection[UUID]) -> Collection[UUID]:
        """Return the sessions whose pages must show something new; see `KeyedWaker`."""
        must_note = monotonic() - self._here_at >= _HERE_SECONDS
        with self._database.write() if must_note else self._database.read() as connection:
            if must_note:
                note_here(connection, keys, now=self._now())
                self._here_at = monotonic()
            # Also of streams that have opened meanwhile: of a change of the facts they would hear only now.
            return {*self._by_version(connection), *self._by_typing(connection), *self._by_facts()}

    def _by_version(self, connection: Connection) -> set[UUID]:
        found = changed_since(connection, read_clock(connection) - _ASKED_BACK)
        return {each.id for each in found if self.waker.is_behind(each.id, each.version)}

    def _by_typing(self, connection: Connection) -> set[UUID]:
        typing = typing_agents(connection, now=self._now())
        known, self._typing = self._typing, typing
        return sessions_about(connection, {case for case, _ in known.items() ^ typing.items()})

    def _by_facts(self) -> set[UUID]:
        if monotonic() - self._looked_at < _FACT_SECONDS:
            return set()
        self._looked_at = monotonic()
        changed: set[UUID] = set()
        for name in self.pages:
            facts, known = self.facts.of(name, now=self._now()), self._shown.get(name)
            self._shown[name] = facts
            if known is None or facts == known:
                continue
            same = (facts.open, facts.agents > 0, facts.is_busy) == (known.open, known.agents > 0, known.is_busy)
            # Who is new at the end of the queue wakes no one; who leaves it moves those behind, once for all of them.
            changed |= facts.moved_since(known) if same else set(self.waker.keys)
        return changed
