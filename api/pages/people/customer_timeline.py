"""When a customer wrote, over all channels: the conversations of the last weeks as points on a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from api.rest.queries import Listed
from store.conversations.read import ConversationRecord

TIMELINE_SPAN: Final = timedelta(days=90)
# As many as fit into the pane next to each other.
_POINTS: Final = 8


@dataclass(frozen=True, slots=True)
class TimelinePoint:
    """A conversation and when it began, aware."""

    row: ConversationRecord
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTimeline:
    """points: the newest ones, the oldest of them first. count: all of the span. first_at: the first that is known."""

    points: tuple[TimelinePoint, ...]
    count: int
    first_at: datetime


def timeline_of(current: ConversationRecord, *, listed: Sequence[Listed], now: datetime) -> ContactTimeline:
    """Return the customer's conversations within the span; `current` is always one of the points."""
    rows = {row.id: row for row, _, _ in listed} | {current.id: current}
    ordered = sorted(rows.values(), key=lambda row: (row.opened_at, row.id))
    within = [row for row in ordered if row.opened_at > now - TIMELINE_SPAN or row.id == current.id]
    newest = within[-_POINTS:]
    if current not in newest:
        newest = [current, *newest[1:]]
    points = tuple(TimelinePoint(row, row.opened_at) for row in newest)
    return ContactTimeline(points=points, count=len(within), first_at=ordered[0].opened_at)
