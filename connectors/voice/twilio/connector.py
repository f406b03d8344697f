"""List the calls of a hotline, in case callbacks failed: what the menu never heard of becomes a missed call.

Twilio filters by GMT day only, and may list a call late, so each poll lists from the day before the last one on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from connectors.base import Batch, Cursor, utc_now
from connectors.sms.twilio.client import Twilio
from connectors.voice.twilio.call_forms import listed_call, listed_recording
from router.errors import PermanentError, TransientError
from router.phone_call import CallNews
from router.settings.channels.voice import HotlineMenuSettings, VoiceSettings

_PAGE_SIZE: Final = 100
# More than a hotline of one number can take in two days.
_MOST_PAGES: Final = 200
_OVERLAP: Final = timedelta(days=1)
# A provider's clock may be behind ours.
_CLOCKS_APART: Final = timedelta(minutes=5)


class VoiceConnector:
    """See `Connector`. It brings no messages but calls, which the desk merges with what it knows of them."""

    def __init__(self, channel: str, settings: VoiceSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._channel, self._settings, self._clock = channel, settings, clock
        self._woken, self._forget = threading.Event(), threading.Event()
        self._twilio: Twilio | None = None
        self._known: frozenset[CallNews] = frozenset()

    @property
    def channel(self) -> str:
        return self._channel

    def fetch(self, cursor: Cursor | None) -> Batch:
        """See `Connector`."""
        self._woken.clear()
        if self._forget.is_set():
            self._forget.clear()
            self._known, self._twilio = frozenset(), None
        menu = self._settings.twilio
        if menu is None:
            raise PermanentError("no menu answers the calls of this channel")
        now = self._clock()
        since, seen_until, notice = self._mark(cursor, now=now)
        calls = self._listed(menu, since, first=seen_until - _OVERLAP, now=now)
        fresh = [each for each in calls if each not in self._known]
        self._known = frozenset(calls)
        position = f"{now.isoformat()} {since.isoformat()}"
        return Batch(
            channel=self._channel,
            form="voice",
            cursor=Cursor(self._settings.number, position),
            notice=notice,
            calls=fresh,
            missed_after=menu.missed_after,
        )

    def settle(self, batch: Batch) -> None:
        """See `Connector`. Twilio has no mark for this."""

    def wait(self, seconds: float) -> None:
        """See `Connector`."""
        self._woken.wait(seconds)

    def close(self) -> None:
        """See `Connector`."""
        self._forget.set()
        self._woken.set()
        if twilio := self._twilio:
            twilio.close()

    def _mark(self, cursor: Cursor | None, *, now: datetime) -> tuple[datetime, datetime, str]:
        """Return since when calls are ours, until when they were seen, and what the operator should know."""
        if cursor is None:
            return now - _CLOCKS_APART, now, "taking calls from now on"
        if cursor.epoch != self._settings.number:
            return now - _CLOCKS_APART, now, "the channel has another number now; its calls are taken from now on"
        until, _, since = cursor.position.partition(" ")
        return datetime.fromisoformat(since), datetime.fromisoformat(until), ""

    def _listed(self, menu: HotlineMenuSettings, since: datetime, *, first: datetime, now: datetime) -> list[CallNews]:
        self._twilio = self._twilio or Twilio(menu)
        day = first.astimezone(UTC).date().isoformat()
        wanted = {"To": self._settings.number, "StartTime>": day}
        listed = [
            listed_call(each, stale_after=menu.stale_after, now=now)
            for each in self._lines("/Calls.json", "calls", wanted)
        ]
        calls = [each for each in listed if each and each.started_at and each.started_at >= since]
        ours = {each.sid for each in calls}
        if not ours:
            return []
        # The account's recordings may be of other numbers too.
        made = [listed_recording(each) for each in self._lines("/Recordings.json", "recordings", {"DateCreated>": day})]
        return calls + [each for each in made if each and each.sid in ours]

    def _lines(self, path: str, name: str, wanted: Mapping[str, str]) -> Iterator[Mapping[str, object]]:
        if self._twilio is None:
            raise AssertionError("opened before")
        answer = self._twilio.get(path, {**wanted, "PageSize": _PAGE_SIZE})
        for _ in range(_MOST_PAGES):
            lines = answer.get(name)
            yield from (each for each in lines if isinstance(each, dict)) if isinstance(lines, list) else ()
            following = answer.get("next_page_uri")
            if not isinstance(following, str) or not following:
                return
            if self._forget.is_set():
                raise TransientError("reading was interrupted")
            answer = self._twilio.get_uri(following)
        raise TransientError(f"Twilio's list of {name} does not end")
