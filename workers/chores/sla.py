"""Watch the SLA: compute due times from the history, warn, report breaches, escalate; end holds and wake snoozed cases.

The sweep finds rows with a due time, so no timer and no broker is needed. A warning or breach that falls due while all
workers are down is reported once, when a worker is back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.routing.sla import Due, Moment, Pause, clock_rests, due_times, moments
from router.settings.model import PRIORITIES, EscalationSettings, SlaSettings
from store.conversations import sla as promises
from store.conversations.sla import PauseRecord, SlaReminder, SlaState, SlaUpdate
from store.db.engine import Database, read_clock
from store.events.append import EventKind, NewEvent, append_events
from store.tables.desk import NoticeKind
from workers.routing.brain import Brain
from workers.runtime.failpoints import reach

_BATCH: Final = 200
# The years whose spans count for the digest; more distant spans change no due time today.
_YEARS_BACK, _YEARS_AHEAD = 1, 2

_log = structlog.get_logger()


class SlaWatch:
    """Updates due conversations, a batch at a time; several workers may do it at the same time."""

    def __init__(self, database: Database, brain: Brain) -> None:
        self._database, self._brain = database, brain
        self._is_current = False

    def once(self) -> int:
        """Update one batch of conversations; return how many."""
        if not self._is_current:
            self._recompute_all()
        with self._database.read() as connection:
            if not promises.is_anything_due(connection, now=read_clock(connection)):
                return 0
        reach("watch.before")
        with self._database.write() as connection:
            looked_at = self._look(connection)
            reach("watch.written")
        reach("watch.after")
        return looked_at

    def _recompute_all(self) -> None:
        """If the SLAs or calendars differ from those of the stored due times, make every conversation due."""
        with self._database.read() as connection:
            digest, known = self._digest(read_clock(connection)), promises.digest_of_due_times(connection)
        last: UUID | None = None
        while digest != known:
            with self._database.write() as connection:
                now = read_clock(connection)
                last = promises.look_at_all(connection, after=last, now=now)
                if last is None:
                    promises.write_digest(connection, digest=digest, now=now)
                    _log.info("promises.reckoned_anew")
                    break
        self._is_current = True

    def _digest(self, now: datetime) -> str:
        settings, calendars = self._brain.settings, self._brain.table.calendars
        years = range(now.year - _YEARS_BACK, now.year + _YEARS_AHEAD)
        spans = {
            name: [(span.start.timestamp(), span.end.timestamp()) for year in years for span in calendar.spans(year)]
            for name, calendar in calendars.items()
            if name in {sla.calendar for sla in settings.sla.values()}
        }
        content = [(name, repr(sla), spans[sla.calendar]) for name, sla in sorted(settings.sla.items())]
        return hashlib.sha256(repr(content).encode()).hexdigest()

    def _look(self, connection: Connection) -> int:
        now = read_clock(connection)
        rows = promises.take_due(connection, now=now, limit=_BATCH)
        pauses = self._settle_pauses(connection, rows, now=now)
        computed = [self._compute(row, pauses=pauses.get(row.id, ()), now=now) for row in rows]
        notices = [notice for _, due in computed for notice in due]
        new = promises.insert_notices(connection, notices=notices, now=now)
        by_conversation: dict[UUID, list[SlaReminder]] = {}
        for notice in new:
            by_conversation.setdefault(notice.conversation_id, []).append(notice)
        updates = [
            self._escalated(update, sla=row.sla, notices=by_conversation.get(row.id, ()))
            for row, (update, _) in zip(rows, computed, strict=True)
        ]
        promises.write_updates(connection, updates)
        append_events(connection, [promises.breach_event(notice, at=now) for notice in new])
        append_events(connection, list(_changes(rows, updates, now=now)))
        return len(rows)

    def _settle_pauses(
        self, connection: Connection, rows: Sequence[SlaState], *, now: datetime
    ) -> dict[UUID, list[PauseRecord]]:
        """Start and end pauses so that they match the conversations' statuses, and return them."""
        pauses = promises.pauses_of(connection, [row.id for row in rows])
        standing = {id_ for id_, known in pauses.items() if any(pause.until is None for pause in known)}
        resting = {row.id for row in rows if clock_rests(row.status)}
        # The pause ends at the customer's message, not at the time of this check.
        ended = {row.id: _ended_at(row, pauses[row.id], now=now) for row in rows if row.id in standing - resting}
        promises.end_pauses(connection, until=ended)
        promises.begin_pauses(connection, since=dict.fromkeys(resting - standing, now))
        return promises.pauses_of(connection, [row.id for row in rows]) if ended or resting - standing else pauses

    def _compute(
        self, row: SlaState, *, pauses: Sequence[PauseRecord], now: datetime
    ) -> tuple[SlaUpdate, list[SlaReminder]]:
        is_released = row.held_until is not None and row.held_until <= now and row.status == Status.SNOOZED
        held_until = row.held_until if row.status == Status.SNOOZED and not is_released else None
        due, ahead = self._promised(row, pauses=[Pause(each.since, each.until) for each in pauses])
        update = SlaUpdate(
            id=row.id,
            status=Status.OPEN if is_released else row.status,
            team=row.team,
            assignee=row.assignee,
            priority=row.priority,
            labels=row.labels,
            first_reply_due_at=due.first_reply,
            next_reply_due_at=due.next_reply,
            resolve_due_at=due.resolve,
            watch_at=min((at for at in (held_until, *(each.at for each in ahead)) if at and at > now), default=None),
            held_until=held_until,
            changed=is_released,
        )
        return update, _notices(row, ahead, now=now)

    def _promised(self, row: SlaState, *, pauses: Sequence[Pause]) -> tuple[Due, list[Moment]]:
        sla = self._brain.settings.sla.get(row.sla or "")
        if sla is None or row.clock_started_at is None or row.status == Status.RESOLVED:
            return Due(), []
        calendars = self._brain.table.calendars
        due = due_times(
            sla,
            calendars=calendars,
            opened_at=row.clock_started_at,
            replied=row.replied_at is not None,
            waiting_since=row.waiting_since,
            pauses=pauses,
        )
        ahead = moments(
            sla,
            calendars=calendars,
            due=due,
            opened_at=row.clock_started_at,
            waiting_since=row.waiting_since,
            pauses=pauses,
        )
        return due, ahead

    def _escalated(self, update: SlaUpdate, *, sla: str | None, notices: Sequence[SlaReminder]) -> SlaUpdate:
        promised = self._brain.settings.sla.get(sla or "")
        for notice in notices:
            action = _action(promised, notice) if promised else None
            update = _apply(action, update) if action else update
        return update


def _ended_at(row: SlaState, pauses: Sequence[PauseRecord], *, now: datetime) -> datetime:
    since = next(pause.since for pause in pauses if pause.until is None)
    return row.waiting_since if row.waiting_since and row.waiting_since >= since else now


def _notices(row: SlaState, ahead: Sequence[Moment], *, now: datetime) -> list[SlaReminder]:
    past = [moment for moment in ahead if moment.at <= now]
    broken = {moment.promise for moment in past if moment.kind == NoticeKind.BREACH}
    # A breach makes its warning unnecessary.
    due = [moment for moment in past if moment.kind == NoticeKind.BREACH or moment.promise not in broken]
    return [SlaReminder(row.id, moment.promise, NoticeKind(moment.kind), moment.due_at) for moment in due]


def _action(sla: SlaSettings, notice: SlaReminder) -> EscalationSettings | None:
    return sla.on_breach if notice.kind is NoticeKind.BREACH else sla.on_warning


def _apply(action: EscalationSettings, update: SlaUpdate) -> SlaUpdate:
    team = action.team or update.team
    raised = replace(
        update,
        team=team,
        # Another team assigns it again.
        assignee=update.assignee if team == update.team else None,
        priority=max(update.priority, action.priority or update.priority, key=_rank),
        labels=[*dict.fromkeys((*update.labels, *action.labels))],
    )
    return replace(raised, changed=True) if raised != update else update


def _rank(priority: str) -> int:
    return [*PRIORITIES].index(priority) if priority in PRIORITIES else -1


def _changes(rows: Sequence[SlaState], updates: Sequence[SlaUpdate], *, now: datetime) -> Iterable[NewEvent]:
    for row, update in zip(rows, updates, strict=True):
        if row.status != update.status:
            yield NewEvent(EventKind.CONVERSATION_RELEASED, row.id, {"from": row.status, "to": update.status}, at=now)
        if (row.team, row.priority) != (update.team, update.priority):
            payload = {"team": update.team, "priority": update.priority, "why": "sla"}
            yield NewEvent(EventKind.CONVERSATION_ESCALATED, row.id, payload, at=now)
