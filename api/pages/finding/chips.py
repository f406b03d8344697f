"""The filters of a list as chips that take themselves away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from api.rest.lists.list_query import InboxQuery

# In the order in which they stand; the words are those of the fields.
_TEXTS: Final = ("q", "team", "assignee", "category", "channel", "priority", "label", "contact")
_FIELDS: Final = (*_TEXTS, "overdue", "unassigned", "unread")


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter. field: its name in the URL.  value: empty for a switch."""

    field: str
    value: str


def chips_of(query: InboxQuery) -> list[Chip]:
    """Return the filters that are set, besides the view and the order."""
    values = ((name, getattr(query, name)) for name in _FIELDS)
    return [Chip(name, "" if value is True else str(value)) for name, value in values if value]
