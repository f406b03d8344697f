"""Pull the messages of one WeCom account: a cursor for each account, woken by the callback's token."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from connectors.base import Batch, Cursor, Health, NamedReport, RawMessage, utc_now
from connectors.registry_row import FileRequest
from connectors.social.tencent.media_files import media_request
from connectors.social.wecom.client import WecomApi
from connectors.social.wecom.messages import FORM, MEDIA, raw_of, report_of
from router.errors import OmniyardError, TransientError
from router.settings.channels.tencent import WecomSettings

_PAGE: Final = 200
# An empty page may have a next one; a provider that repeats that for ever must not keep us busy.
_MOST_EMPTY: Final = 20


class WecomConnector:
    """See `Connector`."""

    def __init__(self, channel: str, settings: WecomSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.channel, self._settings, self._clock = channel, settings, clock
        self._api = WecomApi(settings)
        self._woken = threading.Event()
        self._token = ""
        # The newer part of a page whose older part is archive, and the position before both.
        self._held: tuple[Cursor, Batch] | None = None

    def fetch(self, cursor: Cursor | None) -> Batch:
        """See `Connector`. Without a cursor WeCom begins with the oldest message of three days."""
        held, self._held = self._held, None
        if held and cursor == held[0]:
            return held[1]
        return self._pull(cursor)

    def settle(self, batch: Batch) -> None:
        """See `Connector`: there is nothing to tell WeCom."""

    def wait(self, seconds: float) -> None:
        """See `Connector`."""
        self._woken.wait(seconds)
        self._woken.clear()

    def wake(self, token: str) -> None:
        """Use the token of a callback for the next calls: they are not limited as calls without one are."""
        self._token = token
        self._woken.set()

    def close(self) -> None:
        """See `Connector`."""
        self._held = None
        self._woken.set()

    def probe(self) -> Health:
        """See `ProbedConnector`."""
        try:
            listed = self._api.call("kf/account/list", {"offset": 0, "limit": 100}).get("account_list")
            found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
            ours = next((each for each in found if each.get("open_kfid") == self._settings.account), None)
            if ours is None:
                return Health(ok=False, findings=("the app does not see this account: check `account`",))
            if ours.get("manage_privilege") is False:
                why = "the app may not manage this account: allow it in the console, under manage by API"
                return Health(ok=False, findings=(why,))
            self._ask("", limit=1)
        except OmniyardError as error:
            return Health(ok=False, findings=(str(error),))
        return Health(ok=True, findings=(f"WeCom answers for {self._settings.source_words}",))

    def _pull(self, cursor: Cursor | None) -> Batch:
        epoch = f"{self._settings.corp}:{self._settings.account}"
        position = cursor.position if cursor and cursor.epoch == epoch else ""
        before = Cursor(epoch, position)
        items: list[Mapping[str, object]] = []
        more = True
        for _ in range(_MOST_EMPTY):
            document = self._ask(position)
            items, position, more = _items(document), _next(document, position), document.get("has_more") == 1
            if items or not more:
                break
        else:
            raise TransientError("WeCom says again and again that there is more, and gives nothing")
        if not more:
            self._token = ""
        return self._batch(items, before=before, cursor=Cursor(epoch, position), more=more)

    def _ask(self, position: str, *, limit: int = _PAGE) -> Mapping[str, object]:
        body: dict[str, object] = {"limit": limit, "open_kfid": self._settings.account, "voice_format": 0}
        body |= {"cursor": position} if position else {}
        return self._api.call("kf/sync_msg", body | ({"token": self._token} if self._token else {}))

    def _batch(self, items: Sequence[Mapping[str, object]], *, before: Cursor, cursor: Cursor, more: bool) -> Batch:
        now, oldest = self._clock(), self._clock() - self._settings.stale_after
        found = [raw for each in items if (raw := raw_of(each, account=self._settings.account, now=now))]
        reports = [report for each in items if (report := report_of(each))]
        old = [raw for raw in found if raw.received_at < oldest]
        new = [raw for raw in found if raw.received_at >= oldest]
        if old and new:
            self._held = (before, self._made(new, cursor=cursor, more=more, reports=reports))
            return self._made(old, cursor=before, more=True, backfill=True)
        return self._made(old or new, cursor=cursor, more=more, reports=reports, backfill=bool(old))

    def _made(
        self,
        messages: Sequence[RawMessage],
        *,
        cursor: Cursor,
        more: bool,
        reports: Sequence[NamedReport] = (),
        backfill: bool = False,
    ) -> Batch:
        return Batch(
            channel=self.channel,
            messages=messages,
            cursor=cursor,
            more=more,
            backfill=backfill,
            reports=reports,
            form=FORM,
        )


def file_request(settings: WecomSettings, url: str) -> FileRequest:
    """See `media_request`."""
    return media_request(WecomApi(settings), url, prefix=MEDIA, is_own_proxy=settings.api_base is not None)


def _items(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    listed = document.get("msg_list")
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _next(document: Mapping[str, object], position: str) -> str:
    following = document.get("next_cursor")
    return following if isinstance(following, str) and following else position
