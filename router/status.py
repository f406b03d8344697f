"""The status of a conversation: who has to do something next."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """open: an agent.  pending: the customer.  snoozed: nobody until a moment.  resolved: nobody any more."""

    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
