"""What may leave, when, and what is known of it afterwards: windows, retries and the order of delivery statuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from router.backoff import Backoff
from router.reason import Reason, ReasonKey

# 5 s, 15 s, 45 s ... an hour: the first repeats outlast a restart, the later ones an outage.
AFTER_NOT_SENT: Final = Backoff(first=timedelta(seconds=5), longest=timedelta(hours=1), growth=3, spread=0.2)

# WhatsApp takes free text this long after the customer's last message (Twilio error 63016).
WHATSAPP_WINDOW: Final = timedelta(hours=24)


class DeliveryStatus(StrEnum):
    """What the provider reported about a message after taking it; each status only ever gives way to a later one.

    Callbacks repeat and overtake each other: ask `is_later` before writing one down.
    """

    UNTOLD = ""
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    UNDELIVERED = "undelivered"


# A report of failure can follow "sent", but nothing takes back that a message arrived.
_RANKS: Final = {
    DeliveryStatus.UNTOLD: 0,
    DeliveryStatus.SENT: 1,
    DeliveryStatus.UNDELIVERED: 2,
    DeliveryStatus.DELIVERED: 3,
    DeliveryStatus.READ: 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Within what bounds a provider lets us answer.

    lasts: how long after the customer's last message; None: at any time.
    messages: how many of ours may follow that message; None: any number.
    """

    lasts: timedelta | None = None
    messages: int | None = None

    @property
    def is_bounded(self) -> bool:
        """Whether there is anything to look at before sending."""
        return self.lasts is not None or self.messages is not None

    def refusal(self, *, last_heard_at: datetime | None, sent_since: int, now: datetime) -> Reason | None:
        """Return why a message may not leave now; None if it may.

        last_heard_at: when the customer last wrote on this channel, None if never; aware, like now.
        sent_since: how many messages of ours have left since then.
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
    """What a provider counts in a text."""

    CHARACTERS = "characters"
    UTF16 = "UTF-16 code units"


@dataclass(frozen=True, slots=True)
class TextLimit:
    """The longest text that a provider takes in one message, in `unit`."""

    longest: int
    unit: TextUnit = TextUnit.CHARACTERS

    def allows(self, text: str) -> bool:
        """Return whether the text is short enough; an empty text is."""
        units = len(text) if self.unit is TextUnit.CHARACTERS else len(text.encode("utf-16-le")) // 2
        return units <= self.longest


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """What a provider says about a message of ours, by callback or in a list. why: its code; empty if all is well."""

    delivery: DeliveryStatus
    provider_id: str = ""
    why: str = ""


def is_later(delivery: DeliveryStatus, *, than: DeliveryStatus) -> bool:
    """Tell whether a status moves forward from another."""
    return _RANKS[delivery] > _RANKS[than]


def _hours(duration: timedelta) -> str:
    hours, minutes = divmod(round(duration.total_seconds() / 60), 60)
    return f"{hours} h {minutes:02} min" if minutes else f"{hours} h"
