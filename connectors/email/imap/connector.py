"""Poll a mailbox over IMAP: explicit UIDs, read-only, sizes before bodies, IDLE only as a hint.

The cursor is UIDVALIDITY and an `ImapCursor`; no state is kept in flags on the server. `imap.session` opens and
holds the connection, `imap.backlog` takes mail from it, `imap.post_actions` marks and moves stored mail.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import Final

import structlog
from imapclient import IMAPClient
from imapclient.exceptions import ProtocolError

from connectors.base import Batch, Cursor, Health, utc_now
from connectors.email.folder_roles import FolderRole, role_by_folder
from connectors.email.imap.backlog import Backlog, BacklogBatch, Suspects, TakenAhead
from connectors.email.imap.cursor import ImapCursor
from connectors.email.imap.post_actions import settle_messages, unsettled_of
from connectors.email.imap.session import Folder, ImapSession, probe, server_errors
from router.errors import OmniyardError, TransientError
from router.settings.channels.mail import ImapSettings

_log: Final = structlog.get_logger()

# RFC 2177 section 3 wants IDLE renewed before 29 minutes; routers drop quiet connections sooner.
_LONGEST_WAIT: Final = 600.0

# After this many connections that broke in IDLE, only the poll is used.
_IDLE_DEATHS: Final = 3

_PAUSE_AFTER_DEATH: Final = 5.0

# Behind a mail often comes another, and servers announce it late (Dovecot half a second after it has come). So the
# server is asked a few times before IDLE begins.
_SOON: Final = 0.1
_LOOKS: Final = 4

# An interrupted reader returns at once; one that does not is left to the watchdog.
_CLOSE_WITHIN: Final = 5.0

# How many mails with a failing post-action are remembered; beyond that the oldest stay as they are on the server.
_REMEMBERED: Final = 10_000


class ImapConnector:
    """See `Connector`. A batch leaves out only messages that were expunged before we could read them."""

    def __init__(self, channel: str, settings: ImapSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._channel, self._settings, self._clock = channel, settings, clock
        # Held while the connection is in use; another thread may call `close`.
        self._in_use = threading.RLock()
        self._woken = threading.Event()
        self._session: ImapSession | None = None
        self._backlog: Backlog | None = None
        self._suspects, self._ahead = Suspects(), TakenAhead()
        self._unsettled: list[int] = []
        self._idle_deaths = 0
        self._more_is_likely = False

    @property
    def channel(self) -> str:
        return self._channel

    def fetch(self, cursor: Cursor | None) -> Batch:
        """See `Connector`."""
        self._woken.clear()
        with self._connected("read mail") as session:
            backlog, notice = self._backlog, ""
            if not backlog or not backlog.waiting or backlog.is_slow or cursor != backlog.cursor:
                backlog, notice = self._look(session, cursor)
            taken = backlog.take()
            self._more_is_likely = bool(taken.messages)
            return self._batch(backlog, taken, notice=notice)

    def settle(self, batch: Batch) -> None:
        """See `Connector`. Mail that could not be marked or moved is tried again with the next batch."""
        if self._settings.after == "none" or not batch.cursor or not batch.messages:
            return
        self._unsettled += [int(message.source_key.partition(":")[2]) for message in batch.messages]
        with self._connected(f"mark or move mail ({self._settings.after})", keeps=True) as session:
            self._settle(session, batch.cursor.epoch)

    def wait(self, seconds: float) -> None:
        """See `Connector`."""
        deadline = time.monotonic() + min(seconds, _LONGEST_WAIT)
        with self._in_use:
            session = self._session
            if session and (session.has_news() or (self._more_is_likely and self._comes_soon(session, deadline))):
                return
            if session and session.can_idle and self._idle_deaths < _IDLE_DEATHS:
                if self._idle(session, deadline):
                    return
                # Pause before the next login to a server that closes the connection during each IDLE.
                deadline = min(deadline, time.monotonic() + _PAUSE_AFTER_DEATH * self._idle_deaths)
            self._woken.wait(max(0.0, deadline - time.monotonic()))

    def _comes_soon(self, session: ImapSession, deadline: float) -> bool:
        """Ask the server a few times; return whether there is new mail, or another reason to look."""
        self._more_is_likely = False
        try:
            with server_errors(self._settings, "ask for new mail"):
                for _ in range(_LOOKS):
                    if self._woken.wait(max(0.0, min(_SOON, deadline - time.monotonic()))):
                        return True
                    session.client.noop()
                    if session.has_news():
                        return True
        except OmniyardError:
            # The next fetch logs in again, and says what is wrong if it cannot.
            self._drop()
            return True
        return False

    def probe(self) -> Health:
        """See `ProbedConnector`."""
        return probe(self._settings)

    def close(self) -> None:
        """See `Connector`. A running fetch ends with a TransientError."""
        self._woken.set()
        if session := self._session:
            session.interrupt()
        if self._in_use.acquire(timeout=_CLOSE_WITHIN):
            self._drop()
            self._in_use.release()

    @contextmanager
    def _connected(self, doing: str, *, keeps: bool = False) -> Iterator[ImapSession]:
        """Use the connection. keeps: a plain NO leaves it as it is; any other error closes it."""
        with self._in_use:
            try:
                with server_errors(self._settings, doing):
                    self._session = self._session or ImapSession(self._settings)
                    yield self._session
            except BaseException as error:
                # A server that refuses a search or a folder may have lost its own connection to the mailbox: Exchange
                # then says "User is authenticated but not connected", and goes on saying so until we log in again.
                if not (keeps and _was_a_plain_no(error)):
                    self._drop()
                raise

    def _drop(self) -> None:
        session, self._session, self._backlog = self._session, None, None
        self._ahead.clear()
        if session:
            session.end()

    def _look(self, session: ImapSession, cursor: Cursor | None) -> tuple[Backlog, str]:
        fresh, self._backlog = self._backlog is None, None
        folder = session.open_folder(readonly=True)
        mark, notice = self._start(cursor, folder)
        if fresh and mark.page and not notice:
            self._settle_last_batch(session, mark, folder.epoch)
            folder = session.open_folder(readonly=True)
        self._backlog = Backlog(
            session.client,
            folder,
            mark=mark,
            settings=self._settings,
            suspects=self._suspects,
            clock=self._clock,
            ahead=self._ahead,
        )
        return self._backlog, notice

    def _start(self, cursor: Cursor | None, folder: Folder) -> tuple[ImapCursor, str]:
        newest = folder.next_uid - 1
        if cursor is None:
            start = self._settings.start
            if isinstance(start, date):
                return ImapCursor(read=0, old=newest, since=start), f"taking mail since {start.isoformat()}"
            return ImapCursor(read=newest), "taking mail from now on"
        if cursor.epoch == folder.epoch:
            return ImapCursor.parse(cursor.position), ""
        # These UIDs now belong to other messages.
        self._suspects = Suspects()
        self._ahead.clear()
        since = (self._clock() - self._settings.rescan).date()
        notice = (
            f"the server has renumbered the mailbox (UIDVALIDITY {cursor.epoch} is now {folder.epoch}); "
            f"its mail since {since.isoformat()} is read again, without automatic replies"
        )
        return ImapCursor(read=0, old=newest, since=since), notice

    def _batch(self, backlog: Backlog, taken: BacklogBatch, *, notice: str) -> Batch:
        if taken.gone and not notice:
            notice = f"{taken.gone} messages were deleted on the server before they could be read"
        messages = taken.messages
        if FolderRole.SENT in role_by_folder(self._settings.folder):
            messages = tuple(replace(message, from_sent=True) for message in messages)
        return Batch(
            channel=self._channel,
            messages=messages,
            cursor=backlog.cursor,
            more=backlog.more,
            backfill=taken.old,
            notice=notice,
            waiting=backlog.waiting,
            held=backlog.held,
        )

    def _settle_last_batch(self, session: ImapSession, mark: ImapCursor, epoch: str) -> None:
        # The process may have died between the commit and the post-action; a second run of the action changes nothing.
        self._unsettled = sorted({*self._unsettled, *unsettled_of(session.client, mark, self._settings)})
        try:
            with server_errors(self._settings, f"mark or move mail ({self._settings.after})"):
                self._settle(session, epoch)
        except OmniyardError as error:
            if not _was_a_plain_no(error):
                raise
            _log.warning("channel.unsettled", channel=self._channel, error=str(error), messages=len(self._unsettled))

    def _settle(self, session: ImapSession, epoch: str) -> None:
        try:
            folder = session.open_folder(readonly=False)
        except IMAPClient.Error:
            self._drop()
            raise
        if folder.epoch != epoch:
            # These UIDs now belong to other messages.
            self._unsettled.clear()
            raise TransientError("the mailbox was renumbered before its mail could be marked or moved")
        del self._unsettled[:-_REMEMBERED]
        settle_messages(session.client, self._unsettled, self._settings)
        self._unsettled.clear()

    def _idle(self, session: ImapSession, deadline: float) -> bool:
        try:
            with server_errors(self._settings, "wait for mail"):
                session.idle(deadline, self._woken)
        except OmniyardError as error:
            self._idle_deaths += 1
            self._drop()
            _log.info("channel.idle_died", channel=self._channel, error=str(error), deaths=self._idle_deaths)
            return False
        self._idle_deaths = 0
        return True


def _was_a_plain_no(error: BaseException) -> bool:
    """Return whether the server answered a plain NO: then the connection still works."""
    cause = error.__cause__
    return isinstance(cause, IMAPClient.Error) and not isinstance(cause, IMAPClient.AbortError | ProtocolError)
