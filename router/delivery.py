"""The rules of sending: answer windows, the pauses between attempts, and the order of delivery statuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from router.backoff import Backoff
from router.reason import Reason, ReasonKey

# 5 s, 15 s, 45 s ... an hour: the first retries cover a restart, the later ones an outage.
AFTER_NOT_SENT: Final = Backoff(first=timedelta(seconds=5), longest=timedelta(hours=1), growth=3, spread=0.2)

# WhatsApp allows free text for this long after the customer's last message (Twilio error 63016).
WHATSAPP_WINDOW: Final = timedelta(hours=24)


class DeliveryStatus(StrEnum):
    """What the provider reported about a message after accepting it; only a later status replaces a status.

    Callbacks repeat and overtake each other: call `is_later` before writing a status.
    """

    UNREPORTED = ""
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"


# A report of failure can follow "sent", but no report can revoke a delivery.
_RANKS: Final = {
    DeliveryStatus.UNREPORTED: 0,
    DeliveryStatus.SENT: 1,
    DeliveryStatus.UNDELIVERED: 2,
    DeliveryStatus.DELIVERED: 3,
    DeliveryStatus.READ: 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The limits within which a provider lets us answer.

    lasts: how long after the customer's last message; None for no limit.
    messages: how many of our messages may follow that message; None for any number.
    """

    lasts: timedelta | None = None
    messages: int | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether the window has a limit to check before sending."""
        return self.lasts is not None or self.messages is not None

    def refusal(self, *, last_heard_at: datetime | None, sent_since: int, now: datetime) -> Reason | None:
        """Return why a message may not be sent now; None if it may.

        last_heard_at: when the customer last wrote on this channel, None if never; aware, like now.
        sent_since: how many messages we have sent since then.
        """
        if not self.is_bounded:
            return None
        if last_heard_at is None:
            return Reason(ReasonKey.CUSTOMER_NEVER_WROTE)
        if self.lasts is not None and now - last_heard_at > self.lasts:
            hours = {"silence": _hours(now - last_heard_at), "window": _hours(self.lasts)}
            return Reason(ReasonKey.WINDOW_HAS_CLOSED, hours)
        if self.messages is not None and sent_since >= self.messages:
            return Reason(ReasonKey.WINDOW_IS_FULL, {"sent": sent_since, "allowed": self.messages})
        return None


class TextUnit(StrEnum):
    """The unit in which a provider measures a text."""

    CHARACTERS = "characters"
    UTF16 = "UTF-16 code units"
    UTF8 = "bytes"


@dataclass(frozen=True, slots=True)
class TextLimit:
    """The longest text that a provider accepts in one message, in `unit`."""

    longest: int
    unit: TextUnit = TextUnit.CHARACTERS

    def allows(self, text: str) -> bool:
        """Return whether the text is short enough; an empty text is short enough."""
        return self.units_of(text) <= self.longest

    def units_of(self, text: str) -> int:
        """Return the length of the text, in `unit`."""
        if self.unit is TextUnit.UTF8:
            return len(text.encode("utf-8", "replace"))
        return len(text) if self.unit is TextUnit.CHARACTERS else len(text.encode("utf-16-le")) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """A provider's report on one of our messages, by callback or in a list. why: the error code, or empty."""

    delivery: DeliveryStatus
    provider_id: str = ""
    why: str = ""


def is_later(delivery: DeliveryStatus, *, than: DeliveryStatus) -> bool:
    """Return whether a status is later than another."""
    return _RANKS[delivery] > _RANKS[than]


def _hours(duration: timedelta) -> str:
    hours, minutes = divmod(round(duration.total_seconds() / 60), 60)
    return f"{hours} h {minutes:02} min" if minutes else f"{hours} h"
