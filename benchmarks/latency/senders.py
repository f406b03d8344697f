"""How the mails of `benchmarks.latency` are handed over: put into a mailbox, or sent to the SMTP listener."""

from __future__ import annotations

import queue
import smtplib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from benchmarks.latency.mails import SentMail
from benchmarks.rig import USER, Rig

_CONNECTIONS: Final = 16
# smtplib would look it up for each connection, which takes 35 ms where no name server answers at once.
_NAME: Final = "relay.customers.example"


class Sender(Protocol):
    """A way for mails to arrive."""

    def send(self, mails: Sequence[SentMail], *, at_half: Callable[[], None] | None = None) -> None:
        """Hand over each mail when it is due, and note when that was. at_half: called once before the later half."""


class ImapSender:
    """Puts mails into the mailbox of the rig's mail server, one by one."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def send(self, mails: Sequence[SentMail], *, at_half: Callable[[], None] | None = None) -> None:
        """See `Sender`."""
        _in_time(mails, self._deliver, at_half=at_half)

    def _deliver(self, mail: SentMail) -> None:
        mail.arrived = time.time()
        self._rig.mail.deliver(USER, [mail.content])


class SmtpSenders:
    """Sends mails to the SMTP listener by some connections, as a mail server does."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def send(self, mails: Sequence[SentMail], *, at_half: Callable[[], None] | None = None) -> None:
        """See `Sender`."""
        waiting: queue.SimpleQueue[SentMail | None] = queue.SimpleQueue()
        threads = [threading.Thread(target=self._run, args=(waiting,)) for _ in range(_CONNECTIONS)]
        for thread in threads:
            thread.start()
        _in_time(mails, waiting.put, at_half=at_half)
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join()

    def _run(self, waiting: queue.SimpleQueue[SentMail | None]) -> None:
        client: smtplib.SMTP | None = None
        while (mail := waiting.get()) is not None:
            mail.arrived = time.time()
            while True:
                try:
                    client = client or smtplib.SMTP("127.0.0.1", self._rig.smtp_port, local_hostname=_NAME, timeout=60)
                    client.sendmail("relay@customers.example", ["support@desk.example"], mail.content)
                    break
                except smtplib.SMTPResponseException:
                    # A hostile mail that the listener refuses is the sender's affair.
                    if mail.kind == "hostile":
                        client = None
                        break
                    client = None
                except (OSError, smtplib.SMTPException):
                    client = None
                    time.sleep(0.05)


def _in_time(
    mails: Sequence[SentMail], hand_over: Callable[[SentMail], None], *, at_half: Callable[[], None] | None
) -> None:
    if not mails:
        return
    half, done, began = mails[-1].due / 2, False, time.perf_counter()
    for mail in mails:
        if at_half and not done and mail.due >= half:
            at_half()
            done = True
        time.sleep(max(0.0, began + mail.due - time.perf_counter()))
        hand_over(mail)
