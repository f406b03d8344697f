"""The contract of a menu that answers calls: each step of a call is a signed request that waits for our answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from connectors.base import Batch, WebhookRequest, WebhookResponse
from router.phone_call import CallLimits, CallNews, PhoneCall


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffedHours:
    """When a hotline is staffed. is_open: at a moment.  opening_words: the next opening after it, in a language."""

    is_open: Callable[[datetime], bool]
    opening_words: Callable[[datetime, str], str]


class CallMachine(Protocol):
    """The menu of one channel. Keeps no state: an answer follows from the request and from what is known of its call.

    The same step asked twice gets the same answer.
    """

    @property
    def limits(self) -> CallLimits:
        """What the operator's file allows."""

    def is_signed(self, request: WebhookRequest) -> bool:
        """Return whether the provider signed exactly these bytes for this URL. Raises ConfigError without a URL."""

    def news(self, request: WebhookRequest, *, now: datetime) -> CallNews:
        """Return what a signed request says. Raises PermanentError when it is for another number or account."""

    def answer(self, request: WebhookRequest, call: PhoneCall) -> WebhookResponse:
        """Return what the caller hears next; for a report, that it was taken."""

    def fallback(self, request: WebhookRequest) -> WebhookResponse:
        """Return an answer that needs nothing but the file: the caller is asked for a voicemail.

        A report is refused, so that its provider may repeat it.
        """

    def batch(self, calls: Sequence[PhoneCall], *, backfill: bool) -> Batch:
        """Return the messages about these calls."""
