"""The states of an outgoing message, alone in a module because they are also the values of an option."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class OutboundState(StrEnum):
    """The state of an outgoing message; only `store.outbound.ledger` changes it.

    queued -> sending -> sent | failed | unknown; unknown -> sent | needs_person; a message that certainly was not
    accepted is queued again, and so is mail with an unknown outcome, under the same Message-ID.
    failed: refused permanently.  unknown: it may have been accepted.  needs_person: an agent must decide.
    cancelled: it is not sent any more.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NEEDS_PERSON = "needs_person"
    CANCELLED = "cancelled"


# What has left, or may have.
LEFT: Final = (OutboundState.SENDING, OutboundState.SENT, OutboundState.UNKNOWN)
