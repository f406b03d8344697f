"""Assign waiting conversations to agents, under locks, so that two workers never use one agent's last free place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.engine import Connection

from router.reason import Reason, ReasonKey
from router.routing.assignment import AssignableCase, AssigneeChoice, OnDuty, choose_assignee, fallbacks_of
from store.conversations import assignees
from store.db.engine import Database, read_clock
from store.desk import assignment
from store.desk.assignment import Waiting
from store.events.append import EventKind, NewEvent, append_events
from workers.chores.chat_slots import ChatSlots
from workers.routing.brain import Brain
from workers.runtime.failpoints import reach

_log = structlog.get_logger()
_THIS_PASS: Final = datetime(9000, 1, 1, tzinfo=UTC)


class Assigner:
    """Assigns the conversations of the teams with automatic assignment; several workers may do it at the same time."""

    def __init__(self, database: Database, brain: Brain) -> None:
        self._database, self._brain = database, brain
        self._modes, self._slots = brain.handed_out, ChatSlots(brain.settings)

    def once(self) -> int:
        """Assign all that can be assigned now; return how many conversations got an agent.

        Before that, conversations whose agent may no longer have them return to their queues.
        """
        self._release()
        with self._database.read() as connection:
            waits = bool(self._modes) and assignment.is_any_unassigned(connection, self._modes)
            if not waits and not assignment.is_any_elsewhere(connection):
                return 0
        reach("assign.before")
        with self._database.write() as connection:
            given = self._hand_out(connection)
            reach("assign.written")
        reach("assign.after")
        return given

    def _release(self) -> None:
        with self._database.read() as connection:
            if not assignees.find_stranded(connection):
                return
        reach("release.before")
        with self._database.write() as connection:
            # Lock agents before conversations, as all code does, to avoid deadlocks.
            assignment.lock_on_duty(connection, off_duty=True)
            released = assignees.release_stranded(connection)
            reach("release.written")
        reach("release.after")
        for each in released:
            _log.info("conversation.released", conversation_id=str(each.conversation_id), why=each.why.key)

    def _hand_out(self, connection: Connection) -> int:
        # Lock agents before conversations, as all code does, to avoid deadlocks.
        agents = self._slots.counted(connection, assignment.lock_on_duty(connection))
        now = read_clock(connection)
        self._bring_back(connection, agents, now=now)
        waiting = assignment.take_waiting(connection, self._modes)
        choices = self._choose(waiting, agents, slots=self._slots.of(connection, waiting))
        given = {case.id: choice.agent.name for case, choice in choices if choice.agent}
        alone = [(case, choice) for case, choice in choices if choice.no_candidate and self._is_alarming(case, now=now)]
        moves = {case.id: self._takes_over(case, agents) or case.team for case, _ in alone}
        assignment.assign(connection, assignees=given, now=now)
        assignment.note_alarms(connection, teams=moves, now=now)
        events = [_assigned(case, choice, now=now) for case, choice in choices if choice.agent]
        events += [_alarm(case, choice, team=moves[case.id], now=now) for case, choice in alone]
        append_events(connection, events)
        return len(given)

    def _bring_back(self, connection: Connection, agents: Sequence[OnDuty], *, now: datetime) -> None:
        """Move cases that wait at fall-back teams: back to their own team if it is available, else along the chain."""
        moves: dict[UUID, str] = {}
        events: list[NewEvent] = []
        strays: list[UUID] = []
        for case in assignment.take_elsewhere(connection):
            home = case.home_team or case.team
            if case.team not in self._chain(home):
                # The SLA or an emergency has moved it since; it stays there.
                strays.append(case.id)
                continue
            target = home if self._is_able(case, home, agents) else self._takes_over(case, agents, surely=True)
            if target and target != case.team:
                moves[case.id] = target
                why = Reason(ReasonKey.TEAM_IS_BACK, {"team": target}).to_json()
                payload = {"team": target, "from": case.team, "by": "", "why": why}
                events.append(NewEvent(EventKind.CONVERSATION_MOVED, case.id, payload, at=now))
        assignment.forget_home(connection, strays)
        assignment.move_between(connection, moves=moves, now=now)
        append_events(connection, events)

    def _takes_over(self, case: Waiting, agents: Sequence[OnDuty], *, surely: bool = False) -> str | None:
        """Return the nearest fall-back team that can take the case, else the first one; None if there is none.

        surely: None too if none can take it. A team that takes its cases by hand can.
        """
        chain = self._chain(case.home_team or case.team)
        able = (team for team in chain if team not in self._modes or self._is_able(case, team, agents))
        return next(able, None if surely else next(iter(chain), None))

    def _chain(self, team: str) -> list[str]:
        return fallbacks_of(team, fallbacks={name: each.fallback for name, each in self._brain.settings.teams.items()})

    def _is_able(self, case: Waiting, team: str, agents: Sequence[OnDuty]) -> bool:
        """Return whether an available agent of the team could take the case, now or when there is capacity."""
        wanted = AssignableCase(team=team, priority=case.priority, language=case.language, category=case.category)
        return not choose_assignee(wanted, agents=agents, mode=self._modes.get(team, "round_robin")).no_candidate

    def _choose(
        self, waiting: Sequence[Waiting], agents: Sequence[OnDuty], *, slots: Mapping[UUID, int]
    ) -> list[tuple[Waiting, AssigneeChoice]]:
        room = {agent.name: agent for agent in agents}
        choices: list[tuple[Waiting, AssigneeChoice]] = []
        for turn, each in enumerate(waiting):
            case = AssignableCase(
                team=each.team,
                priority=each.priority,
                language=each.language,
                category=each.category,
                slots=slots.get(each.id),
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
    chats = agent.chats + (case.slots is not None)
    return replace(agent, load=agent.load + case.weight, chats=chats, assigned_at=_THIS_PASS + timedelta(seconds=turn))


def _assigned(case: Waiting, choice: AssigneeChoice, *, now: datetime) -> NewEvent:
    payload = {"assignee": choice.agent.name if choice.agent else None, "team": case.team, "why": choice.why.to_json()}
    return NewEvent(EventKind.CONVERSATION_ASSIGNED, case.id, payload, at=now)


def _alarm(case: Waiting, choice: AssigneeChoice, *, team: str, now: datetime) -> NewEvent:
    payload = {"team": case.team, "moved_to": team if team != case.team else None, "why": choice.why.to_json()}
    return NewEvent(EventKind.ASSIGNMENT_NOBODY, case.id, payload, at=now)
