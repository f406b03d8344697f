"""Mail and short messages that arrive at a fleet as long as the run lasts: openers, answers to them, redeliveries."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final

from benchmarks.chaos.chats import Chats
from benchmarks.mailbox import Mailbox, MailWriter, message_id, redelivered
from benchmarks.rig import USER, Served, submit

_FILE_BYTES: Final = 2_000
_REPLIES: Final = 0.15
_AGAIN: Final = 0.05
# An answer comes long after the first mail, as a customer's does; the first may be delayed by an event.
_LATER: Final = 400


class Load:
    """Feeds a fleet until it is stopped; then it knows what must be there.

    rate: mails a second, half by IMAP and half by SMTP; a message by SMS, X or Telegram comes with every second mail.
    """

    def __init__(self, desk: Served, chats: Chats, *, rate: float, seed: int) -> None:
        self._desk, self._chats, self._rate = desk, chats, rate
        self._chance = random.Random(seed)
        self._writer = MailWriter(self._chance, _FILE_BYTES)
        self._lock = threading.Lock()
        self._openers: list[tuple[int, bytes]] = []
        self._number = self._replies = self._redeliveries = 0
        self._delivered: list[bytes] = []
        self._failed: list[BaseException] = []
        self._stopped = threading.Event()
        self.acknowledged: list[str] = []
        self._threads = [
            threading.Thread(target=self._feed, args=(each,), daemon=True)
            for each in (self._by_imap, self._by_smtp, self._by_chat)
        ]

    def start(self) -> None:
        """Start to write."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Write nothing more, and wait until everything is delivered. Raises what ended a writer early."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()
        if self._failed:
            raise self._failed[0]

    @property
    def rows(self) -> int:
        """How many messages were delivered."""
        return len(self._delivered) + self._chats.messages

    def mailbox(self) -> Mailbox:
        """Return all that was delivered by mail."""
        openers = self._number - self._replies
        ids = frozenset(map(message_id, range(self._number)))
        return Mailbox(tuple(self._delivered), openers, self._number, self._replies, self._redeliveries, ids)

    def _feed(self, write: Callable[[], None]) -> None:
        pause = 2 / self._rate
        try:
            due = time.monotonic()
            while not self._stopped.is_set():
                write()
                # After an outage the mails that waited at the sender come at once, as from a queue.
                due += pause
                time.sleep(max(due - time.monotonic(), 0))
        except BaseException as error:  # noqa: BLE001  (`stop` raises it)
            self._failed.append(error)

    def _by_imap(self) -> None:
        _, mail = self._next()
        self._desk.mail.deliver(USER, [mail])

    def _by_smtp(self) -> None:
        number, mail = self._next()
        submit(self._desk, mail)
        self.acknowledged.append(message_id(number).strip("<>"))

    def _by_chat(self) -> None:
        number = self._chats.messages
        self._chats.messages += 1
        self._chats.write(self._desk, number)

    def _next(self) -> tuple[int, bytes]:
        """Return the next mail and its number; it is counted as delivered, because a writer never gives up."""
        with self._lock:
            number, mail = self._another()
            self._delivered.append(mail)
            return number, mail

    def _another(self) -> tuple[int, bytes]:
        old = self._openers[: -_LATER // 2]
        drawn = self._chance.random()
        if old and drawn < _AGAIN:
            self._redeliveries += 1
            number, mail = old.pop(self._chance.randrange(len(old)))
            self._openers.remove((number, mail))
            return number, redelivered(mail)
        number = self._number
        self._number += 1
        if old and drawn < _AGAIN + _REPLIES:
            self._replies += 1
            return number, self._writer.reply(number, to=self._chance.choice(old)[0])
        mail = self._writer.opener(number)
        self._openers.append((number, mail))
        return number, mail
