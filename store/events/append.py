"""Append an event for every change, in its transaction; one publisher numbers the events later, without gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.engine import Connection

from store.db.bulk import insert_rows
from store.db.ids import new_id
from store.tables.operations import EventRow


class EventKind(StrEnum):
    """Every kind of event: noun.verb. Kinds are only added: programs depend on them. `docs/api.md` explains each."""

    CONVERSATION_OPENED = "conversation.opened"
    CONVERSATION_ASSIGNED = "conversation.assigned"
    CONVERSATION_MOVED = "conversation.moved"
    CONVERSATION_PRIORITISED = "conversation.prioritised"
    CONVERSATION_RECATEGORISED = "conversation.recategorised"
    CONVERSATION_LABELLED = "conversation.labelled"
    CONVERSATION_SNOOZED = "conversation.snoozed"
    CONVERSATION_RELEASED = "conversation.released"
    CONVERSATION_STATUS_CHANGED = "conversation.status_changed"
    CONVERSATION_ESCALATED = "conversation.escalated"
    CONVERSATION_MERGED = "conversation.merged"
    CONVERSATION_SPLIT = "conversation.split"
    CONVERSATION_UNLINKED = "conversation.unlinked"
    CONVERSATION_REGROUPING_UNDONE = "conversation.regrouping_undone"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_DUPLICATE = "message.duplicate"
    MESSAGE_REPEATED = "message.repeated"
    MESSAGE_RELEASED = "message.released"
    MESSAGE_QUEUED = "message.queued"
    MESSAGE_NOTED = "message.noted"
    OUTBOUND_SENT = "outbound.sent"
    OUTBOUND_FAILED = "outbound.failed"
    OUTBOUND_UNKNOWN = "outbound.unknown"
    OUTBOUND_NEEDS_PERSON = "outbound.needs_person"
    OUTBOUND_CANCELLED = "outbound.cancelled"
    OUTBOUND_SENT_AGAIN = "outbound.sent_again"
    OUTBOUND_MARKED_SENT = "outbound.marked_sent"
    OUTBOUND_BREAKER_TRIPPED = "outbound.breaker_tripped"
    INBOUND_CONFLICT = "inbound.conflict"
    INBOUND_QUARANTINED = "inbound.quarantined"
    QUARANTINE_REPLAYED = "quarantine.replayed"
    QUARANTINE_DISCARDED = "quarantine.discarded"
    CONTACT_EDITED = "contact.edited"
    CONTACT_MERGED = "contact.merged"
    CONTACT_PARTED = "contact.parted"
    CONTACT_ERASED = "contact.erased"
    EMERGENCY_CONFIRMED = "emergency.confirmed"
    EMERGENCY_RELEASED = "emergency.released"
    EMERGENCY_REOPENED = "emergency.reopened"
    EMERGENCY_ESCALATED = "emergency.escalated"
    EMERGENCY_FALSE_PAGES = "emergency.false_pages"
    DANGER_SUSPECTED = "danger.suspected"
    DANGER_DENIED = "danger.denied"
    SLA_WARNING = "sla.warning"
    SLA_BREACHED = "sla.breached"
    ASSIGNMENT_NOBODY = "assignment.nobody"
    OUTAGE_SUSPECTED = "outage.suspected"
    AGENT_DUTY_CHANGED = "agent.duty_changed"
    RATING_ASKED = "rating.asked"
    RATING_GIVEN = "rating.given"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """One change. payload: ids and words of ours, never message text."""

    kind: EventKind
    conversation_id: UUID | None = None
    payload: Mapping[str, object] = field(default_factory=dict)
    at: datetime = field(kw_only=True)


def append_events(connection: Connection, events: Sequence[NewEvent]) -> None:
    """Insert the events in the caller's transaction."""
    rows = [
        {
            "id": new_id(),
            "kind": str(event.kind),
            "conversation_id": event.conversation_id,
            "payload": dict(event.payload),
            "at": event.at,
        }
        for event in events
    ]
    insert_rows(connection, EventRow, rows=rows)
