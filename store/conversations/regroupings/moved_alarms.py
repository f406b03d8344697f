"""The alarms of cases that are merged or split: one goes where its message goes, and comes back when that is undone.

An alarm is live while its case is an emergency that is not resolved. What is over stays known, and is in no one's way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from pydantic_core import to_jsonable_python
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.routing.false_alarm import CaseState, calm_before, calmed, read_calm, read_paged, state_to_json
from router.routing.routes import HoursGate
from store.conversations.alarms import answers_since
from store.conversations.undo_log import StoredRegrouping, read_values
from store.db.bulk import among, insert_rows, table_of
from store.tables.emergencies import EmergencyRow
from store.tables.messages import Direction, MessageRow

# What an emergency makes of a case, besides that it is one.
CASE_COLUMNS: Final = tuple(each.name for each in fields(CaseState))
EMERGENCY_COLUMNS: Final = ("emergency", "home_team", "snoozed_by", *CASE_COLUMNS)
# The case with the emergency decides these for the case that it goes into; they count from the alarm.
_TAKEN_OVER: Final = ("team", "assignee", "route", "sla", "clock_started_at", "replied_at")
# What the part of a split without danger gets.
_LEFT_CALM: Final = ("emergency", "team", "assignee", "priority", "labels", "route", "sla", "clock_started_at")
_VERDICT: Final = ("confirmed", "by", "confirmed_at", "steps", "stepped_at", "stepped_to")
_CALLING: Final = (HoursGate.EMERGENCY.value, HoursGate.RELEASED.value)

_Row = dict[str, Any]
_Sides = Mapping[UUID, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedAlarms:
    """What became of alarms. rows: before and after, in JSON, for the undo log; empty if no alarm moved.

    With them, of an alarm that came into a calm case, the dangers that this case had before.
    values: columns to write, by case.  called_in: the inbound message whose alarm makes an emergency of a calm case.
    """

    rows: dict[str, Any] = field(default_factory=dict)
    values: Mapping[UUID, Mapping[str, Any]] = field(default_factory=dict)
    called_in: UUID | None = None


def merge_alarms(
    connection: Connection, source_id: UUID, target_id: UUID, *, sides: _Sides, values: Mapping[str, Any]
) -> MovedAlarms:
    """Let the source's live alarm go on in the target; call before the messages move.

    sides: both cases as they were, locked.  values: what the merge makes of the target otherwise.
    A target that was calm becomes the emergency that its source was. Of two live alarms the confirmed one has its
    agent; else the one that waits goes on, as early as the first of both would. The other row stays with the source.
    """
    before = _locked(connection, (source_id, target_id))
    source, target = before.get(source_id), before.get(target_id)
    if source is None or not _is_live(source, sides[source_id]):
        return MovedAlarms()
    if target is not None and _is_live(target, sides[target_id]):
        there, here = _one_of_two(connection, source, target)
        both = {source_id: here, target_id: there}
        _write(connection, before, both)
        return MovedAlarms(rows=_in_json(before, both))
    taken, calm = _taken_over(sides[source_id], sides[target_id]), state_of(sides[target_id])
    there = source | {"calm": calm_before(calm)}
    if source["paged_by"]:
        made = state_of({**sides[target_id], **values, **taken})
        there |= {"changed": {"before": state_to_json(calm), "after": state_to_json(made)}}
    after = {target_id: there} | ({source_id: target} if target else {})
    dangers = {"dangers": [str(inbound_id) for _, inbound_id in _dangers(connection, target_id, source)]}
    _write(connection, before, after)
    rows = _in_json(before, after) | dangers
    return MovedAlarms(rows=rows, values={target_id: taken}, called_in=source["inbound_id"])


def split_alarms(
    connection: Connection,
    source_id: UUID,
    new_id: UUID,
    *,
    side: Mapping[str, Any],
    going: Collection[UUID],
    now: datetime,
) -> MovedAlarms:
    """Let a live alarm go with the message that called; call before the messages move.

    side: the case as it was, locked.  going: the messages that move.
    A part without danger is what the case would be without the alarm. If there is danger in both, both have the alarm.
    """
    before = _locked(connection, (source_id,))
    alarm = before.get(source_id)
    if alarm is None or not _is_live(alarm, side):
        return MovedAlarms()
    dangers = _dangers(connection, source_id, alarm)
    there = [inbound_id for message_id, inbound_id in dangers if message_id in going]
    here = [inbound_id for message_id, inbound_id in dangers if message_id not in going]
    calm = _calm(alarm, state_of(side), now=now)
    if not there:
        return MovedAlarms(values={new_id: {name: calm[name] for name in _LEFT_CALM}})
    rows = {new_id: alarm | {"inbound_id": _of(alarm, there)}}
    rows |= {source_id: alarm | {"inbound_id": _of(alarm, here)}} if here else {}
    _write(connection, before, rows)
    return MovedAlarms(rows=_in_json(before, rows), values={} if here else {source_id: calm})


def put_back_alarms(connection: Connection, kept: StoredRegrouping, *, sides: _Sides) -> tuple[set[UUID], set[UUID]]:
    """Put alarms back where they were, with what agents found and where they went since; call after the messages moved.

    sides: both cases as they were, locked.
    Danger that was said since stays where it was said, and has the alarm too if it had none of its own.
    Returns the cases that are emergencies by that, and those whose alarm was released in the other case.
    """
    alarms = kept.moved.get("pages") or {}
    if not alarms:
        return set(), set()
    before, after, now = _read(alarms["before"]), _read(alarms["after"]), _locked(connection, sides)
    known = {row["inbound_id"] for row in (*before.values(), *after.values())}
    news = {id_: row for id_, row in now.items() if row["inbound_id"] not in known}
    news = _said_since(connection, kept, now=now, sides=sides) | news
    final, released = dict[UUID, _Row](), set[UUID]()
    for id_, row in before.items():
        final[id_] = row | _news_of(row, after=after.values(), now=now.values())
        if final[id_]["confirmed"] is False and row["confirmed"] is not False and _home(row, now) != id_:
            released.add(id_)
    _write(connection, now, final | news)
    return {*news}, released


def give_alarm_back(connection: Connection, *, source_id: UUID, target_id: UUID) -> bool:
    """Let an alarm that is over in the target of a merge go back to the source as it is; return whether it is released.

    What the source has in its place, which the alarm had replaced, goes back to the target.
    """
    before = _locked(connection, (source_id, target_id))
    alarm = before[target_id]
    _write(connection, before, {source_id: alarm} | ({target_id: before[source_id]} if source_id in before else {}))
    return alarm["confirmed"] is False


def released_values(connection: Connection, conversation_id: UUID, *, side: Mapping[str, Any], now: datetime) -> _Row:
    """Return what a case is without its alarm; nothing changes without one. side: the case as it is, locked."""
    alarm = _locked(connection, (conversation_id,)).get(conversation_id)
    return _calm(alarm, state_of(side), now=now) if alarm else {}


def was_called_from(connection: Connection, conversation_id: UUID, *, alarm_of: UUID) -> bool:
    """Return whether the message that called people for one case is in another one."""
    message, alarm = table_of(MessageRow).c, table_of(EmergencyRow).c
    messages = sa.select(message.id).where(message.conversation_id == conversation_id)
    called = sa.select(alarm.inbound_id).where(alarm.conversation_id == alarm_of)
    return connection.execute(messages.where(message.inbound_id == called.scalar_subquery())).first() is not None


def has_agent(connection: Connection, conversation_id: UUID) -> bool:
    """Return whether an agent has confirmed or answered the alarm of a case."""
    alarm = _locked(connection, (conversation_id,)).get(conversation_id)
    return alarm is not None and (bool(alarm["confirmed"]) or _is_answered(connection, alarm))


def state_of(side: Mapping[str, Any]) -> CaseState:
    """Return what an emergency changes of a case."""
    return CaseState(**{name: side[name] for name in CASE_COLUMNS} | {"labels": tuple(side["labels"])})


def _is_live(alarm: _Row, side: Mapping[str, Any]) -> bool:
    return bool(side["emergency"]) and side["status"] != Status.RESOLVED and alarm["confirmed"] is not False


def _taken_over(source: Mapping[str, Any], target: Mapping[str, Any]) -> _Row:
    """Return the columns that a calm case takes over with the emergency that goes into it."""
    rests = source["status"] == Status.PENDING and target["status"] in {Status.PENDING, Status.RESOLVED}
    waited = target["waiting_since"] if target["status"] != Status.RESOLVED else None
    return {name: source[name] for name in _TAKEN_OVER} | {
        "emergency": True,
        "home_team": None,
        "alarmed_at": None,
        "waiting_since": source["waiting_since"] or waited,
        "status": Status.PENDING.value if rests else Status.OPEN.value,
        "held_until": None,
        "snoozed_by": None,
    }


def _one_of_two(connection: Connection, source: _Row, target: _Row) -> tuple[_Row, _Row]:
    """Return the alarm of the merged case, with what the target knows of itself, and the alarm that it stands for."""
    both = (target, source)
    waiting = [alarm for alarm in both if alarm["confirmed"] is None and not _is_answered(connection, alarm)]
    confirmed = [alarm for alarm in both if alarm["confirmed"]]
    kept = max(confirmed or waiting or both, key=_at)
    other = source if kept is target else target
    # An agent's verdict on one danger cannot be taken back for both: the alarm then waits for a verdict.
    there = (
        kept | {name: target[name] for name in ("conversation_id", "paged", "calm")} | {"changed": None, "paged_by": ""}
    )
    there |= {"at": max(source["at"], target["at"])}
    if len(waiting) == len(both) and not confirmed:
        first, further = min(both, key=_since), max(both, key=_steps)
        there |= {"stepped_at": _since(first), "steps": further["steps"], "stepped_to": further["stepped_to"]}
    return there, other


def _at(alarm: _Row) -> datetime:
    at: datetime = alarm["at"]
    return at


def _since(alarm: _Row) -> datetime:
    return alarm["stepped_at"] or _at(alarm)


def _steps(alarm: _Row) -> int:
    return int(alarm["steps"])


def _is_answered(connection: Connection, alarm: _Row) -> bool:
    table = table_of(EmergencyRow)
    answers = answers_since(sa.literal(alarm["conversation_id"], table.c.conversation_id.type), since=alarm["at"])
    return connection.execute(answers.limit(1)).first() is not None


def _calm(alarm: _Row, state: CaseState, *, now: datetime) -> _Row:
    """Return the columns of the case without its emergency; a row of an older version does not know what they were."""
    if alarm["paged"] and alarm["calm"]:
        state = calmed(state, paged=read_paged(alarm["paged"]), calm=read_calm(alarm["calm"]), now=now)
    return asdict(state) | {"labels": list(state.labels), "emergency": False}


def _dangers(connection: Connection, conversation_id: UUID, alarm: _Row) -> list[tuple[UUID, UUID]]:
    """Return the messages with danger, the oldest first: their ids, and those of their inbound rows."""
    columns = table_of(MessageRow).c
    theirs = sa.select(columns.id, columns.inbound_id, columns.trace).where(
        columns.conversation_id == conversation_id,
        columns.direction == Direction.INCOMING,
        columns.inbound_id.is_not(None),
    )
    rows = connection.execute(theirs.order_by(columns.received_at, columns.id)).all()
    return [
        (row.id, row.inbound_id)
        for row in rows
        if row.inbound_id == alarm["inbound_id"] or _gate(row.trace) in _CALLING
    ]


def _gate(trace: Mapping[str, Any]) -> str:
    return str((trace.get("hours") or {}).get("gate", ""))


def _of(alarm: _Row, dangers: list[UUID]) -> UUID:
    called: UUID = alarm["inbound_id"]
    return called if called in dangers else dangers[-1]


def _news_of(row: _Row, *, after: Iterable[_Row], now: Iterable[_Row]) -> _Row:
    """Return what has become of an alarm since it was moved."""
    was, known = (next((each for each in rows if _is_same(each, row)), None) for rows in (after, now))
    if was is None or known is None:
        return {}
    return {name: known[name] for name in _VERDICT if known[name] != was[name]}


def _is_same(one: _Row, other: _Row) -> bool:
    return bool(one["inbound_id"] == other["inbound_id"])


def _said_since(
    connection: Connection, kept: StoredRegrouping, *, now: Mapping[UUID, _Row], sides: _Sides
) -> dict[UUID, _Row]:
    """Return the alarm for the danger that came into a calm case since another one was merged into it, as for a split.

    It started no alarm of its own, because the one of the merged case was waiting.
    """
    target_id, known = kept.row.target_id, kept.moved["pages"].get("dangers")
    alarm = now.get(target_id)
    if known is None or alarm is None or not _is_live(alarm, sides[target_id]):
        return {}
    since = [inbound_id for _, inbound_id in _dangers(connection, target_id, alarm) if str(inbound_id) not in known]
    return {target_id: alarm | {"inbound_id": since[-1]}} if since else {}


def _home(row: _Row, now: Mapping[UUID, _Row]) -> UUID | None:
    return next((id_ for id_, each in now.items() if _is_same(each, row)), None)


def _locked(connection: Connection, ids: Collection[UUID]) -> dict[UUID, _Row]:
    table = table_of(EmergencyRow)
    statement = sa.select(table).where(among(table.c.conversation_id, ids)).order_by(table.c.conversation_id)
    return {row["conversation_id"]: dict(row) for row in connection.execute(statement.with_for_update()).mappings()}


def _write(connection: Connection, before: Mapping[UUID, _Row], after: Mapping[UUID, _Row]) -> None:
    """Replace rows. Two may change places, so all are deleted first."""
    table = table_of(EmergencyRow)
    connection.execute(sa.delete(table).where(among(table.c.conversation_id, [*before])))
    insert_rows(connection, EmergencyRow, rows=[row | {"conversation_id": id_} for id_, row in after.items()])


def _in_json(before: Mapping[UUID, _Row], after: Mapping[UUID, _Row]) -> dict[str, Any]:
    known: dict[str, Any] = to_jsonable_python(
        {
            name: {str(id_): row | {"conversation_id": id_} for id_, row in rows.items()}
            for name, rows in (("before", before), ("after", after))
        }
    )
    return known


def _read(stored: Mapping[str, Mapping[str, Any]]) -> dict[UUID, _Row]:
    return {UUID(id_): read_values(EmergencyRow, row) for id_, row in stored.items()}
