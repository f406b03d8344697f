"""A polled Twilio number: SMS and MMS, or WhatsApp.

A poll lists today's messages; every few minutes it lists all days since the day before the newest message, to find
messages that Twilio listed late. Known messages are skipped by SID; the database finally decides.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Self

import structlog

from connectors.base import Batch, Cursor, Health, RawMessage, utc_now
from connectors.json_messages import MediaFile, write_document
from connectors.sms.twilio.client import Twilio, probe
from connectors.sms.twilio.media import fetch_files
from connectors.sms.twilio.messages import moment
from router.errors import TransientError
from router.settings.channels.sms import TwilioSettings

# Twilio can filter by number and by GMT day, but not by time or direction.
# A message may be listed late with an older `date_sent`, so days are listed again, and SIDs show what is new.

_PAGE_SIZE: Final = 200
# A number cannot receive more than fifty thousand a day; a longer list does not end.
_MOST_PAGES_A_DAY: Final = 250
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TwilioCursor:
    """The position in a number's list. newest: the latest stored `date_sent`.  since: earlier messages are not ours."""

    newest: datetime
    since: datetime

    @classmethod
    def parse(cls, position: str) -> Self:
        """Parse the output of `str`. Times are converted to UTC first: Twilio's days are GMT days."""
        newest, _, since = position.partition(" ")
        return cls(datetime.fromisoformat(newest).astimezone(UTC), datetime.fromisoformat(since).astimezone(UTC))

    def __str__(self) -> str:
        return f"{self.newest.isoformat()} {self.since.isoformat()}"

    def days(self, *, until: datetime) -> list[date]:
        """Return the days to list: from the day before the newest message on."""
        first = (self.newest.astimezone(UTC) - _DAY).date()
        last = until.astimezone(UTC).date()
        return [first + number * _DAY for number in range(max((last - first).days, 0) + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSms:
    """One record of the list. sid: empty if it has no valid one.  at: when Twilio received it, aware UTC."""

    sid: str
    record: Mapping[str, Any]
    at: datetime

    @property
    def files(self) -> int:
        """The number of files according to Twilio."""
        stated = self.record.get("num_media")
        return int(stated) if isinstance(stated, str) and stated.isdigit() else 0


@dataclass(slots=True)
class SmsListing:
    """The messages found, newest first. trouble: for the operator; then the list was not complete."""

    messages: list[ListedSms]
    trouble: str = ""


def list_day(
    twilio: Twilio, *, to: str, day: date, known: Container[str], stop_at_known: bool, now: datetime
) -> SmsListing:
    """List one day's incoming messages that are not `known`.

    stop_at_known: a page with only known ones ends it; a late message may be missed.
    """
    listing = SmsListing([])
    met: set[str] = set()
    for number, records in enumerate(_pages(twilio, to=to, day=day)):
        sids = {sid for record in records if (sid := _sid(record))}
        if number >= _MOST_PAGES_A_DAY or (number and sids <= met):
            listing.trouble = f"Twilio's list of {day.isoformat()} does not end; its first {number} pages were taken"
            break
        listing.messages += [
            each for each in (_listed(record, now=now) for record in records if _is_ours(record))
            if each.sid not in known and each.sid not in met
        ]  # fmt: skip
        met |= sids
        if stop_at_known and sids and all(sid in known for sid in sids):
            break
    return listing


def _pages(twilio: Twilio, *, to: str, day: date) -> Iterator[list[object]]:
    answer = twilio.get("/Messages.json", {"To": to, "DateSent": day.isoformat(), "PageSize": _PAGE_SIZE})
    while True:
        records = answer.get("messages")
        yield records if isinstance(records, list) else []
        following = answer.get("next_page_uri")
        if not isinstance(following, str) or not following:
            return
        answer = twilio.get_uri(following)


def _is_ours(record: object) -> bool:
    """Return whether it is incoming and complete. A record in an unknown format counts, so that agents see it."""
    if not isinstance(record, dict):
        return True
    return record.get("direction", "inbound") == "inbound" and record.get("status") != "receiving"


def _sid(record: object) -> str:
    sid = record.get("sid") if isinstance(record, dict) else None
    return sid if isinstance(sid, str) else ""


def _listed(record: object, *, now: datetime) -> ListedSms:
    whole = record if isinstance(record, dict) else {"unreadable": record}
    at = moment(whole, "date_sent") or moment(whole, "date_created") or now
    return ListedSms(sid=_sid(record), record=whole, at=min(at, now))


_log: Final = structlog.get_logger()

_BATCH: Final = 100
# A provider's clock may be behind ours, and its times are whole seconds: starting now must not miss a message.
_CLOCKS_APART: Final = timedelta(minutes=5)
# How late Twilio may list a message, and how soon we then find it.
_DEEP_EVERY: Final = timedelta(minutes=15)
_QUICK_BACK: Final = timedelta(hours=1)
# How many polls try to fetch a file; after that the message comes without it.
_MOST_TRIES: Final = 5
_UNFETCHED: Final = "A file of the message could not be fetched from Twilio."


class TwilioConnector:
    """See `Connector`."""

    def __init__(self, channel: str, settings: TwilioSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._channel, self._settings, self._clock = channel, settings, clock
        self._woken = threading.Event()
        self._forget = threading.Event()
        self._twilio: Twilio | None = None
        self._known: dict[str, datetime] = {}
        self._backlog: list[ListedSms] = []
        self._tries: dict[str, int] = {}
        self._deep_at: datetime | None = None
        self._looked_until: datetime | None = None
        self._trouble = ""

    @property
    def channel(self) -> str:
        return self._channel

    def fetch(self, cursor: Cursor | None) -> Batch:
        """See `Connector`."""
        self._woken.clear()
        if self._forget.is_set():
            self._start_over()
        now = self._clock()
        mark, notice = self._mark(cursor, now=now)
        if not self._backlog:
            self._look(mark, now=now)
        return self._batch(mark, notice=notice, now=now)

    def settle(self, batch: Batch) -> None:
        """See `Connector`. Twilio has no mark for this."""

    def wait(self, seconds: float) -> None:
        """See `Connector`."""
        self._woken.wait(seconds)

    def probe(self) -> Health:
        """See `ProbedConnector`."""
        return probe(self._settings)

    def close(self) -> None:
        """See `Connector`. A running fetch ends with its current request."""
        self._forget.set()
        self._woken.set()
        if twilio := self._twilio:
            twilio.close()

    def _start_over(self) -> None:
        """Forget what was read but may not be stored."""
        self._forget.clear()
        self._known.clear()
        self._backlog.clear()
        self._twilio = self._deep_at = self._looked_until = None

    def _mark(self, cursor: Cursor | None, *, now: datetime) -> tuple[TwilioCursor, str]:
        since = now - _CLOCKS_APART
        if cursor is None:
            return TwilioCursor(since, since), "taking messages from now on"
        if cursor.epoch != self._settings.own_address:
            return TwilioCursor(since, since), "the channel has another number now; its messages are taken from now on"
        return TwilioCursor.parse(cursor.position), ""

    def _look(self, mark: TwilioCursor, *, now: datetime) -> None:
        self._twilio = self._twilio or Twilio(self._settings)
        deep = self._deep_at is None or now - self._deep_at >= _DEEP_EVERY
        first = (now - _QUICK_BACK).date()
        found: list[ListedSms] = []
        self._trouble = ""
        for day in mark.days(until=now):
            if deep or day >= first:
                listing = list_day(
                    self._twilio,
                    to=self._settings.own_address,
                    day=day,
                    known=self._known,
                    stop_at_known=not deep,
                    now=now,
                )
                found += listing.messages
                self._trouble = self._trouble or listing.trouble
            if self._forget.is_set():
                raise TransientError("reading was interrupted")
        self._backlog = sorted((each for each in found if each.at >= mark.since), key=lambda each: each.at)
        if deep:
            self._deep_at = now
            self._looked_until = None if self._trouble else now
            oldest = mark.newest - timedelta(days=3)
            self._known = {sid: at for sid, at in self._known.items() if at >= oldest}

    def _batch(self, mark: TwilioCursor, *, notice: str, now: datetime) -> Batch:
        old_before = now - self._settings.stale_after
        backfill = bool(self._backlog) and self._backlog[0].at < old_before
        run: list[ListedSms] = []
        while self._backlog and len(run) < _BATCH and (self._backlog[0].at < old_before) == backfill:
            run.append(self._backlog.pop(0))
        messages = [message for each in run if (message := self._message(each, now=now))]
        newest = max((mark.newest, *(each.at for each in run)))
        if not self._backlog and self._looked_until and not self._tries:
            # Otherwise a quiet month would be listed day by day in every poll.
            newest, self._looked_until = max(newest, self._looked_until), None
        return Batch(
            channel=self._channel,
            messages=messages,
            cursor=Cursor(self._settings.own_address, str(TwilioCursor(newest, mark.since))),
            more=bool(self._backlog),
            backfill=backfill,
            notice=notice or self._trouble,
            waiting=len(self._backlog),
            form="twilio",
        )

    def _message(self, listed: ListedSms, *, now: datetime) -> RawMessage | None:
        """Return the message with its files; None while they may still become available."""
        files = self._files(listed)
        if files is None:
            return None
        if listed.sid:
            self._known[listed.sid] = listed.at
        content = write_document(listed.record, form="twilio", source="poll", files=files)
        return RawMessage(source_key=listed.sid or _made_up(content), content=content, received_at=min(listed.at, now))

    def _files(self, listed: ListedSms) -> tuple[MediaFile, ...] | None:
        if not listed.files or not listed.sid or not self._twilio:
            return ()
        try:
            files = fetch_files(self._twilio, listed.sid)
        except TransientError as error:
            tries = self._tries[listed.sid] = self._tries.get(listed.sid, 0) + 1
            _log.warning("channel.file_late", channel=self._channel, tries=tries, error=str(error))
            if tries < _MOST_TRIES:
                return None
            files = (MediaFile(name="", content=None, problem=_UNFETCHED),)
        self._tries.pop(listed.sid, None)
        return files


def _made_up(content: bytes) -> str:
    # A record without an id is known again by its bytes.
    return f"?{sha256(content).hexdigest()[:32]}"
