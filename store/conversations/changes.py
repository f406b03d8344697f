"""Change a conversation for an agent: several fields in one transaction, with one event per field.

The API, the pages and bulk orders use the same function. A field that has the wanted value already is not written
and has no event, so a repeated order does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.errors import Conflict, PermanentError, Stale
from router.masking.mask import refuse_secrets
from store.conversations.assignees import require_assignee
from store.conversations.corrections import (
    forget_correction,
    forget_none_of_ours,
    is_none_of_ours,
    keep_correction,
)
from store.conversations.sla import change_status, paused_since, restore_pause
from store.db.bulk import columns_of, table_of
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow

_MOST_LABELS: Final = 50
# The result of a step: the columns to change, and the events to append with their payloads, by kind.
_Made = tuple[dict[str, Any], dict[EventKind, Mapping[str, object]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The wanted values; None leaves a field unchanged.

    assignee, category: the empty string removes it.  take: assign to the requesting agent, unless another agent has it.
    unknown_category: takes back that it belongs to none.
    sub_intent: the sub-intent of `category`.  snoozed_until: required with the status `snoozed`.
    """

    status: Status | None = None
    snoozed_until: datetime | None = None
    take: bool = False
    assignee: str | None = None
    team: str | None = None
    priority: str | None = None
    category: str | None = None
    unknown_category: bool = False
    sub_intent: str | None = None
    add_labels: tuple[str, ...] = ()
    remove_labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerCase:
    """What a change clears besides the fields that it names, as it was before it; an undo brings it back.

    paused_since: since when its clock was paused; None while it ran.
    label_places: where the labels stood that the undo adds again, in the order of `Change.add_labels`.
    """

    alarmed_at: datetime | None = None
    home_team: str | None = None
    snoozed_by: str | None = None
    paused_since: datetime | None = None
    label_places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedConversation:
    """A conversation, locked until the transaction ends."""

    id: UUID
    version: int
    status: str
    assignee: str | None
    team: str
    priority: str
    category: str | None
    labels: list[str]
    held_until: datetime | None
    alarmed_at: datetime | None
    merged_into: UUID | None


_FORMER: Final = TypeAdapter(FormerCase)
# The version that a caller has read, or several of which one must hold; None for whatever it is.
ReadVersion = int | frozenset[int] | None


def lock(connection: Connection, conversation_id: UUID, *, version: ReadVersion = None) -> LockedConversation:
    """Lock a conversation and return it.

    version: the version that the caller has read, or one of a set of them; None skips the check. A single one stays
        good while the desk only sends replies that were written before.
    Raises Stale when the version has changed since, Conflict when the conversation was merged into another.
    """
    table = table_of(ConversationRow)
    statement = sa.select(*columns_of(ConversationRow, LockedConversation)).where(table.c.id == conversation_id)
    case = LockedConversation(**connection.execute(statement.with_for_update()).mappings().one())
    if case.merged_into is not None:
        raise Conflict(f"it was merged into the conversation {case.merged_into}")
    read = frozenset({version}) if isinstance(version, int) else version
    if isinstance(version, int) and only_sent_since(connection, conversation_id, version, now=case.version):
        return case
    if read is not None and case.version not in read:
        known = " or ".join(map(str, sorted(read))) or "one that can be compared"
        raise Stale(f"the conversation is now at version {case.version}, not {known}: read it again first")
    return case


def former_case(connection: Connection, conversation_id: UUID) -> FormerCase:
    """Return what a change of this conversation would clear."""
    columns = table_of(ConversationRow).c
    names = ("alarmed_at", "home_team", "snoozed_by")
    statement = sa.select(*(columns[name] for name in names)).where(columns.id == conversation_id)
    row = connection.execute(statement).mappings().one()
    return FormerCase(**row, paused_since=paused_since(connection, conversation_id))


def former_to_json(former: FormerCase) -> dict[str, Any]:
    """Return it as JSON."""
    return dict(_FORMER.dump_python(former, mode="json"))


def read_former(stored: Mapping[str, Any]) -> FormerCase:
    """Read what `former_to_json` made."""
    return _FORMER.validate_python(stored)


def give_back(connection: Connection, conversation_id: UUID, *, former: FormerCase, at: datetime) -> None:
    """Write what a judgement of danger had cleared, once the case has its former status and team again.

    Only where no one has changed these since: who has set it aside in between, has set it aside.
    """
    table = table_of(ConversationRow)
    # With an assignee there is nothing to alarm anyone about.
    alarmed_at = sa.case((table.c.assignee.is_(None), sa.literal(former.alarmed_at, table.c.alarmed_at.type)))
    values = {"home_team": former.home_team, "snoozed_by": former.snoozed_by, "alarmed_at": alarmed_at}
    connection.execute(sa.update(table).where(table.c.id == conversation_id).values(**values))
    restore_pause(connection, conversation_id, since=former.paused_since, at=at)


def change(
    connection: Connection,
    case: LockedConversation,
    *,
    wanted: Change,
    by: str,
    now: datetime,
    former: FormerCase | None = None,
) -> int:
    """Change a locked conversation and return its new version.

    by: the agent's name.  now: the database's clock.
    former: this undoes a change, before which it was so; None for a change of its own.
    Raises Conflict when another agent has the conversation to take, NotFound for an unknown assignee,
    PermanentError for contradictory values.
    """
    values: dict[str, Any] = {}
    events: dict[EventKind, Mapping[str, object]] = {}
    for made in (_assigned(connection, case, wanted, by=by), _moved(case, wanted), _ranked(case, wanted)):
        _add(made, values=values, events=events)
    corrected = _corrected(connection, case, wanted) if former is None else _uncorrected(connection, case, wanted)
    for made in (corrected, _labelled(case, wanted, places=former.label_places if former else ())):
        _add(made, values=values, events=events)
    if former:
        # Only what this order clears: the desk may have written the others since, without a new version.
        values |= {name: getattr(former, name) for name in ("alarmed_at", "home_team") if name in values}
    if "category" in values and former is None:
        keep_correction(
            connection, case.id, old=case.category, new=wanted.category, sub_intent=wanted.sub_intent, by=by, now=now
        )
    if values:
        table = table_of(ConversationRow)
        statement = sa.update(table).where(table.c.id == case.id)
        connection.execute(statement.values(**values, version=table.c.version + 1))
    append_events(
        connection, [NewEvent(kind, case.id, {**payload, "by": by}, at=now) for kind, payload in events.items()]
    )
    _set_status(connection, case, wanted=wanted, by=by, now=now, former=former)
    return version_of(connection, case.id)


def version_of(connection: Connection, conversation_id: UUID) -> int:
    """Return the current version of a conversation."""
    columns = table_of(ConversationRow).c
    return int(connection.execute(sa.select(columns.version).where(columns.id == conversation_id)).scalar_one())


def only_sent_since(connection: Connection, conversation_id: UUID, version: int, *, now: int) -> bool:
    """Return whether from `version` to the version `now` nothing happened but that planned replies were sent."""
    columns = table_of(OutboundRow).c
    statement = sa.select(columns.version_before, columns.version_after).where(
        columns.conversation_id == conversation_id, columns.version_before >= version
    )
    steps = {row.version_before: row.version_after for row in connection.execute(statement)} if version < now else {}
    while version in steps and steps[version] != version:
        version = steps[version]
    return version == now


def _add(made: _Made, *, values: dict[str, Any], events: dict[EventKind, Mapping[str, object]]) -> None:
    values.update(made[0])
    events.update(made[1])


def _assigned(connection: Connection, case: LockedConversation, wanted: Change, *, by: str) -> _Made:
    if wanted.take and wanted.assignee is not None:
        raise PermanentError("expected `take` or `assignee`, not both")
    if wanted.take and case.assignee not in {None, by}:
        raise Conflict(f"{case.assignee} already has it")
    name = by if wanted.take else wanted.assignee
    if name is None or (name or None) == case.assignee:
        return {}, {}
    if name:
        require_assignee(connection, name, team=wanted.team or case.team)
    payload = {"assignee": name or None, "from": case.assignee, "team": wanted.team or case.team}
    return {"assignee": name or None, "alarmed_at": None}, {EventKind.CONVERSATION_ASSIGNED: payload}


def _moved(case: LockedConversation, wanted: Change) -> _Made:
    if wanted.team is None or wanted.team == case.team:
        return {}, {}
    # A new team assigns it again, unless the order names the assignee.
    kept = {} if wanted.take or wanted.assignee else {"assignee": None}
    payload = {"team": wanted.team, "from": case.team}
    return {"team": wanted.team, "alarmed_at": None, "home_team": None, **kept}, {EventKind.CONVERSATION_MOVED: payload}


def _ranked(case: LockedConversation, wanted: Change) -> _Made:
    if wanted.priority is None or wanted.priority == case.priority:
        return {}, {}
    payload = {"priority": wanted.priority, "from": case.priority}
    return {"priority": wanted.priority}, {EventKind.CONVERSATION_PRIORITISED: payload}


def _corrected(connection: Connection, case: LockedConversation, wanted: Change) -> _Made:
    if wanted.sub_intent and not wanted.category:
        raise PermanentError("`sub_intent` needs the `category` that it belongs to")
    if wanted.unknown_category:
        if wanted.category is not None:
            raise PermanentError("expected `category` or `unknown_category`, not both")
        if case.category is not None or not forget_none_of_ours(connection, case.id):
            return {}, {}
        # No column changes, but its version does.
        unknown = {"category": None, "unknown": True}
        return {"alarmed_at": case.alarmed_at}, {EventKind.CONVERSATION_RECATEGORISED: unknown}
    if wanted.category is None or (wanted.category or None) == case.category:
        # An agent says for the first time that a case without a category belongs to none.
        is_news = wanted.category == "" and not is_none_of_ours(connection, case.id)
        if not is_news:
            return {}, {}
    payload = {"category": wanted.category or None, "from": case.category, "sub_intent": wanted.sub_intent}
    return {"category": wanted.category or None}, {EventKind.CONVERSATION_RECATEGORISED: payload}


def _uncorrected(connection: Connection, case: LockedConversation, wanted: Change) -> _Made:
    """Give the category back that an agent changed; what the agent said of it trains nothing."""
    if wanted.unknown_category or wanted.category is None or (wanted.category or None) == case.category:
        return _corrected(connection, case, wanted) if wanted.unknown_category else ({}, {})
    forget_correction(connection, case.id, new=case.category)
    payload = {"category": wanted.category or None, "from": case.category, "sub_intent": None}
    return {"category": wanted.category or None}, {EventKind.CONVERSATION_RECATEGORISED: payload}


def _labelled(case: LockedConversation, wanted: Change, *, places: Sequence[int]) -> _Made:
    refuse_secrets(wanted.add_labels, what="label")
    labels = [label for label in dict.fromkeys((*case.labels, *wanted.add_labels)) if label not in wanted.remove_labels]
    for place, label in sorted(zip(places, wanted.add_labels, strict=False)):
        labels.remove(label)
        labels.insert(place, label)
    if labels == case.labels:
        return {}, {}
    if len(labels) > _MOST_LABELS:
        raise PermanentError(f"a conversation has at most {_MOST_LABELS} labels")
    return {"labels": labels}, {EventKind.CONVERSATION_LABELLED: {"labels": labels, "from": case.labels}}


def _set_status(
    connection: Connection,
    case: LockedConversation,
    *,
    wanted: Change,
    by: str,
    now: datetime,
    former: FormerCase | None,
) -> None:
    until = wanted.snoozed_until
    if (until is not None) != (wanted.status == Status.SNOOZED):
        raise PermanentError("`snoozed_until` and the status `snoozed` need each other")
    if until is not None and until <= now:
        raise PermanentError("`snoozed_until` must be in the future")
    if wanted.status is None:
        return
    change_status(connection, conversation_id=case.id, status=wanted.status, at=now, by=by)
    if former:
        restore_pause(connection, case.id, since=former.paused_since, at=now)
    if until is not None and (case.status, case.held_until) != (Status.SNOOZED, until):
        _put_aside(connection, case, until=until, by=by, now=now, former=former)


def _put_aside(
    connection: Connection,
    case: LockedConversation,
    *,
    until: datetime,
    by: str,
    now: datetime,
    former: FormerCase | None,
) -> None:
    """Snooze the conversation: `workers.chores.sla` reopens it at `until`, a message of the customer at once.

    The promises keep running: the customer does not know that it is snoozed.
    """
    table = table_of(ConversationRow)
    snoozed_by = former.snoozed_by if former else by
    values = {"held_until": until, "snoozed_by": snoozed_by, "watch_at": now, "version": table.c.version + 1}
    connection.execute(sa.update(table).where(table.c.id == case.id).values(**values))
    payload = {"until": until.isoformat(), "by": by}
    append_events(connection, [NewEvent(EventKind.CONVERSATION_SNOOZED, case.id, payload, at=now)])
