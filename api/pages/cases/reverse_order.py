"""What takes back a change of an agent: the reverse order, and what the change took away besides.

The notice of the change carries it, signed: see `api.pages.toast`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from api.rest.changes import Before, ChangeOrder, Former, ReverseOrder
from router.conversation_status import Status
from store.conversations.read import ConversationRecord


class Undo(BaseModel):
    """What takes a change back. order: the fields of the reverse order.  former: what no order can name."""

    model_config = ConfigDict(frozen=True)

    order: dict[str, Any]
    former: Former

    def at(self, now: datetime) -> ReverseOrder:
        """Return the order at this moment: a snooze that has passed since ends as it would have ended."""
        order = ReverseOrder.model_validate({**self.order, "former": self.former})
        if order.snoozed_until is None or order.snoozed_until > now:
            return order
        woken = {"status": Status.OPEN, "snoozed_until": None}
        return ReverseOrder.model_validate({**self.order, **woken, "former": self.former})


def undo_of(before: Before, order: ChangeOrder, *, now: datetime) -> Undo | None:
    """Return what undoes `order`; None when it changes nothing. before: the conversation as it was."""
    fields = reverse(before.record, order, now=now) or {}
    if order.status is not None and before.former.replies:
        # The same status again changes what becomes of the replies that have not left.
        fields |= _status(before.record, now=now)
    if not fields:
        return None
    places = tuple(before.record.labels.index(label) for label in fields.get("add_labels", ()))
    case = replace(before.former.case, label_places=places)
    replies = before.former.replies if "status" in fields else ()
    return Undo(order=fields, former=Former(case=case, replies=replies, dropped=order.planned_replies == "cancel"))


def reverse(before: ConversationRecord, order: ChangeOrder, *, now: datetime) -> dict[str, Any] | None:
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
    elif "category" in named and not order.category and not before.none_of_ours:
        undo["unknown_category"] = True
    added = [label for label in order.add_labels if label not in before.labels]
    removed = [label for label in order.remove_labels if label in before.labels]
    undo |= {name: labels for name, labels in (("remove_labels", added), ("add_labels", removed)) if labels}
    return undo or None


def _status(before: ConversationRecord, *, now: datetime) -> dict[str, Any]:
    if before.status != Status.SNOOZED:
        return {"status": before.status}
    if before.held_until is None or before.held_until <= now:
        return {"status": Status.OPEN.value}
    return {"status": before.status, "snoozed_until": before.held_until.isoformat()}
