"""Which events without a conversation the agents of some teams may see: those about a thing of their teams.

What no rule names is hidden: figures of the whole desk, and kinds of events that a later version adds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.event_kinds import EventKind
from store.db.bulk import among, table_of
from store.desk.agents import names_in_teams
from store.events.feed import FeedEvent
from store.tables.messages import ConversationRow, InboundRow, MessageRow

# A text that an agent typed and that may name anything; the audit trail has it.
_FREE_TEXT: Final = frozenset({"reason"})


@dataclass(frozen=True, slots=True)
class TeamSight:
    """What a reader who is limited to teams sees. channels: those that these teams answer."""

    teams: frozenset[str]
    channels: frozenset[str]


def seen_by_teams(connection: Connection, events: Sequence[FeedEvent], sight: TeamSight) -> list[FeedEvent]:
    """Return the events without those that are about no thing of these teams; events of conversations stay.

    At most one query for each sort of thing, and none for a page without such events.
    """
    loose = [event for event in events if event.conversation_id is None]
    visible: set[UUID] = set()
    for kinds, keys, find in _RULES:
        about = {event.id: _named(event.payload, keys) for event in loose if event.kind in kinds}
        known = find(connection, {each for named in about.values() for each in named}, sight) if about else set()
        visible |= {event_id for event_id, named in about.items() if named & known}
    kept = (event for event in events if event.conversation_id is not None or event.id in visible)
    return [_without_free_text(event) for event in kept]


def _named(payload: Mapping[str, object], keys: Iterable[str]) -> set[str]:
    return {str(payload[key]) for key in keys if payload.get(key)}


def _without_free_text(event: FeedEvent) -> FeedEvent:
    if event.conversation_id is not None or not _FREE_TEXT & event.payload.keys():
        return event
    return replace(event, payload={key: value for key, value in event.payload.items() if key not in _FREE_TEXT})


def _contacts(connection: Connection, ids: Collection[str], sight: TeamSight) -> set[str]:
    columns = table_of(ConversationRow).c
    statement = sa.select(columns.contact_id).where(among(columns.contact_id, [UUID(each) for each in ids]))
    theirs = statement.where(among(columns.team, sight.teams)).distinct()
    return {str(found) for found in connection.execute(theirs).scalars()}


def _inbound(connection: Connection, ids: Collection[str], sight: TeamSight) -> set[str]:
    columns = table_of(InboundRow).c
    statement = sa.select(columns.id).where(among(columns.id, [UUID(each) for each in ids]))
    theirs = statement.where(among(columns.channel, sight.channels))
    return {str(found) for found in connection.execute(theirs).scalars()}


def _messages(connection: Connection, ids: Collection[str], sight: TeamSight) -> set[str]:
    message, conversation = table_of(MessageRow), table_of(ConversationRow)
    statement = sa.select(message.c.id).join(conversation, conversation.c.id == message.c.conversation_id)
    wanted = (among(message.c.id, [UUID(each) for each in ids]), among(conversation.c.team, sight.teams))
    return {str(found) for found in connection.execute(statement.where(*wanted)).scalars()}


def _agents(connection: Connection, names: Collection[str], sight: TeamSight) -> set[str]:
    return names_in_teams(connection, sight.teams) & set(names)


_Find = Callable[[Connection, Collection[str], TeamSight], set[str]]
# Kinds of events, the payload keys that name the thing, and how to find those of the reader's teams.
_RULES: Final[Sequence[tuple[frozenset[str], tuple[str, ...], _Find]]] = (
    (
        frozenset(
            {
                EventKind.CONTACT_EDITED,
                EventKind.CONTACT_MERGED,
                EventKind.CONTACT_PARTED,
                EventKind.CONTACT_ERASED,
                EventKind.CONTACT_BLOCKED,
                EventKind.CONTACT_UNBLOCKED,
            }
        ),
        ("contact_id", "from", "into"),
        _contacts,
    ),
    (
        frozenset(
            {
                EventKind.INBOUND_CONFLICT,
                EventKind.INBOUND_QUARANTINED,
                EventKind.QUARANTINE_REPLAYED,
                EventKind.QUARANTINE_DISCARDED,
            }
        ),
        ("inbound_id",),
        _inbound,
    ),
    (frozenset({EventKind.OUTAGE_SUSPECTED}), ("message_id",), _messages),
    (frozenset({EventKind.AGENT_DUTY_CHANGED}), ("agent",), _agents),
)
