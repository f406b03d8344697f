"""Polled direct messages of an X account: about one request a minute, limited by X's rate limit and by the budget.

Events come newest first, and each costs money; paging stops at the first known one. A partial list is kept in memory
until the rest may be requested, because only a complete list may move the cursor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any, Final, Self

from connectors.base import Batch, Cursor, Health, RawMessage, utc_now
from connectors.json_messages import write_document
from connectors.social.x.budget import Spent, may_look_once, may_read
from connectors.social.x.client import XApi, probe
from connectors.social.x.messages import id_at, sender_of, time_of
from router.errors import RateLimited, TransientError
from router.settings.channels.x import XSettings

# The first page shows whether there is anything new; X charges a known event only once a day.
_FIRST_PAGE: Final = 10
_NEXT_PAGES: Final = 100
# Thirty days of five thousand a day; a longer list does not end.
_MOST_PAGES: Final = 1500
_BATCH: Final = 100
_LONGEST_ID: Final = 20
_CLOCKS_APART: Final = timedelta(minutes=5)
_DAWN: Final = datetime(2010, 11, 5, tzinfo=UTC)
# An hour, in ids.
_REMEMBERED: Final = 3_600_000 << 22
_EMERGENCY_LOOK: Final = timedelta(hours=1)
_SPENT: Final = (
    "the day's budget of {budget:.2f} dollars for reading from X is spent; {then} until midnight UTC (`daily_budget`)"
)
_ENDLESS: Final = "X's list of messages does not end; its first {count} pages were taken"


@dataclass(frozen=True, slots=True)
class _Mark:
    """newest: the highest stored event id, or the id of the time when we began."""

    newest: int
    spent: Spent

    @classmethod
    def parse(cls, position: str) -> Self:
        newest, _, spent = position.partition(" ")
        return cls(int(newest), Spent.parse(spent))

    def __str__(self) -> str:
        return f"{self.newest} {self.spent}"


class _Listing:
    """A list that is being read, newest first, over as many polls as needed."""

    def __init__(self) -> None:
        self.records: list[Mapping[str, Any]] = []
        self.token: str | None = None
        self.pages = 0


class XConnector:
    """See `Connector`."""

    def __init__(self, channel: str, settings: XSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._channel, self._settings, self._clock = channel, settings, clock
        self._woken, self._forget = threading.Event(), threading.Event()
        self._api: XApi | None = None
        self._listing: _Listing | None = None
        self._backlog: list[RawMessage] = []
        self._seen: dict[str, datetime] = {}
        self._handed_on: set[int] = set()
        self._spent = Spent(date.min)
        self._looked_at: datetime | None = None
        self._not_before: datetime | None = None
        self._notice = ""

    @property
    def channel(self) -> str:
        return self._channel

    def fetch(self, cursor: Cursor | None) -> Batch:
        """See `Connector`."""
        self._woken.clear()
        if self._forget.is_set():
            self._start_over()
        now = self._clock()
        api = self._api = self._api or XApi(self._settings)
        mark, notice = self._mark(cursor, api, now=now)
        if not self._backlog:
            self._look(api, mark, now=now)
        return self._batch(api, mark, notice=notice, now=now)

    def settle(self, batch: Batch) -> None:
        """See `Connector`. X has no mark for this."""

    def wait(self, seconds: float) -> None:
        """See `Connector`. Longer than requested when X's rate limit demands it."""
        self._woken.wait(max(seconds, self.pause()))

    def pause(self) -> float:
        """See `PausingConnector`."""
        return max(0.0, (self._not_before - self._clock()).total_seconds()) if self._not_before else 0.0

    def probe(self) -> Health:
        """See `ProbedConnector`."""
        return probe(self._settings)

    def close(self) -> None:
        """See `Connector`. A running fetch ends with its current request."""
        self._forget.set()
        self._woken.set()
        if api := self._api:
            api.close()

    def _start_over(self) -> None:
        self._forget.clear()
        self._backlog.clear()
        self._handed_on.clear()
        self._api = self._listing = None

    def _mark(self, cursor: Cursor | None, api: XApi, *, now: datetime) -> tuple[_Mark, str]:
        self._spent = self._spent.on(now)
        if cursor and cursor.epoch == api.own_id:
            mark = _Mark.parse(cursor.position)
            known = mark.spent.on(now)
            self._spent = max(self._spent, known, key=lambda each: each.dollars)
            return mark, ""
        said = "the channel has another account now; its" if cursor else "taking"
        return _Mark(id_at(now - _CLOCKS_APART), self._spent), f"{said} messages from now on"

    def _look(self, api: XApi, mark: _Mark, *, now: datetime) -> None:
        """List new events, as far as X and the budget allow; a complete list becomes the backlog."""
        self._check_money(now)
        self._looked_at, self._notice = now, ""
        listing = self._listing = self._listing or _Listing()
        while self._next_page(api, listing, mark, now=now):
            if self._forget.is_set():
                raise TransientError("reading was interrupted")
            if api.limit.remaining == 0 or not may_read(self._settings, self._spent):
                return
        self._listing = None
        fresh = [record for record in listing.records if self._is_new(record, own=api.own_id, mark=mark)]
        self._backlog = sorted((_raw(record, now=now) for record in fresh), key=lambda message: message.received_at)

    def _check_money(self, now: datetime) -> None:
        if may_read(self._settings, self._spent):
            return
        if not may_look_once(self._settings, self._spent):
            midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
            raise RateLimited(self._no_money("nothing is read"), seconds=(midnight - now).total_seconds())
        ago = now - self._looked_at if self._looked_at else _EMERGENCY_LOOK
        if ago < _EMERGENCY_LOOK:
            raise RateLimited(self._no_money("one look an hour"), seconds=(_EMERGENCY_LOOK - ago).total_seconds())

    def _no_money(self, then: str) -> str:
        return _SPENT.format(budget=self._settings.daily_budget, then=then)

    def _next_page(self, api: XApi, listing: _Listing, mark: _Mark, *, now: datetime) -> bool:
        """Read one page of the list; return whether more pages are needed."""
        first = listing.pages == 0
        try:
            answer = api.events(most=_FIRST_PAGE if first else _NEXT_PAGES, after_token=listing.token)
        finally:
            self._pace(api, now=now)
        records, token = _records(answer)
        self._pay(records, now=now)
        listing.records += records
        listing.pages, listing.token = listing.pages + 1, token
        if listing.pages >= _MOST_PAGES:
            self._notice = _ENDLESS.format(count=listing.pages)
            return False
        reached = any(_number(record) <= mark.newest for record in records if _number(record))
        return token is not None and bool(records) and not reached

    def _pay(self, records: list[Mapping[str, Any]], *, now: datetime) -> None:
        # X charges for an event once per UTC day.
        ids = {key for record in records if (key := _id(record))}
        charged = [key for key in ids if key not in self._seen or self._seen[key].date() < now.date()]
        self._spent = self._spent.plus(len(charged) * self._settings.read_price)
        oldest = now - timedelta(days=2)
        self._seen = {key: at for key, at in self._seen.items() if at > oldest} | dict.fromkeys(charged, now)

    def _pace(self, api: XApi, *, now: datetime) -> None:
        """Spread the remaining requests over the rest of X's window."""
        limit = api.limit
        if limit.remaining is None or limit.resets_at is None:
            self._not_before = None
            return
        left = max(limit.resets_at - now, timedelta(0))
        self._not_before = now + left / max(limit.remaining, 1)

    def _is_new(self, record: Mapping[str, Any], *, own: str, mark: _Mark) -> bool:
        event = record.get("event")
        if not isinstance(event, dict) or not _number(record):
            return True
        is_message = event.get("event_type", "MessageCreate") == "MessageCreate"
        # Ids are made on many machines: a lower one may appear a moment after a higher one.
        late = _number(record) > id_at((time_of(str(mark.newest)) or _DAWN) - _CLOCKS_APART)
        known = _number(record) in self._handed_on
        return is_message and sender_of(event) != own and late and not known

    def _batch(self, api: XApi, mark: _Mark, *, notice: str, now: datetime) -> Batch:
        old_before = now - self._settings.stale_after
        backfill = bool(self._backlog) and self._backlog[0].received_at < old_before
        run: list[RawMessage] = []
        while self._backlog and len(run) < _BATCH and (self._backlog[0].received_at < old_before) == backfill:
            run.append(self._backlog.pop(0))
        numbers = [int(each.source_key) for each in run if each.source_key.isdigit()]
        newest = max((mark.newest, *numbers))
        self._handed_on = {number for number in self._handed_on if number > newest - _REMEMBERED} | {*numbers}
        return Batch(
            channel=self._channel,
            messages=run,
            cursor=Cursor(api.own_id, str(_Mark(newest, self._spent))),
            more=bool(self._backlog),
            backfill=backfill,
            notice=notice or self._notice,
            waiting=len(self._backlog),
            form="x",
        )


def _records(answer: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], str | None]:
    """Return the events of a page, each with its sender, and the token of the next page."""
    data, includes, meta = (answer.get(key) for key in ("data", "includes", "meta"))
    if data is None and answer.get("errors"):
        raise TransientError("X answered with errors instead of messages")
    users = includes.get("users") if isinstance(includes, dict) else None
    by_id = {user.get("id"): user for user in users if isinstance(user, dict)} if isinstance(users, list) else {}
    records: list[Mapping[str, Any]] = [
        {"event": event, "sender": by_id.get(sender_of(event)) if isinstance(event, dict) else None}
        for event in (data if isinstance(data, list) else [])
    ]
    token = meta.get("next_token") if isinstance(meta, dict) else None
    return records, token if isinstance(token, str) and token else None


def _id(record: Mapping[str, Any]) -> str:
    event = record.get("event")
    event_id = event.get("id") if isinstance(event, dict) else None
    if not isinstance(event_id, str) or not event_id.isascii() or len(event_id) > _LONGEST_ID:
        return ""
    return event_id if event_id.isdigit() else ""


def _number(record: Mapping[str, Any]) -> int:
    """Return the event's id; 0 if it has no valid one."""
    return int(_id(record) or 0)


def _raw(record: Mapping[str, Any], *, now: datetime) -> RawMessage:
    content, event_id = write_document(record, form="x", source="poll"), _id(record)
    key = event_id or f"?{sha256(content).hexdigest()[:32]}"
    return RawMessage(source_key=key, content=content, received_at=min(time_of(event_id) or now, now))
