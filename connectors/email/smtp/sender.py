"""Send mail by SMTP (RFC 5321, RFC 6409); separate mail that was surely not accepted from mail that may have been."""

from __future__ import annotations

import re
import smtplib
from contextlib import suppress
from datetime import datetime
from typing import Final

from connectors.base import Health
from connectors.email.smtp.compose import compose
from connectors.email.smtp.login import USUAL, Timeouts, answer_of, connect, hang_up
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from router.delivery import Window
from router.errors import OmniyardError, PermanentError
from router.settings.channels.mail import MailChannelSettings, MailSendSettings
from router.settings.model import DeskSettings

# How many mails one connection sends, unless the server closes it earlier.
_MAILS_A_CONNECTION: Final = 100
_BARE_NEWLINE: Final = re.compile(rb"(?<!\r)\n|\r(?!\n)")


class SmtpSender:
    """See `Sender`. address: the sender's address.  name: the desk's display name next to it."""

    repeatable = True

    def __init__(
        self, channel: str, settings: MailSendSettings, *, address: str, name: str, timeouts: Timeouts = USUAL
    ) -> None:
        self.channel = channel
        self._settings, self._address, self._name, self._timeouts = settings, address, name, timeouts
        self._client: smtplib.SMTP | None = None
        self._sent = 0

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window_within(None)

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        try:
            mail = compose(outgoing, address=self._address, name=self._name, reply_to=self._reply_to(outgoing))
        except PermanentError as error:
            return Receipt(verdict=SendVerdict.REFUSED, why=str(error))
        # A repeated attempt must not reuse the connection of the failed one.
        if outgoing.attempt > 1 or self._sent >= _MAILS_A_CONNECTION:
            self.close()
        return self._send(outgoing, mail)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: a mail server cannot be asked which mails it accepted."""
        del outgoing, since
        return None

    def probe(self) -> Health:
        """See `Sender`."""
        try:
            client = connect(self._settings, local=self._local, timeouts=self._timeouts)
        except OmniyardError as error:
            return Health(ok=False, findings=(str(error),))
        with suppress(OSError, smtplib.SMTPException):
            client.quit()
        return Health(ok=True, findings=(f"{self._settings.host} accepts our mail",))

    def close(self) -> None:
        """See `Sender`."""
        if self._client:
            hang_up(self._client)
        self._client, self._sent = None, 0

    @property
    def _local(self) -> str:
        return self._address.rpartition("@")[2]

    def _reply_to(self, outgoing: Outgoing) -> str:
        local, _, domain = self._address.rpartition("@")
        return (
            f"{local}+{outgoing.reply_token}@{domain}" if self._settings.plus_address and outgoing.reply_token else ""
        )

    def _send(self, outgoing: Outgoing, mail: bytes) -> Receipt:
        was_open = self._client is not None
        receipt = self._try(outgoing, mail)
        # A server may close a connection that was idle for long; nothing of this mail was sent then.
        if receipt is None and was_open:
            receipt = self._try(outgoing, mail)
        return receipt or _LOST_BEFORE

    def _try(self, outgoing: Outgoing, mail: bytes) -> Receipt | None:
        """Send over the open connection or a new one; None if it broke before any of the mail was sent."""
        try:
            if self._client is None:
                self._client = connect(self._settings, local=self._local, timeouts=self._timeouts)
        except OmniyardError as error:
            return Receipt(verdict=SendVerdict.NOT_SENT, why=str(error), whole_channel=True)
        if not _is_ascii(outgoing) and not self._client.has_extn("smtputf8"):
            return Receipt(verdict=SendVerdict.REFUSED, why=f"{self._settings.host} has no SMTPUTF8 (RFC 6531)")
        self._sent += 1
        transfer = _Transfer(self._client, outgoing, mail, timeouts=self._timeouts)
        try:
            return transfer.run(self._address)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self.close()
            if not transfer.began:
                return None
            why = f"the connection to {self._settings.host} broke before the server answered ({type(error).__name__})"
            return Receipt(verdict=SendVerdict.UNKNOWN, why=why)
        finally:
            if transfer.is_over:
                self.close()


class OutboxSender(SmtpSender):
    """Keeps mail for a desk that has no mail server yet: its row in the ledger is all that there is of it.

    It refuses what a mail server would get in a wrong form, so that a trial shows that too.
    """

    def probe(self) -> Health:
        """See `Sender`."""
        return Health(ok=True, findings=("no mail server is set: replies stay in the outbox of the desk, none leaves",))

    def _send(self, outgoing: Outgoing, mail: bytes) -> Receipt:
        del outgoing, mail
        return Receipt(verdict=SendVerdict.ACCEPTED)


def open_sender(channel: str, settings: MailChannelSettings, desk: DeskSettings) -> SmtpSender:
    """Return the sender of a channel, not connected yet. Raises PermanentError if the channel has no `send`."""
    if settings.send is None:
        raise PermanentError(f"the channel {channel} cannot send: its configuration has no `send`")
    if settings.send.outbox:
        return OutboxSender(channel, settings.send, address=settings.address or "", name=desk.name_in("en"))
    return SmtpSender(channel, settings.send, address=settings.address or "", name=desk.name_in("en"))


_LOST_BEFORE: Final = Receipt(
    verdict=SendVerdict.NOT_SENT, why="the connection broke before the mail was handed over", whole_channel=True
)


class _Transfer:
    """One mail over one connection. began: whether any of its content may have been sent."""

    def __init__(self, client: smtplib.SMTP, outgoing: Outgoing, mail: bytes, *, timeouts: Timeouts) -> None:
        self._client, self._outgoing, self._mail, self._timeouts = client, outgoing, mail, timeouts
        self.began = self.is_over = False

    def run(self, address: str) -> Receipt:
        refused = self._envelope(address)
        if isinstance(refused, Receipt):
            self._reset()
            return refused
        code, reply = self._client.docmd("DATA")
        if code != 354:
            self._reset()
            return self._refusal("DATA", code, reply)
        self.began = True
        code, reply = self._content()
        if code != 250:
            return self._refusal("the mail", code, reply)
        return Receipt(verdict=SendVerdict.ACCEPTED, why=refused)

    def _envelope(self, address: str) -> Receipt | str:
        """Send the sender and the recipients; return a refusal, or a sentence about refused copies."""
        code, reply = self._mail_from(address)
        if code != 250:
            receipt = self._refusal("the sender", code, reply)
            # A refusal of our address holds for all our mail; only size is this mail's own (RFC 1870).
            return receipt if code == 552 else _for_all(receipt)
        code, reply = self._client.rcpt(self._outgoing.recipient)
        if code not in {250, 251}:
            return self._refusal("the recipient", code, reply)
        copies = (*self._outgoing.copies, *self._outgoing.blind_copies)
        refused = [code for copy in copies if (code := self._client.rcpt(copy)[0]) not in {250, 251}]
        codes = ", ".join(map(str, sorted(set(refused))))
        return f"{len(refused)} of {len(copies)} copies were refused ({codes})" if refused else ""

    def _mail_from(self, address: str) -> tuple[int, bytes]:
        options = [f"SIZE={len(self._mail)}"] if self._client.has_extn("size") else []
        if not _is_ascii(self._outgoing):
            self._client.command_encoding = "utf-8"
            options += ["SMTPUTF8", "BODY=8BITMIME"]
        else:
            self._client.command_encoding = "ascii"
        if not self._outgoing.automatic:
            return self._client.mail(address, options)
        # RFC 3834 section 3.3: a null return path, so that no machine answers. Some providers insist on our address.
        code, reply = self._client.mail("", options)
        if code < 500 or code == 552:
            return code, reply
        self._reset()
        return self._client.mail(address, options)

    def _content(self) -> tuple[int, bytes]:
        content = _BARE_NEWLINE.sub(b"\r\n", self._mail)
        # RFC 5321 section 4.5.2: a line that begins with a dot gets a second dot.
        stuffed = re.sub(rb"(?m)^\.", b"..", content)
        self._client.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        if self._client.sock:
            self._client.sock.settimeout(self._timeouts.final_dot)
        code, reply = self._client.getreply()
        if self._client.sock:
            self._client.sock.settimeout(self._timeouts.command)
        return code, reply

    def _refusal(self, what: str, code: int, reply: bytes) -> Receipt:
        """Return the receipt for a refusal: 4xx is temporary, 5xx permanent (RFC 5321 section 4.2.1)."""
        # 421 means that the server closes the connection, after any command (RFC 5321 section 3.8).
        self.is_over = self.is_over or code in {421, -1}
        why = f"{what} was refused: {code} {_answer_without_addresses(reply, self._outgoing)}"
        if code == 421:
            return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
        if 400 <= code < 500:
            return Receipt(verdict=SendVerdict.NOT_SENT, why=why)
        if 500 <= code < 600:
            return Receipt(verdict=SendVerdict.REFUSED, why=why)
        raise smtplib.SMTPServerDisconnected(why)

    def _reset(self) -> None:
        with suppress(OSError, smtplib.SMTPException):
            self._client.rset()


def _is_ascii(outgoing: Outgoing) -> bool:
    # Other addresses need SMTPUTF8 (RFC 6531).
    return all(address.isascii() for address in (outgoing.recipient, *outgoing.copies, *outgoing.blind_copies))


def _for_all(receipt: Receipt) -> Receipt:
    return Receipt(verdict=SendVerdict.NOT_SENT, why=receipt.why, whole_channel=True)


def _answer_without_addresses(reply: bytes, outgoing: Outgoing) -> str:
    """Return the server's answer without the addresses that it often repeats."""
    words = answer_of(reply)
    for address in (outgoing.recipient, *outgoing.copies, *outgoing.blind_copies):
        words = words.replace(address, "...")
    return words
