"""The kinds of events that webhooks and the feed tell: what a pattern in `[webhooks.NAME] events` can mean."""

from __future__ import annotations

from typing import Final

# A test compares them with the kinds that the code writes.
EVENT_KINDS: Final = frozenset(
    {
        "agent.duty_changed",
        "assignment.nobody",
        "contact.edited",
        "contact.erased",
        "contact.merged",
        "contact.parted",
        "conversation.assigned",
        "conversation.escalated",
        "conversation.labelled",
        "conversation.merged",
        "conversation.moved",
        "conversation.opened",
        "conversation.prioritised",
        "conversation.recategorised",
        "conversation.regrouping_undone",
        "conversation.released",
        "conversation.snoozed",
        "conversation.split",
        "conversation.status_changed",
        "conversation.unlinked",
        "emergency.confirmed",
        "emergency.released",
        "inbound.quarantined",
        "message.duplicate",
        "message.noted",
        "message.queued",
        "message.received",
        "message.released",
        "message.repeated",
        "outage.suspected",
        "outbound.breaker_tripped",
        "outbound.cancelled",
        "outbound.failed",
        "outbound.marked_sent",
        "outbound.needs_person",
        "outbound.sent",
        "outbound.sent_again",
        "outbound.unknown",
        "quarantine.discarded",
        "quarantine.replayed",
        "rating.asked",
        "rating.given",
        "sla.breached",
        "sla.warning",
    }
)
