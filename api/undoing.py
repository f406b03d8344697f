"""What takes an order back: the order that makes a conversation what it was before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.rest.changes import ChangeOrder
from store.conversations.read import ConversationRow
from store.tables.messages import Status


def reverse(before: ConversationRow, order: ChangeOrder, *, now: datetime) -> dict[str, Any] | None:
    """Return the fields of the order that undoes `order`; None when it changes nothing.

    before: the conversation as it was.  now: aware; a snooze that has passed is not set again.
    """
    named = order.model_fields_set
    undo: dict[str, Any] = {}
    if order.status is not None and (order.status != before.status or order.status == Status.SNOOZED):
        undo |= _status(before, now=now)
    if order.team is not None and order.team != before.team:
        undo |= {"team": before.team, "assignee": before.assignee}
    elif (order.take or "assignee" in named) and not (order.take and before.assignee):
        undo["assignee"] = before.assignee
    if order.priority is not None and order.priority != before.priority:
        undo["priority"] = before.priority
    if "category" in named and (order.category or None) != before.category:
        undo["category"] = before.category
    added = [label for label in order.add_labels if label not in before.labels]
    removed = [label for label in order.remove_labels if label in before.labels]
    undo |= {name: labels for name, labels in (("remove_labels", added), ("add_labels", removed)) if labels}
    return undo or None


def _status(before: ConversationRow, *, now: datetime) -> dict[str, Any]:
    if before.status != Status.SNOOZED:
        return {"status": before.status}
    if before.held_until is None or before.held_until <= now:
        return {"status": Status.OPEN.value}
    return {"status": before.status, "snoozed_until": before.held_until.isoformat()}
