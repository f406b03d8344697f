"""Answer the steps of calls: verify, note what is said in the call's row, and say what the caller hears next."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from connectors.base import WebhookRequest, WebhookResponse
from connectors.call_machine import CallMachine, StaffedHours
from connectors.registry import call_machine_of
from router.errors import NotFound, PermanentError, TransientError
from router.hours.from_settings import build_calendars
from router.phone_call import CallLimits, CallNews, PhoneCall, merge
from router.replies.phrases import opening_words
from router.settings import Settings
from store.calls.phone_calls import find_call, note_call
from store.db.engine import Database
from store.desk.held_back import note_refusals

if TYPE_CHECKING:
    from router.hours.calendar import Calendar

# A little longer than `api.voice_webhooks` waits.
_TURN_SECONDS: Final = 2.0
# On PostgreSQL rows have locks of their own.
_MANY: Final = 64
_CALLS_OF_CALLER: Final = "calls_of_caller"

_log = structlog.get_logger()


class UnsignedCall(PermanentError):
    """The request is not signed by the provider."""


class Hotline:
    """The menus of all channels; used by all threads of the application. Answers need one short transaction."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._writing = threading.Lock() if database.is_sqlite else threading.BoundedSemaphore(_MANY)
        self._calendars: Mapping[str, Calendar] | None = None

    def verified(self, channel: str, request: WebhookRequest) -> CallMachine:
        """Return what answers a channel's calls, for a request that its provider signed.

        Raises NotFound without a menu, UnsignedCall, ConfigError when the desk is not configured for it.
        """
        machine = self.machine(channel)
        if not machine.is_signed(request):
            # No number in the log: who calls is the customer's affair.
            _log.warning("call.refused", channel=channel)
            raise UnsignedCall
        return machine

    def answer(self, channel: str, machine: CallMachine, request: WebhookRequest, *, now: datetime) -> WebhookResponse:
        """Note what a request says, and return what follows once it is on disk.

        Raises PermanentError for a request that is not for us, TransientError when it cannot be stored now.
        """
        news = machine.news(request, now=now)
        call = self._known(channel, news, now=now) or self._noted(channel, news, machine.limits)
        if call.rejected and news.begins:
            _log.warning("call.rejected", channel=channel, call=call.sid)
        return machine.answer(request, call)

    def _known(self, channel: str, news: CallNews, *, now: datetime) -> PhoneCall | None:
        """Return the call if the news add nothing to it; then nothing is written."""
        with self._database.read() as connection:
            call = find_call(connection, channel, news.sid)
        is_new = call is None or merge(call, news, now=now) != call or (news.wants_dial and not call.dial)
        return None if is_new else call

    def _noted(self, channel: str, news: CallNews, limits: CallLimits) -> PhoneCall:
        with self._turn(), self._database.write() as connection:
            call = note_call(connection, channel, news=news, limits=limits)
            if call.rejected and news.begins:
                # `status`, the supervisor's page and the metrics show it.
                note_refusals(connection, channel=channel, refused={_CALLS_OF_CALLER: 1})
        return call

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let one thread write at a time: SQLite's only lock is not fair, and a caller who waits hears silence."""
        if not self._writing.acquire(timeout=_TURN_SECONDS):
            raise TransientError("too many calls write at once")
        try:
            yield
        finally:
            self._writing.release()

    def machine(self, channel: str) -> CallMachine:
        """Return what answers a channel's calls. Raises NotFound."""
        settings = self._settings.channels.get(channel)
        if settings is None or not settings.enabled:
            raise NotFound("no channel has this address")
        hours = _hours(self._calendar(settings.calendar))
        return call_machine_of(channel, settings, desk=self._settings.omniyard, hours=hours)

    def _calendar(self, name: str) -> Calendar:
        if self._calendars is None:
            # Two threads may build them at once; the result is the same.
            self._calendars = build_calendars(self._settings)
        return self._calendars[name]


def _hours(calendar: Calendar) -> StaffedHours:
    return StaffedHours(is_open=calendar.is_open, opening_words=partial(_opening, calendar))


def _opening(calendar: Calendar, at: datetime, language: str) -> str:
    opening = calendar.next_opening(at)
    return opening_words(opening, now=at, zone=calendar.zone, language=language) if opening else ""
