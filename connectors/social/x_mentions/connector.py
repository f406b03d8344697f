"""Polled mentions of an X account: newest first, with an overlap, because X lists some of them late.

Each costs money, once a day; the overlap of half an hour is therefore free. A mention that X's webhook reports ends the
pause of the poll.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from connectors.base import Batch, Cursor, Health, RawMessage, utc_now
from connectors.social.x.budget import Spent, may_look_once, may_read
from connectors.social.x.client import XApi
from connectors.social.x.messages import id_at, time_of
from connectors.social.x_mentions.posts import FORM, id_of, is_repost, names_us, raw_of
from connectors.social.x_mentions.probe import probe
from router.errors import RateLimited
from router.settings.channels.x import XMentionsSettings

_FIRST_PAGE: Final = 20
_NEXT_PAGES: Final = 100
# X lists no more than the newest 800.
_MOST_PAGES: Final = 10
_OVERLAP: Final = timedelta(minutes=30)
_ENDLESS: Final = "X lists only the newest 800 mentions: older ones of this absence are not read"
_SPENT: Final = "the day's budget of {budget:.2f} dollars for mentions is spent; nothing is read until midnight UTC"


class XMentionsConnector:
    """See `Connector`."""

    def __init__(self, channel: str, settings: XMentionsSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.channel, self._settings, self._clock = channel, settings, clock
        self._woken = threading.Event()
        self._api: XApi | None = None
        self._charged: dict[str, date] = {}
        self._handed_on: set[str] = set()
        self._spent = Spent(date.min)

    def fetch(self, cursor: Cursor | None) -> Batch:
        """See `Connector`. The position is the newest id, and what was spent today."""
        now = self._clock()
        api = self._api = self._api or XApi(self._settings)
        newest, notice = self._mark(cursor, api, now=now)
        self._check_money(now)
        until = id_at((time_of(str(newest)) or now) - _OVERLAP)
        posts, ended = self._list(api, until=until, now=now)
        posts.sort(key=lambda found: int(id_of(found[0]) or 0))
        found = [raw for each in posts if (raw := self._taken(each, own=api.own_id, until=until, now=now))]
        newest = max([newest, *(int(id_of(post)) for post, _ in posts if id_of(post))])
        old = [raw for raw in found if raw.received_at < now - self._settings.stale_after]
        # Of archive and new posts the archive first; the rest is listed again, which costs nothing on the same day.
        more = 0 < len(old) < len(found)
        self._handed_on = {raw.source_key for raw in old} if more else set()
        return Batch(
            channel=self.channel,
            messages=old or found,
            cursor=cursor if more else Cursor(api.own_id, f"{newest} {self._spent}"),
            more=more,
            backfill=bool(old),
            notice=notice or ("" if ended else _ENDLESS),
            form=FORM,
        )

    def settle(self, batch: Batch) -> None:
        """See `Connector`. X has no mark for this."""

    def wait(self, seconds: float) -> None:
        """See `Connector`."""
        self._woken.wait(seconds)
        self._woken.clear()

    def wake(self, token: str) -> None:
        """See `WakeableConnector`."""
        del token
        self._woken.set()

    def probe(self) -> Health:
        """See `ProbedConnector`."""
        return probe(self._settings)

    def close(self) -> None:
        """See `Connector`."""
        self._handed_on.clear()
        self._woken.set()
        if api := self._api:
            api.close()
            self._api = None

    def _mark(self, cursor: Cursor | None, api: XApi, *, now: datetime) -> tuple[int, str]:
        self._spent = self._spent.on(now)
        if cursor and cursor.epoch == api.own_id:
            newest, _, spent = cursor.position.partition(" ")
            self._spent = max(self._spent, Spent.parse(spent).on(now), key=lambda each: each.dollars)
            return int(newest), ""
        said = "the channel has another account now; its" if cursor else "taking"
        return id_at(now), f"{said} mentions from now on"

    def _check_money(self, now: datetime) -> None:
        if may_read(self._settings, self._spent) and may_look_once(self._settings, self._spent):
            return
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
        why = _SPENT.format(budget=self._settings.daily_budget)
        raise RateLimited(why, seconds=(midnight - now).total_seconds())

    def _list(
        self, api: XApi, *, until: int, now: datetime
    ) -> tuple[list[tuple[Mapping[str, Any], Mapping[str, Any] | None]], bool]:
        """Return the posts above an id with their authors, and whether that is all of them."""
        posts: list[tuple[Mapping[str, Any], Mapping[str, Any] | None]] = []
        token: str | None = None
        for place in range(_MOST_PAGES):
            answer = api.mentions(most=_FIRST_PAGE if not place else _NEXT_PAGES, after_token=token)
            page, token = _posts(answer)
            self._pay([id_of(post) for post, _ in page], now=now)
            posts += page
            reached = any(int(id_of(post) or 0) <= until for post, _ in page)
            if reached or not page or token is None:
                return posts, True
            if not may_read(self._settings, self._spent):
                return posts, False
        return posts, False

    def _pay(self, ids: list[str], *, now: datetime) -> None:
        # X charges for a post once per UTC day.
        today = now.date()
        charged = {each for each in ids if each and self._charged.get(each) != today}
        self._spent = self._spent.plus(len(charged) * self._settings.read_price)
        kept = {each: day for each, day in self._charged.items() if day == today}
        self._charged = kept | dict.fromkeys(charged, today)

    def _taken(
        self, found: tuple[Mapping[str, Any], Mapping[str, Any] | None], *, own: str, until: int, now: datetime
    ) -> RawMessage | None:
        """Return a post as it is stored; None for our own, reposts, and what does not name us itself."""
        post, author = found
        number = id_of(post)
        if number and int(number) <= until:
            return None
        if post.get("author_id") == own or is_repost(post):
            return None
        if self._settings.direct_only and not names_us(post, own=own):
            return None
        raw = raw_of(post, author, now=now)
        return None if raw.source_key in self._handed_on else raw


def _posts(
    answer: Mapping[str, Any],
) -> tuple[list[tuple[Mapping[str, Any], Mapping[str, Any] | None]], str | None]:
    data, includes, meta = (answer.get(key) for key in ("data", "includes", "meta"))
    users = includes.get("users") if isinstance(includes, dict) else None
    by_id = {user.get("id"): user for user in users if isinstance(user, dict)} if isinstance(users, list) else {}
    listed = [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []
    token = meta.get("next_token") if isinstance(meta, dict) else None
    return [(each, by_id.get(each.get("author_id"))) for each in listed], token if isinstance(token, str) else None
