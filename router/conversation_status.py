"""The status of a conversation: who has to do something next."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """open: an agent.  pending: the customer.  snoozed: an agent, from a moment on.  resolved: no one any more."""

    OPEN = "open"
    PENDING = "pending"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
