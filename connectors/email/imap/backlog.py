"""List the mail above the cursor once, then fetch it batch by batch.

In the order of the UIDs, except that small mail overtakes much large mail, which takes long to fetch and to read. The
cursor moves with the large mail alone; small mail that is taken again after a failure is recognised by its key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from imapclient import IMAPClient

from connectors.base import Cursor, RawMessage
from connectors.email.imap.cursor import ImapCursor
from connectors.email.imap.fetch import Fetched, ListedMail, fetch_messages, find_above, list_messages, raw
from connectors.email.imap.session import Folder
from router.settings.channels.mail import ImapSettings

# A connection that breaks this often on one message, each time after a fresh login, breaks because of the message.
_MOST_BREAKS: Final = 4


class Suspects:
    """Counts broken connections per UID. After the first one, the messages of the batch are fetched one at a time."""

    def __init__(self) -> None:
        self._breaks: dict[int, int] = {}

    @contextmanager
    def watching(self, uids: Sequence[int]) -> Iterator[None]:
        """Note these UIDs if the connection breaks inside; a break counts against a UID only if it was alone."""
        try:
            yield
        except (IMAPClient.AbortError, OSError):
            for uid in uids:
                self._breaks[uid] = self._breaks.get(uid, 0) + (len(uids) == 1)
            raise

    def alone(self, uid: int) -> bool:
        """Return whether the message must be fetched alone."""
        return uid in self._breaks

    def breaks_connection(self, uid: int) -> bool:
        """Return whether the message has broken the connection too often to be fetched again."""
        return self._breaks.get(uid, 0) >= _MOST_BREAKS

    def forget(self, through: int) -> None:
        """Forget the UIDs up to this one: they are finished."""
        self._breaks = {uid: breaks for uid, breaks in self._breaks.items() if uid > through}


class TakenAhead:
    """UIDs above the mark whose mail has overtaken other mail; to be cleared when a batch may not have been stored."""

    def __init__(self) -> None:
        self._uids: set[int] = set()

    def add(self, uids: Sequence[int]) -> None:
        """Note UIDs whose mail is in a batch."""
        self._uids.update(uids)

    def left_of(self, uids: Sequence[int]) -> list[int]:
        """Return those of the UIDs that are still to be taken."""
        return [uid for uid in uids if uid not in self._uids]

    def forget(self, through: int) -> None:
        """Forget the UIDs up to this one: the mark has passed them."""
        self._uids = {uid for uid in self._uids if uid > through}

    def clear(self) -> None:
        """Forget all."""
        self._uids.clear()


# The slowest mail takes a fifth of a second a megabyte to read. If large mails have so much together, small mail goes
# first, and only a part of the large ones follows before another look for new mail.
_LARGE_BYTES: Final = 65_536
_SLOW_BYTES: Final = 2_097_152
_SLOW_BYTES_A_BATCH: Final = 4_194_304

# The most bytes that one batch holds in memory, whatever `page` says; a single larger message is still fetched, alone.
_BYTES_A_BATCH: Final = 33_554_432

# How many sizes one command asks for: enough to be cheap, few enough that the answer is still true when it is used.
_LISTED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogBatch:
    """The messages of one batch. gone: how many were expunged before they could be read."""

    messages: tuple[RawMessage, ...] = ()
    gone: int = 0
    old: bool = False


class Backlog:
    """The messages above a mark in one folder, on one connection; the mark moves as messages are taken."""

    def __init__(
        self, client: IMAPClient, folder: Folder, *, mark: ImapCursor, settings: ImapSettings, suspects: Suspects,
        clock: Callable[[], datetime], ahead: TakenAhead,
    ) -> None:  # fmt: skip
        self._client, self._settings, self._suspects, self._clock = client, settings, suspects, clock
        self._epoch, self._mark, self.held, self._ahead = folder.epoch, mark, folder.exists, ahead
        self._listed: deque[ListedMail] = deque()
        flags = settings.flags_asked_for
        found = find_above(client, mark, exists=folder.exists, flags=flags)
        if not found.uids and mark.in_old_mail:
            self._mark = ImapCursor(read=mark.old, page=mark.page)
            found = find_above(client, self._mark, exists=folder.exists, flags=flags)
        # New mail may follow the last old mail; the search for old mail did not ask for it.
        self._uids, self._further = deque(ahead.left_of(found.uids)), bool(found.through) or self._mark.in_old_mail
        if found.uids and not self._uids:
            self._advance(found.uids[0], found.uids[-1])

    @property
    def cursor(self) -> Cursor:
        """Where to continue once everything taken so far is stored."""
        return Cursor(self._epoch, str(self._mark))

    @property
    def waiting(self) -> int:
        """How many messages are known to be waiting."""
        return len(self._uids) + len(self._listed)

    @property
    def is_slow(self) -> bool:
        """Return whether so much large mail waits that new mail should be looked for between two batches of it."""
        return sum(message.size or 0 for message in self._large()) >= _SLOW_BYTES

    @property
    def more(self) -> bool:
        """Return whether there is anything to take, now or after another search."""
        return bool(self.waiting) or self._further

    def take(self) -> BacklogBatch:
        """Fetch the next batch; empty when no message waits."""
        if not self._listed and self._uids:
            gone = self._list()
            if not self._listed:
                return BacklogBatch(gone=gone)
        else:
            gone = 0
        if overtaking := self._overtaking():
            return self._take_ahead(overtaking, gone=gone)
        chosen = self._choose()
        if not chosen:
            return BacklogBatch()
        fetched = self._fetch(chosen)
        for _ in chosen:
            self._listed.popleft()
        self._advance(chosen[0].uid, chosen[-1].uid)
        return BacklogBatch(
            messages=tuple(fetched.messages), gone=gone + len(fetched.gone), old=self._is_old(chosen[0])
        )

    def _large(self) -> list[ListedMail]:
        return [message for message in self._listed if (message.size or 0) > _LARGE_BYTES]

    def _overtaking(self) -> list[ListedMail]:
        """Return the small messages behind a large one, while much large mail waits; old mail stays in order."""
        if not self.is_slow:
            return []
        first = self._large()[0].uid
        behind = (message for message in self._listed if message.uid > first and message.size is not None)
        small = [
            message
            for message in behind
            if (message.size or 0) <= _LARGE_BYTES
            and not self._suspects.alone(message.uid)
            and not self._is_old(message)
        ]
        return small[: self._settings.page]

    def _take_ahead(self, chosen: list[ListedMail], *, gone: int) -> BacklogBatch:
        fetched = self._fetch(chosen)
        taken = {message.uid for message in chosen}
        self._ahead.add([*taken])
        self._listed = deque(message for message in self._listed if message.uid not in taken)
        return BacklogBatch(messages=tuple(fetched.messages), gone=gone + len(fetched.gone))

    def _advance(self, first: int, last: int) -> None:
        lowest = first if self._settings.after != "none" else 0
        self._mark = replace(self._mark, read=last, page=lowest)
        self._suspects.forget(last)
        self._ahead.forget(last)

    def _list(self) -> int:
        """Ask for the sizes of the next messages; return how many of them were expunged."""
        count = 1 if self._suspects.alone(self._uids[0]) else min(_LISTED_AT_ONCE, len(self._uids))
        uids = [self._uids[index] for index in range(count)]
        if self._suspects.breaks_connection(uids[0]):
            listed = [ListedMail(uid=uids[0], size=None, received_at=self._clock())]
        else:
            with self._suspects.watching(uids):
                listed = list_messages(self._client, uids, now=self._clock())
        for _ in uids:
            self._uids.popleft()
        self._listed.extend(listed)
        if not listed:
            self._advance(uids[0], uids[-1])
        return count - len(listed)

    def _choose(self) -> list[ListedMail]:
        """Return the next messages that fit into a batch; all of them are old mail, or none is."""
        chosen: list[ListedMail] = []
        room = _SLOW_BYTES_A_BATCH if self.is_slow else _BYTES_A_BATCH
        for message in self._listed:
            room -= min(message.size or 0, self._settings.largest)
            apart = chosen and (
                room < 0
                or len(chosen) == self._settings.page
                or self._suspects.alone(message.uid)
                or self._suspects.alone(chosen[0].uid)
                or self._is_old(message) != self._is_old(chosen[0])
            )
            if apart:
                break
            chosen.append(message)
        return chosen

    def _is_old(self, message: ListedMail) -> bool:
        return message.uid <= self._mark.old or message.received_at < self._clock() - self._settings.stale_after

    def _fetch(self, chosen: list[ListedMail]) -> Fetched:
        if self._suspects.breaks_connection(chosen[0].uid):
            why = f"the connection broke each time the message with UID {chosen[0].uid} was fetched"
            return Fetched([raw(chosen[0], epoch=self._epoch, content=b"", defect=why)])
        with self._suspects.watching([message.uid for message in chosen]):
            return fetch_messages(self._client, chosen, epoch=self._epoch, largest=self._settings.largest)
