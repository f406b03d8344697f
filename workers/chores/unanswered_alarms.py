"""Let an alarm that no one confirms, releases or answers go on to the next person: a chore of the sweep.

An answer is read from the messages that left, not written down a second time: no crash comes between the two.
A step and its event are one transaction: a crash repeats the step or finds it done, and never half of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy.engine import Connection

from router.routing.assignment import AlarmTarget, OnDuty, next_target
from store.conversations import alarms
from store.conversations.alarms import AlarmStep, UnansweredAlarm
from store.db.engine import Database, read_clock
from store.desk.assignment import lock_on_duty, note_given
from store.events.append import EventKind, NewEvent, append_events
from workers.routing.brain import Brain
from workers.runtime.failpoints import reach

_BATCH: Final = 50

_log = structlog.get_logger()


class AlarmEscalator:
    """Moves unanswered alarms, a few at a time; several workers may do it at the same time."""

    def __init__(self, database: Database, brain: Brain) -> None:
        self._database, self._brain = database, brain
        self._after = brain.settings.emergency.escalate_after
        self._listed = brain.settings.emergency.escalate_to

    def once(self) -> int:
        """Move the alarms that have waited too long; return how many."""
        if self._after is None:
            return 0
        with self._database.read() as connection:
            if not alarms.is_any_unanswered(connection, since=read_clock(connection) - self._after):
                return 0
        reach("alarm.before")
        with self._database.write() as connection:
            now = read_clock(connection)
            moved = self._move(connection, since=now - self._after, now=now)
            reach("alarm.written")
        reach("alarm.after")
        return moved

    def _move(self, connection: Connection, *, since: datetime, now: datetime) -> int:
        # Lock agents before conversations, as all code does, to avoid deadlocks.
        agents = lock_on_duty(connection, off_duty=bool(self._listed))
        waiting = alarms.take_unanswered(connection, since=since, limit=_BATCH)
        for alarm in waiting:
            step = self._step(alarm, agents)
            alarms.move_alarm(connection, step, now=now)
            if step.assignee:
                note_given(connection, step.assignee, now=now)
                # Several alarms of one pass go to different people.
                agents = [*(each for each in agents if each.name != step.assignee), *_given(agents, step, now=now)]
            payload = {"step": step.step, "to": step.to or None, "team": step.team, "assignee": step.assignee}
            event = NewEvent(EventKind.EMERGENCY_ESCALATED, alarm.conversation_id, payload | _from(alarm), at=now)
            append_events(connection, [event])
            _log.warning("emergency.escalated", conversation_id=str(alarm.conversation_id), step=step.step)
        return len(waiting)

    def _step(self, alarm: UnansweredAlarm, agents: list[OnDuty]) -> AlarmStep:
        number, team = alarm.steps + 1, self._team(alarm.team)
        here, teams = AlarmTarget(team=team, assignee=alarm.assignee), self._brain.settings.teams
        target = next_target(here, listed=self._listed, step=number, teams=teams, agents=agents)
        if target is None and team != alarm.team:
            target = AlarmTarget(team=team, assignee=None)
        there = target or here
        return AlarmStep(
            conversation_id=alarm.conversation_id,
            step=number,
            to=target.name if target else "",
            team=there.team,
            assignee=there.assignee,
            paged=_with_team(alarm.paged, there.team) if there.team != alarm.team else None,
        )

    def _team(self, team: str) -> str:
        """Return the team, or for one that the file does not describe any more the team that is called today."""
        settings = self._brain.settings
        if team in settings.teams:
            return team
        urgent = (route.team for route in settings.routes if route.when and route.when.emergency)
        return next((each for each in urgent if each), team)


def _with_team(paged: dict[str, Any] | None, team: str) -> dict[str, Any] | None:
    """Return what the emergency made of the case, with the team that it went on to: a release takes it back too."""
    return paged and paged | {"teams": [*dict.fromkeys((*paged.get("teams", ()), team))]}


def _given(agents: list[OnDuty], step: AlarmStep, *, now: datetime) -> list[OnDuty]:
    return [replace(each, assigned_at=now) for each in agents if each.name == step.assignee]


def _from(alarm: UnansweredAlarm) -> dict[str, object]:
    return {"from": alarm.assignee or alarm.team}
