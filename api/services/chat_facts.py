"""What all visitors of one chat see alike: its hours, who is there to answer, and the queue."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from time import monotonic
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from router.hours.calendar import Calendar
from router.hours.from_settings import build_calendars
from router.settings import Settings
from store.chat.queue import agents_at_work, first_answers, waiting_in
from store.db.engine import Database
from store.desk.assignment import duties
from store.tables.desk import SkillKind

_FRESH_SECONDS: Final = 2.0
# Of how many first answers the median is taken, and from how many on it means anything.
_SAMPLES: Final = 20
_FEWEST: Final = 10
# A waiting time is said in these steps of minutes; a more exact figure would be a promise.
_STEPS: Final = (1, 2, 5, 10, 15, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFacts:
    """until: when it closes.  next_opening: while it is closed.  agents: how many can take a chat.

    order: the sessions that wait, the longest first.  usual: how long a first answer usually takes; None if unknown.
    """

    open: bool
    until: datetime | None
    next_opening: datetime | None
    agents: int
    order: Sequence[UUID]
    usual: timedelta | None

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
        self._known: dict[str, tuple[float, ChatFacts]] = {}

    @cached_property
    def calendars(self) -> Mapping[str, Calendar]:
        """The desk's calendars."""
        return build_calendars(self._settings)

    def calendar(self, channel: str) -> Calendar:
        """Return the calendar of a channel."""
        return self.calendars[self._settings.channels[channel].calendar]

    def of(self, channel: str, *, now: datetime, fresh: bool = False) -> ChatFacts:
        """Return a chat's facts. fresh: read the queue again, however new the known one is."""
        with self._lock:
            known = self._known.get(channel)
        if known and not fresh and monotonic() - known[0] < _FRESH_SECONDS:
            return self._with_hours(known[1], channel, now=now)
        with self._database.read() as connection:
            facts = self._read(connection, channel, now=now)
        with self._lock:
            self._known[channel] = (monotonic(), facts)
        return facts

    def forget(self, channel: str) -> None:
        """Read a chat's facts again when they are asked for next: its queue has changed."""
        with self._lock:
            self._known.pop(channel, None)

    def _read(self, connection: Connection, channel: str, *, now: datetime) -> ChatFacts:
        took = first_answers(connection, channel, limit=_SAMPLES)
        usual = timedelta(seconds=statistics.median(each.total_seconds() for each in took)) if took else None
        return self._with_hours(
            ChatFacts(
                open=False,
                until=None,
                next_opening=None,
                agents=self._agents(connection, channel, now=now),
                order=tuple(waiting_in(connection, channel)),
                usual=usual if len(took) >= _FEWEST else None,
            ),
            channel,
            now=now,
        )

    def _with_hours(self, facts: ChatFacts, channel: str, *, now: datetime) -> ChatFacts:
        calendar = self.calendar(channel)
        is_open = calendar.is_open(now)
        return ChatFacts(
            open=is_open,
            until=calendar.closes(now) if is_open else None,
            next_opening=None if is_open else calendar.next_opening(now),
            agents=facts.agents,
            order=facts.order,
            usual=facts.usual,
        )

    def _agents(self, connection: Connection, channel: str, *, now: datetime) -> int:
        """Return how many agents of the channel's team are available, or have a conversation open."""
        team, at_work = self._settings.team_of_channel(channel), agents_at_work(connection, now=now)
        there = [each for each in duties(connection).values() if each.available or each.name in at_work]
        return sum(_answers(each.skills.get(SkillKind.TEAM, ()), team) for each in there)


def _answers(teams: Sequence[str], team: str | None) -> bool:
    return not teams or team is None or team in teams
