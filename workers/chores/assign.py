"""Assign waiting conversations to agents, under locks, so that two workers never use one agent's last free place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.engine import Connection

from router.routing.assignment import AssignableCase, AssigneeChoice, OnDuty, choose_assignee
from store.db.engine import Database, read_clock
from store.desk import assignment
from store.desk.assignment import Waiting
from store.events.append import EventKind, NewEvent, append_events
from workers.routing.brain import Brain
from workers.runtime.failpoints import reach

_THIS_PASS: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Assigner:
    """Assigns the conversations of the teams with automatic assignment; several workers may do it at the same time."""

    def __init__(self, database: Database, brain: Brain) -> None:
        self._database, self._brain = database, brain
        self._modes = brain.handed_out

    def once(self) -> int:
        """Assign all that can be assigned now; return how many conversations got an agent."""
        if not self._modes:
            return 0
        with self._database.read() as connection:
            if not assignment.is_any_unassigned(connection, self._modes):
                return 0
        reach("assign.before")
        with self._database.write() as connection:
            given = self._hand_out(connection)
            reach("assign.written")
        reach("assign.after")
        return given

    def _hand_out(self, connection: Connection) -> int:
        # Lock agents before conversations, as all code does, to avoid deadlocks.
        agents, now = assignment.lock_on_duty(connection), read_clock(connection)
        waiting = assignment.take_waiting(connection, self._modes)
        choices = self._choose(waiting, agents)
        given = {case.id: choice.agent.name for case, choice in choices if choice.agent}
        alone = [(case, choice) for case, choice in choices if choice.no_candidate and self._is_alarming(case, now=now)]
        moves = {case.id: self._brain.settings.teams[case.team].fallback or case.team for case, _ in alone}
        assignment.assign(connection, assignees=given, now=now)
        assignment.note_alarms(connection, teams=moves, now=now)
        events = [_assigned(case, choice, now=now) for case, choice in choices if choice.agent]
        events += [_alarm(case, choice, team=moves[case.id], now=now) for case, choice in alone]
        append_events(connection, events)
        return len(given)

    def _choose(self, waiting: Sequence[Waiting], agents: Sequence[OnDuty]) -> list[tuple[Waiting, AssigneeChoice]]:
        room = {agent.name: agent for agent in agents}
        choices: list[tuple[Waiting, AssigneeChoice]] = []
        for turn, each in enumerate(waiting):
            case = AssignableCase(
                team=each.team, priority=each.priority, language=each.language, category=each.category
            )
            choice = choose_assignee(case, agents=[*room.values()], mode=self._modes[each.team])
            choices.append((each, choice))
            if choice.agent:
                room[choice.agent.name] = _busier(choice.agent, case, turn=turn)
        return choices

    def _is_alarming(self, case: Waiting, *, now: datetime) -> bool:
        """Return whether an agent should be on duty (emergency, or open channel) and no alarm was raised yet."""
        is_open = self._brain.table.hours(case.channel, at=now).is_open
        return case.alarmed_at is None and (case.emergency or is_open)


def _busier(agent: OnDuty, case: AssignableCase, *, turn: int) -> OnDuty:
    # An agent who got a conversation in this pass comes after all others, and after those who got theirs earlier.
    return replace(agent, load=agent.load + case.weight, assigned_at=_THIS_PASS + timedelta(seconds=turn))


def _assigned(case: Waiting, choice: AssigneeChoice, *, now: datetime) -> NewEvent:
    payload = {"assignee": choice.agent.name if choice.agent else None, "team": case.team, "why": choice.why.to_json()}
    return NewEvent(EventKind.CONVERSATION_ASSIGNED, case.id, payload, at=now)


def _alarm(case: Waiting, choice: AssigneeChoice, *, team: str, now: datetime) -> NewEvent:
    payload = {"team": case.team, "moved_to": team if team != case.team else None, "why": choice.why.to_json()}
    return NewEvent(EventKind.ASSIGNMENT_NOBODY, case.id, payload, at=now)
