"""A polled Telegram bot. Asking for later updates confirms the earlier ones, which Telegram then deletes.

So a request never names an offset that the database does not have; between polls an open request waits for a hint.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Self

import structlog

from connectors.base import Batch, Cursor, Health, RawMessage, utc_now
from connectors.email.mime.attachments import safe_name
from connectors.json_messages import MediaFile, name_for, write_document
from connectors.social.telegram.client import LARGEST_FILE, TelegramApi, probe
from connectors.social.telegram.messages import UPDATES, FileReference, files_of, is_private, written_at
from router.errors import OmniyardError, TransientError
from router.settings.channels.telegram import TelegramSettings

_log: Final = structlog.get_logger()

_BATCH: Final = 100
# Stopping us waits for an open request at most this long.
_OPEN_SECONDS: Final = 5.0
_PAUSE_AFTER_FAILURE: Final = 5.0
# After a week without updates Telegram numbers them again, perhaps lower: an old offset would then lose them.
_OFFSET_LASTS: Final = timedelta(days=6)
_MOST_TRIES: Final = 5
_GROUPS: Final = "{count} messages from groups and channels were skipped: this bot only talks to persons"


@dataclass(frozen=True, slots=True)
class _Mark:
    """offset: the next update to ask for.  moved_at: when the last update came."""

    offset: int
    moved_at: datetime

    @classmethod
    def parse(cls, position: str) -> Self:
        offset, _, moved_at = position.partition(" ")
        return cls(int(offset), datetime.fromisoformat(moved_at).astimezone(UTC))

    def __str__(self) -> str:
        return f"{self.offset} {self.moved_at.isoformat()}"


class TelegramConnector:
    """See `Connector`."""

    def __init__(self, channel: str, settings: TelegramSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._channel, self._settings, self._clock = channel, settings, clock
        self._woken = threading.Event()
        self._api: TelegramApi | None = None
        self._next: dict[str, object] = {}
        self._tries: dict[int, int] = {}

    @property
    def channel(self) -> str:
        return self._channel

    def fetch(self, cursor: Cursor | None) -> Batch:
        """See `Connector`."""
        self._woken.clear()
        api = self._api = self._api or TelegramApi(self._settings)
        now = self._clock()
        mark = _Mark.parse(cursor.position) if cursor and cursor.epoch == api.bot_id else None
        asked = self._question(mark, now=now)
        updates = _updates(api.call("getUpdates", asked | {"limit": _BATCH, "timeout": 0}))
        batch = self._batch(api, updates, mark=mark, now=now)
        self._next = self._question(_Mark.parse(batch.cursor.position) if batch.cursor else mark, now=now)
        return batch

    def settle(self, batch: Batch) -> None:
        """See `Connector`. The next request confirms what is stored."""

    def wait(self, seconds: float) -> None:
        """See `Connector`. The open request names the same offset, so it confirms nothing new."""
        deadline = time.monotonic() + seconds
        while not self._woken.is_set() and (left := deadline - time.monotonic()) > 0:
            patience = int(min(left, _OPEN_SECONDS))
            if not self._api or patience < 1:
                self._woken.wait(left)
                return
            try:
                if self._api.call("getUpdates", self._next | {"limit": 1, "timeout": patience}, patience=patience):
                    return
            except OmniyardError:
                # The next fetch reports the error.
                self._woken.wait(min(left, _PAUSE_AFTER_FAILURE))
                return

    def probe(self) -> Health:
        """See `ProbedConnector`."""
        return probe(self._settings)

    def close(self) -> None:
        """See `Connector`. An open request ends within seconds."""
        self._woken.set()
        if api := self._api:
            api.close()

    def _question(self, mark: _Mark | None, *, now: datetime) -> dict[str, object]:
        usual: dict[str, object] = {"allowed_updates": list(UPDATES)}
        if mark is None or now - mark.moved_at > _OFFSET_LASTS:
            return usual
        return usual | {"offset": mark.offset}

    def _batch(self, api: TelegramApi, updates: Sequence[Any], *, mark: _Mark | None, now: datetime) -> Batch:
        old_before = now - self._settings.stale_after
        backfill = bool(updates) and _at(updates[0], now=now) < old_before
        messages: list[RawMessage] = []
        offset, taken, groups = mark.offset if mark else 0, 0, 0
        for update in updates:
            if (_at(update, now=now) < old_before) != backfill:
                break
            message = self._message(api, update, now=now) if is_private(_mapping(update)) else None
            if message is None and is_private(_mapping(update)):
                break
            groups += message is None
            messages += [message] if message else []
            offset, taken = _number(update, default=offset - 1) + 1, taken + 1
        moved = _Mark(offset, now) if taken else mark or _Mark(0, now)
        return Batch(
            channel=self._channel,
            messages=messages,
            cursor=Cursor(api.bot_id, str(moved)),
            more=taken == len(updates) == _BATCH or 0 < taken < len(updates),
            backfill=backfill,
            notice=_GROUPS.format(count=groups) if groups else "",
            waiting=len(updates) - taken,
            form="telegram",
        )

    def _message(self, api: TelegramApi, update: Any, *, now: datetime) -> RawMessage | None:  # noqa: ANN401
        """Return the message with its files; None while they may become available."""
        record = _mapping(update)
        number = _number(update, default=-1)
        try:
            files = [_fetched(api, each, number=place) for place, each in enumerate(files_of(record), start=1)]
            self._tries.pop(number, None)
        except TransientError as error:
            tries = self._tries[number] = self._tries.get(number, 0) + 1
            _log.warning("channel.file_late", channel=self._channel, tries=tries, error=str(error))
            if tries < _MOST_TRIES:
                return None
            files = [
                MediaFile(name="", content=None, problem="A file of the message could not be fetched from Telegram.")
            ]
        content = write_document(record, form="telegram", source="poll", files=files)
        key = f"{api.bot_id}:{number}" if number >= 0 else f"?{sha256(content).hexdigest()[:32]}"
        return RawMessage(source_key=key, content=content, received_at=_at(update, now=now))


def _fetched(api: TelegramApi, wanted: FileReference, *, number: int) -> MediaFile:
    content = api.file(wanted.file_id) if wanted.size <= LARGEST_FILE else None
    if content is None:
        most = f"Telegram gives bots files up to {LARGEST_FILE} bytes"
        problem = f"File {number} of the message could not be fetched: {most}."
        return MediaFile(name="", content=None, problem=problem)
    return MediaFile(name=safe_name(wanted.name) or name_for(content, number=number), content=content)


def _updates(result: Any) -> list[Any]:  # noqa: ANN401  (JSON)
    if not isinstance(result, list):
        raise TransientError("Telegram's answer is no list of updates: is a proxy in between?")
    return sorted(result, key=lambda update: _number(update, default=-1))


def _mapping(update: Any) -> Mapping[str, object]:  # noqa: ANN401  (JSON)
    return update if isinstance(update, dict) else {"unreadable": update}


def _number(update: Any, *, default: int) -> int:  # noqa: ANN401  (JSON)
    number = update.get("update_id") if isinstance(update, dict) else None
    return number if isinstance(number, int) else default


def _at(update: Any, *, now: datetime) -> datetime:  # noqa: ANN401  (JSON)
    at = written_at(_mapping(update)) or now
    return min(at, now)
