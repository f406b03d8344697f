"""The mail above the cursor, found once and then taken page by page."""

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
from router.settings.channels import ImapSettings

# A line that breaks so often on one and the same message, each time after a fresh login, breaks because of it.
_DEATHS: Final = 4


class Suspects:
    """Counts broken connections a UID. After one, its page goes again one message at a time."""

    def __init__(self) -> None:
        self._deaths: dict[int, int] = {}

    @contextmanager
    def watching(self, uids: Sequence[int]) -> Iterator[None]:
        """Note these UIDs if the connection breaks inside; only a single one is blamed for it."""
        try:
            yield
        except (IMAPClient.AbortError, OSError):
            for uid in uids:
                self._deaths[uid] = self._deaths.get(uid, 0) + (len(uids) == 1)
            raise

    def alone(self, uid: int) -> bool:
        """Tell whether the message is to be asked for alone."""
        return uid in self._deaths

    def guilty(self, uid: int) -> bool:
        """Tell whether asking for the message again is hopeless."""
        return self._deaths.get(uid, 0) >= _DEATHS

    def acquit(self, through: int) -> None:
        """Forget the UIDs up to this one: they are done with."""
        self._deaths = {uid: deaths for uid, deaths in self._deaths.items() if uid > through}


# What one page may hold in memory, whatever `page` says; a single larger message still comes, alone.
_BYTES_A_PAGE: Final = 33_554_432

# Sizes asked for in one command: enough to be cheap, few enough to be fresh.
_LISTED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogPage:
    """A page's worth. gone: how many were expunged before they could be read."""

    messages: tuple[RawMessage, ...] = ()
    gone: int = 0
    old: bool = False


class Backlog:
    """What waits in one folder above a mark, on one connection; moves the mark as it is taken."""

    def __init__(
        self, client: IMAPClient, folder: Folder, *, mark: ImapCursor, settings: ImapSettings, suspects: Suspects,
        clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._client, self._settings, self._suspects, self._clock = client, settings, suspects, clock
        self._epoch, self._mark, self.held = folder.epoch, mark, folder.exists
        self._listed: deque[ListedMail] = deque()
        found = find_above(client, mark, exists=folder.exists)
        if not found.uids and mark.in_old_mail:
            self._mark = ImapCursor(read=mark.old, page=mark.page)
            found = find_above(client, self._mark, exists=folder.exists)
        # After the last of the old mail there may be new mail, which that search did not ask for.
        self._uids, self._further = deque(found.uids), bool(found.through) or self._mark.in_old_mail

    @property
    def cursor(self) -> Cursor:
        """Where to go on once everything taken so far is kept."""
        return Cursor(self._epoch, str(self._mark))

    @property
    def waiting(self) -> int:
        """How many messages are known to wait."""
        return len(self._uids) + len(self._listed)

    @property
    def more(self) -> bool:
        """Tell whether there is anything to take, now or after another look."""
        return bool(self.waiting) or self._further

    def take(self) -> BacklogPage:
        """Fetch the next page; empty when nothing waits."""
        if not self._listed and self._uids:
            gone = self._list()
            if not self._listed:
                return BacklogPage(gone=gone)
        else:
            gone = 0
        chosen = self._choose()
        if not chosen:
            return BacklogPage()
        fetched = self._fetch(chosen)
        for _ in chosen:
            self._listed.popleft()
        self._advance(chosen[0].uid, chosen[-1].uid)
        return BacklogPage(messages=tuple(fetched.messages), gone=gone + len(fetched.gone), old=self._is_old(chosen[0]))

    def _advance(self, first: int, last: int) -> None:
        page = first if self._settings.after != "none" else 0
        self._mark = replace(self._mark, read=last, page=page)
        self._suspects.acquit(last)

    def _list(self) -> int:
        """Ask for the sizes of the next messages; return how many of them are gone."""
        count = 1 if self._suspects.alone(self._uids[0]) else min(_LISTED_AT_ONCE, len(self._uids))
        uids = [self._uids[index] for index in range(count)]
        if self._suspects.guilty(uids[0]):
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
        """Return the next messages that fit into a page and are alike in being old or not."""
        chosen: list[ListedMail] = []
        room = _BYTES_A_PAGE
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
        if self._suspects.guilty(chosen[0].uid):
            why = f"the connection broke each time that the message with UID {chosen[0].uid} was asked for"
            return Fetched([raw(chosen[0], epoch=self._epoch, content=b"", defect=why)])
        with self._suspects.watching([message.uid for message in chosen]):
            return fetch_messages(self._client, chosen, epoch=self._epoch, largest=self._settings.largest)
