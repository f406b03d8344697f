"""Ask the operator's system for its messages: a list with a cursor, for systems that do not call us."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from connectors.base import Batch, Cursor, Health, RawMessage, utc_now
from connectors.custom.contract import MOST_ITEMS, Item, read_item
from connectors.custom.fields import BadItem
from connectors.custom.messages import FORM
from connectors.custom.webhook import batch_of
from connectors.safe_http import HttpAnswer, fetch
from router.errors import ConfigError, PermanentError, RateLimited, TransientError
from router.settings.channels.custom import CustomSettings, PullSettings

# A batch of items, with the bytes of files in base64.
_MOST_BYTES: Final = 67_108_864
_LONGEST_CURSOR: Final = 1024
_GONE: Final = 410
_STARTED_AGAIN: Final = "their list has another beginning: it is read again from there; known messages come once"


class CustomConnector:
    """See `Connector`. Without `pull` it is never asked."""

    def __init__(self, channel: str, settings: CustomSettings) -> None:
        self.channel, self._settings = channel, settings
        self._woken = threading.Event()

    def fetch(self, cursor: Cursor | None) -> Batch:
        """See `Connector`: the epoch is their address, the position is theirs."""
        url = self._pull.url
        is_theirs = cursor is not None and cursor.epoch == url
        after = cursor.position if cursor and is_theirs else ""
        notice = _STARTED_AGAIN if cursor and not is_theirs else ""
        answer = self._ask(after)
        if answer.status == _GONE and after:
            after, notice = "", _STARTED_AGAIN
            answer = self._ask(after)
        document = _document(_checked(answer))
        items = document.get("items")
        if not isinstance(items, list) or len(items) > MOST_ITEMS:
            raise PermanentError(f"their list has no items, or more than {MOST_ITEMS}")
        position = Cursor(url, _position(document, after=after))
        return self._batch(items, cursor=position, more=document.get("more") is True, notice=notice)

    def settle(self, batch: Batch) -> None:
        """See `Connector`: their list is not changed."""

    def wait(self, seconds: float) -> None:
        """See `Connector`."""
        self._woken.wait(seconds)
        self._woken.clear()

    def probe(self) -> Health:
        """See `ProbedConnector`."""
        _checked(self._ask("", limit=1))
        return Health(ok=True, findings=(f"{self._settings.source_words} answers",))

    def close(self) -> None:
        """See `Connector`."""
        self._woken.set()

    @property
    def _pull(self) -> PullSettings:
        if self._settings.pull is None:
            raise ConfigError(f"the channel {self.channel} has no pull table")
        return self._settings.pull

    def _ask(self, after: str, *, limit: int = MOST_ITEMS) -> HttpAnswer:
        pull = self._pull
        query = urlencode({"after": after, "limit": limit})
        headers = {name: secret.reveal() for name, secret in pull.headers.items()} | {"User-Agent": "Omniyard"}
        url = f"{pull.url}{'&' if '?' in pull.url else '?'}{query}"
        return fetch(url, largest=_MOST_BYTES, headers=headers, allow_private=pull.allow_private)

    def _batch(self, items: list[object], *, cursor: Cursor, more: bool, notice: str) -> Batch:
        now = utc_now()
        good: list[Item] = []
        bad: list[RawMessage] = []
        for each in items:
            try:
                good.append(read_item(each, largest=self._settings.largest))
            except BadItem as error:
                bad.append(_stub(each, error))
        batch = batch_of(self.channel, self._settings, good, now=now, backfill=False, source="pull")
        return Batch(
            channel=self.channel,
            messages=[*batch.messages, *bad],
            cursor=cursor,
            more=more,
            notice=notice,
            form=FORM,
            reports=batch.reports,
        )


def _stub(item: object, error: BadItem) -> RawMessage:
    """Return a message for the quarantine, so that people see what could not be read."""
    content = json.dumps(item, ensure_ascii=True, sort_keys=True).encode()
    key = f"bad:{hashlib.sha256(content).hexdigest()[:32]}"
    defect = f"An item of their list cannot be read: {error.pointer or 'the item'}: {error.why}."
    return RawMessage(source_key=key, content=content, received_at=utc_now(), defect=defect)


def _checked(answer: HttpAnswer) -> HttpAnswer:
    if answer.status == 429:
        wait = answer.retry_after.total_seconds() if answer.retry_after else 60.0
        raise RateLimited("their system is asked too often (429)", seconds=wait)
    if answer.status in {401, 403}:
        raise PermanentError(f"their system refuses us ({answer.status}): check the headers in `pull`")
    if 400 <= answer.status < 500:
        raise PermanentError(f"their system refuses the request ({answer.status}): check `pull.url`")
    if answer.status != 200:
        raise TransientError(f"their system answered {answer.status}")
    return answer


def _document(answer: HttpAnswer) -> Mapping[str, object]:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise PermanentError("their list is no JSON") from error
    if not isinstance(document, dict):
        raise PermanentError("their list is no JSON object")
    return document


def _position(document: Mapping[str, object], *, after: str) -> str:
    following = document.get("next")
    if following is None:
        return after
    if not isinstance(following, str | int) or isinstance(following, bool) or len(str(following)) > _LONGEST_CURSOR:
        raise PermanentError(f"`next` in their list is no text of at most {_LONGEST_CURSOR} characters")
    return str(following)
