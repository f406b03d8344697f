"""What all visitors of one chat see alike: its hours, who is there to answer, and the queue."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from router.hours.calendar import Calendar
from router.hours.from_settings import build_calendars
from router.settings import Settings
from store.chat.chat_hours import waits_in_hours
from store.chat.queue import first_answers, waiting_in
from store.chat.slots import chats_by_agent
from store.conversations.readers import agents_at_work
from store.db.engine import Database
from store.desk.assignment import read_workers

_FRESH_SECONDS: Final = 2.0
# Of how many first answers the median is taken, and from how many on it means anything.
_SAMPLES: Final = 20
_FEWEST: Final = 10
# A waiting time is said in these steps of minutes; a more exact figure would be a promise.
_STEPS: Final = (1, 2, 5, 10, 15, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFacts:
    """until: when it closes.  next_opening: while it is closed.  agents: how many there take chats.

    rooms: how many more chats they take now.

    order: the sessions that wait, the longest first.  usual: how long a first answer usually takes; None if unknown.
    """

    open: bool
    until: datetime | None
    next_opening: datetime | None
    agents: int
    rooms: int
    order: Sequence[UUID]
    usual: timedelta | None

    @property
    def is_busy(self) -> bool:
        """Whether the next visitor waits though agents are there."""
        return self.agents > 0 and self.rooms <= len(self.order)

    def moved_since(self, before: ChatFacts) -> set[UUID]:
        """Return the sessions whose place or waiting time is another one."""
        now, then = ({each: n for n, each in enumerate(facts.order, 1)} for facts in (self, before))
        shown = {each for each, place in now.items() if self.minutes(place) != before.minutes(then.get(each))}
        return shown | {each for each in now.keys() | then.keys() if now.get(each) != then.get(each)}

    def place(self, session_id: UUID) -> int | None:
        """Return the visitor's place in the queue, counted from 1; None if they do not wait."""
        return self.order.index(session_id) + 1 if session_id in self.order else None

    def minutes(self, place: int | None) -> int | None:
        """Return about how long that place waits; None if it is not known, or if no agent is there."""
        if place is None or self.usual is None or not self.agents:
            return None
        estimate = self.usual.total_seconds() / 60 * place / self.agents
        return next((step for step in _STEPS if estimate <= step), None)


class FactBook:
    """The facts of each chat, read again when they are two seconds old; used by several threads."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._lock = threading.Lock()
        # Of each chat: when its facts were begun to be read, and what was read; None since its queue has changed.
        self._known: dict[str, tuple[float, ChatFacts | None]] = {}

    @cached_property
    def calendars(self) -> Mapping[str, Calendar]:
        """The desk's calendars."""
        return build_calendars(self._settings)

    def calendar(self, channel: str) -> Calendar:
        """Return the calendar of a channel."""
        return self.calendars[self._settings.channels[channel].calendar]

    def of(self, channel: str, *, now: datetime) -> ChatFacts:
        """Return a chat's facts."""
        began = monotonic()
        with self._lock:
            read_at, known = self._known.get(channel, (began, None))
        if known and began - read_at < _FRESH_SECONDS:
            return self._with_hours(known, channel, now=now)
        with self._database.read() as connection:
            facts = self._read(connection, channel, now=now)
        with self._lock:
            # A slow reading must not replace a later one, nor what was forgotten while it read.
            if began >= self._known.get(channel, (began, None))[0]:
                self._known[channel] = (began, facts)
        return facts

    def forget(self, channel: str) -> None:
        """Read a chat's facts again when they are asked for next: its queue has changed."""
        with self._lock:
            self._known[channel] = (monotonic(), None)

    def _read(self, connection: Connection, channel: str, *, now: datetime) -> ChatFacts:
        answers = first_answers(connection, channel, limit=_SAMPLES)
        took = waits_in_hours(answers, hours={channel: self.calendar(channel)})
        usual = timedelta(seconds=statistics.median(each.total_seconds() for each in took)) if took else None
        agents, rooms = self._agents(connection, channel, now=now)
        return self._with_hours(
            ChatFacts(
                open=False,
                until=None,
                next_opening=None,
                agents=agents,
                rooms=rooms,
                order=tuple(waiting_in(connection, channel)),
                usual=usual if len(took) >= _FEWEST else None,
            ),
            channel,
            now=now,
        )

    def _with_hours(self, facts: ChatFacts, channel: str, *, now: datetime) -> ChatFacts:
        calendar = self.calendar(channel)
        is_open = calendar.is_open(now)
        return replace(
            facts,
            open=is_open,
            until=calendar.closes(now) if is_open else None,
            next_opening=None if is_open else calendar.next_opening(now),
        )

    def _agents(self, connection: Connection, channel: str, *, now: datetime) -> tuple[int, int]:
        """Return how many agents of the channel's team are there and take chats, and how many more chats they take.

        There is who is available, or has a conversation open.
        """
        team, page = self._settings.team_of_channel(channel), self._settings.channels[channel].chat_page
        there = {each.name for each in read_workers(connection, off_duty=False)} | agents_at_work(connection, now=now)
        usual, has = page.slots if page else 0, chats_by_agent(connection)
        slots = {
            each.name: usual if each.chat_slots is None else each.chat_slots
            for each in read_workers(connection, off_duty=True)
            if each.name in there and _answers(each.teams, team)
        }
        takes = {name: number for name, number in slots.items() if number}
        return len(takes), sum(max(0, number - has.get(name, 0)) for name, number in takes.items())


def _answers(teams: Collection[str], team: str | None) -> bool:
    return not teams or team is None or team in teams
