"""How often people were called, and for each thousand messages how often wrongly; whether that is more than allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import insert_new, table_of
from store.db.engine import read_clock
from store.events.append import EventKind, NewEvent, append_events
from store.tables.desk import DeskStateRow, GateTallyRow
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow

WINDOW: Final = timedelta(days=7)
"""What the check looks at: long enough for a rate, short enough to notice a worse model within days."""
_A_DAY: Final = timedelta(days=1)
# One or two wrong alarms are no rate, however few messages a small desk gets.
_FEWEST: Final = 3
_STATE: Final = "false_pages"
_EXCEEDED, _KEPT = "exceeded", "kept"


@dataclass(frozen=True, slots=True)
class EmergencyTally:
    """How many emergencies were raised, confirmed and released. The rest have no verdict yet."""

    paged: int = 0
    confirmed: int = 0
    released: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """Alarms that messages raised, of some days. messages: in which a customer may have been in danger.

    called: all.  confirmed, released: by a person; the others no one has judged.
    """

    messages: int
    called: int
    confirmed: int
    released: int

    @property
    def per_thousand(self) -> float:
        """Return the false alarms for each thousand messages; 0 without messages."""
        return 1000 * self.released / self.messages if self.messages else 0.0

    @property
    def unjudged(self) -> int:
        """Return how many no one has judged."""
        return self.called - self.confirmed - self.released

    def exceeds(self, bound: float) -> bool:
        """Return whether there are more than the operator allows."""
        return self.released >= _FEWEST and self.per_thousand > bound


def count_false_alarms(connection: Connection, *, since: datetime, until: datetime) -> FalseAlarms:
    """Count the alarms from `since` until before `until`; what an agent made an emergency is none of the model's."""
    tally, alarm = table_of(GateTallyRow).c, table_of(EmergencyRow).c
    messages = sa.select(sa.func.sum(tally.messages)).where(tally.at >= since, tally.at < until)
    judged = (sa.func.sum(sa.case((alarm.confirmed.is_(found), 1), else_=0)) for found in (True, False))
    alarms = sa.select(sa.func.count(), *judged).where(alarm.at >= since, alarm.at < until, alarm.paged_by == "")
    called, confirmed, released = connection.execute(alarms.where(is_counted())).one()
    return FalseAlarms(
        messages=int(connection.execute(messages).scalar() or 0),
        called=int(called),
        confirmed=int(confirmed or 0),
        released=int(released or 0),
    )


def is_counted() -> sa.ColumnElement[bool]:
    """Return the condition that an alarm counts.

    One without a verdict whose case was merged does not: the alarm of the case that it is in now asks for both.
    """
    alarm, case = table_of(EmergencyRow).c, table_of(ConversationRow).c
    merged = sa.exists().where(case.id == alarm.conversation_id, case.merged_into.is_not(None))
    return sa.or_(alarm.confirmed.is_not(None), sa.not_(merged.correlate(table_of(EmergencyRow))))


def is_check_due(connection: Connection, *, before: datetime) -> bool:
    """Return whether the last check is older than `before`, or there was none."""
    columns = table_of(DeskStateRow).c
    at = connection.execute(sa.select(columns.at).where(columns.name == _STATE)).scalar_one_or_none()
    return at is None or at < before


def note_false_alarms(connection: Connection, found: FalseAlarms, *, bound: float, now: datetime) -> bool | None:
    """Write the result of a check down; a rate beyond the bound begins with an event.

    Returns True when the bound has just been exceeded, False when it has just been kept again, None for no change.
    """
    table = table_of(DeskStateRow)
    insert_new(connection, DeskStateRow, rows=[{"name": _STATE, "value": _KEPT, "at": now}])
    one = table.c.name == _STATE
    before = connection.execute(sa.select(table.c.value).where(one).with_for_update()).scalar_one()
    after = _EXCEEDED if found.exceeds(bound) else _KEPT
    connection.execute(sa.update(table).where(one).values(value=after, at=now))
    if before == after:
        return None
    if after == _EXCEEDED:
        payload = {"per_thousand": round(found.per_thousand, 1), "bound": bound, "released": found.released}
        payload |= {"messages": found.messages, "days": WINDOW.days}
        append_events(connection, [NewEvent(EventKind.EMERGENCY_FALSE_PAGES, None, payload, at=now)])
    return after == _EXCEEDED


def tally(connection: Connection) -> EmergencyTally:
    """Return the verdicts on the emergencies of the last 24 hours."""
    columns = table_of(EmergencyRow).c
    counted = (sa.func.count(), *(_times(columns.confirmed.is_(found)) for found in (True, False)))
    since = read_clock(connection) - _A_DAY
    row = connection.execute(sa.select(*counted).where(columns.at >= since, is_counted())).one()
    return EmergencyTally(*(int(number or 0) for number in row))


def _times(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((condition, 1), else_=0))
