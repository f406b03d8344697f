"""Which chats wait for an agent, and which for the opening of their channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from router.hours.calendar import Calendar
from store.chat.queue import FirstAnswer, WaitingChat


def waiting_now(
    chats: Iterable[WaitingChat], *, hours: Mapping[str, Calendar], now: datetime
) -> list[WaitingChat]:  # fmt: skip
    """Return the chats that wait for an agent now, the longest first.

    What begins while its channel is closed waits from the opening on; an emergency waits at once.
    hours: of the channels; without one a channel is always open.
    """
    begun = ((chat, _since(chat, hours.get(chat.channel), now=now)) for chat in chats)
    waiting = [replace(chat, waiting_since=since) for chat, since in begun if since is not None]
    return sorted(waiting, key=lambda each: each.waiting_since)


def waits_in_hours(answers: Iterable[FirstAnswer], *, hours: Mapping[str, Calendar]) -> list[timedelta]:
    """Return how long visitors waited for a first answer; without those who began while their channel was closed."""
    found = ((each, hours.get(each.channel)) for each in answers)
    return [each.waited for each, calendar in found if calendar is None or calendar.is_open(each.asked_at)]


def _since(chat: WaitingChat, calendar: Calendar | None, *, now: datetime) -> datetime | None:
    begun = chat.waiting_since
    if chat.emergency or calendar is None or calendar.is_open(begun):
        return begun
    opening = calendar.next_opening(begun)
    return opening if opening is not None and opening <= now else None
