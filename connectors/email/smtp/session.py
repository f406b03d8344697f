"""One session with an SMTP or LMTP client: its limits, recipients and replies."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from time import monotonic
from typing import Any, Final

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from connectors.email.smtp.group_commit import KEPT, LATER, GroupCommit
from connectors.email.smtp.mail_data import read_mail
from connectors.email.smtp.session_slots import SMALL, SessionSlots
from router.settings.channels.mail import SmtpSettings

_log: Final = structlog.get_logger()

# The end of our greeting; `probe` recognises our own listener by it.
IDENTITY: Final = "Omniyard"

# How much of the stream is buffered before the client has to wait, and how long a command may be. A longer line of a
# mail arrives in parts: RFC 5321 section 4.5.3.1.6 allows a thousand bytes, and senders write longer ones.
_BUFFERED: Final = 65_536
# An address as nearly all are: the library's grammar for the others takes a fifth of a millisecond.
_PLAIN_ADDRESS: Final = re.compile(
    r"<((?P<local>[\w+=-]{1,64}(?:\.[\w+=-]{1,64}){0,9})@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,9})>(?: (?=[\w=])|\Z)",
    re.ASCII | re.IGNORECASE,
)
_MUCH: Final = "452 4.3.1 Too much is waiting here, please try again"


class Recipients:
    """Decides for which recipients we accept mail: addresses, @domains, or every address if none is configured."""

    def __init__(self, accepted: tuple[str, ...]) -> None:
        self._accepted = frozenset(address.lower() for address in accepted)

    def takes(self, address: str) -> bool:
        """Return whether the address is ours; a sub-address (support+token@) belongs to its mailbox."""
        local, _, domain = address.lower().rpartition("@")
        mailbox = f"{local.partition('+')[0]}@{domain}"
        return not self._accepted or not self._accepted.isdisjoint({f"@{domain}", f"{local}@{domain}", mailbox})


class SmtpHandler:
    """The handler that aiosmtpd calls; the library defines its method names."""

    def __init__(self, gathering: GroupCommit, settings: SmtpSettings, *, slots: SessionSlots) -> None:
        self._gathering, self._slots = gathering, slots
        self._recipients, self._most_recipients = Recipients(settings.recipients), settings.recipients_per_mail

    async def handle_RCPT(  # noqa: N802, PLR0917
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]  # noqa: ARG002
    ) -> str:  # fmt: skip
        """Accept a recipient or refuse it."""
        if not self._recipients.takes(address):
            self._slots.count("no_mailbox")
            return "550 5.1.1 There is no such mailbox here"
        if self._slots.is_full:
            self._slots.note("bytes")
            return _MUCH
        if len(envelope.rcpt_tos) >= self._most_recipients:
            self._slots.note("recipients")
            return "452 4.5.3 Too many recipients of one mail, please send it again to the others"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Answer once the message is on disk."""
        reply = await self._gathering.keep(bytes(envelope.original_content or b""))
        if reply != KEPT:
            self._slots.count("not_kept")
        return reply

    async def handle_exception(self, error: Exception) -> str:
        """Answer our own errors with a temporary refusal: aiosmtpd's default is 500, which causes a bounce."""
        _log.error("smtp.crashed", error=type(error).__name__)
        return LATER


def return_path(sender: str | None) -> bytes:
    """Return the trace line of a final delivery (RFC 5321 section 4.4): an empty path marks a bounce.

    No Received line is added: it would contain the time, and a repeated message would have other bytes.
    """
    safe = "".join(char for char in sender or "" if char.isprintable() and char not in "<> ")
    return f"Return-Path: <{safe}>\r\n".encode("utf-8", "surrogateescape")


class SessionFactory:
    """Makes a protocol object for each connection."""

    def __init__(
        self, rules: SmtpHandler, settings: SmtpSettings, *, tls: ssl.SSLContext | None, slots: SessionSlots
    ) -> None:
        self._rules, self._settings, self._tls = rules, settings, tls
        self._slots = slots

    def __call__(self) -> SMTP:
        """Return the protocol for a new connection."""
        kind = _LmtpSession if self._settings.protocol == "lmtp" else _SmtpSession
        return kind(
            self._rules,
            data_size_limit=self._settings.largest,
            enable_SMTPUTF8=True,
            hostname=socket.gethostname(),
            ident=IDENTITY,
            tls_context=self._tls,
            timeout=self._settings.idle.total_seconds(),
            message_within=self._settings.message_within.total_seconds(),
            slots=self._slots,
        )


class Limited(SMTP):
    """What aiosmtpd does not limit: how many connections, how much of all mail, and how long one mail may take."""

    line_length_limit = _BUFFERED

    def __init__(
        self, *arguments: Any, slots: SessionSlots, message_within: float, **options: Any  # noqa: ANN401
    ) -> None:  # fmt: skip
        super().__init__(*arguments, **options)
        self._slots, self._message_within = slots, message_within
        # Never admitted; admitted, and put off later: only the second one has a place to give back.
        self._refused = self._is_put_off = False
        self._received = 0
        self._message_timer: asyncio.TimerHandle | None = None
        self.heard_at = self.mail_began_at = monotonic()

    @property
    def is_in_mail(self) -> bool:
        """See `session_slots.Session`."""
        return self._message_timer is not None

    @property
    def bytes_held(self) -> int:
        """See `session_slots.Session`."""
        return self._received

    def put_off(self) -> None:
        """See `session_slots.Session`."""
        self._slots.note("bytes")
        self._received, self._is_put_off = 0, True
        self.end("421 4.3.1 Too much is waiting here, please try again")

    def end(self, reply: str) -> None:
        """See `session_slots.Session`."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(f"{reply}\r\n".encode())
            self.transport.close()

    def close(self) -> None:
        """See `session_slots.Session`."""
        if self.transport:
            self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # After STARTTLS this is called a second time for the same session.
        peer = transport.get_extra_info("peername") or ("",)
        refusal = "" if self in self._slots else self._slots.admit(self, host=peer[0])
        if refusal:
            self._refused = True
            assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
            transport.write(f"{refusal}\r\n".encode())
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._refused:
            self._slots.leave(self)
            self._end_message()
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        return False if self._refused else super().eof_received()

    def data_received(self, data: bytes) -> None:
        if self._refused or self._is_put_off:
            return
        self._received += len(data)
        self.heard_at = monotonic()
        if self._received > SMALL and self._slots.is_full and (session := self._slots.that_gives_way()):
            session.put_off()
            if self._is_put_off:
                return
        limit = self.data_size_limit
        if limit and self._received > 2 * limit + SMALL and isinstance(self.transport, asyncio.WriteTransport):
            # The reply "too large" comes at the end of the message; a message without an end would be read for ever.
            self.transport.abort()
            return
        super().data_received(data)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Take a mail, within its time."""
        refusal = "501 Syntax: DATA" if arg else self._too_early()
        if refusal:
            await self.push(refusal)
            return
        self._message_timer = self.loop.call_later(self._message_within, self._late)
        self.mail_began_at = monotonic()
        try:
            await self.push(await self._take())
        except asyncio.CancelledError:
            # The client has gone.
            self._writer.close()
            raise
        finally:
            self._end_message()

    def _too_early(self) -> str:
        if not self.session or not self.session.host_name:
            return "503 Error: send HELO first"
        return "" if self.envelope and self.envelope.rcpt_tos else "503 Error: need RCPT command"

    async def _take(self) -> str:
        """Receive the mail and return the reply to it."""
        envelope = self.envelope or Envelope()
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        first = return_path(envelope.mail_from)
        mail = await read_mail(self._reader, first=first, largest=self.data_size_limit or 0)
        # From here on it counts as waiting for the commit.
        self._received = 0
        if mail is None:
            self._slots.count("too_large")
            self._set_post_data_state()
            return "552 Error: Too much mail data"
        envelope.content = envelope.original_content = mail
        try:
            return str(await self.event_handler.handle_DATA(self, self.session, envelope))
        finally:
            envelope.content = envelope.original_content = None
            self._set_post_data_state()

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        plain = _PLAIN_ADDRESS.match(arg)
        limit = self.local_part_limit
        if plain and not (limit and len(plain["local"]) > limit):
            return plain[1], arg[plain.end() :]
        found: tuple[str | None, str | None] = super()._getaddr(arg)
        return found

    def _end_message(self) -> None:
        if self._message_timer:
            self._message_timer.cancel()
            self._message_timer = None

    def _late(self) -> None:
        self._slots.note("slow_message")
        self.end("421 4.4.2 This mail takes too long, please try again")

    def _timeout_cb(self) -> None:
        if self.is_in_mail:
            # A mail on a slow line is one long command; it has a time of its own.
            return
        self._slots.note("idle")
        self.end("421 4.4.2 You were silent for too long")

    def _set_post_data_state(self) -> None:
        self._received = 0
        super()._set_post_data_state()  # type: ignore[no-untyped-call]


class _SmtpSession(Limited):
    """SMTP (RFC 5321)."""


class _LmtpSession(Limited, LMTP):
    """LMTP (RFC 2033): after the data one reply for each accepted recipient, in their order (section 4.2)."""

    _owed = 0

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        self._owed = len(self.envelope.rcpt_tos) if self.envelope and not arg else 0
        await super().smtp_DATA(arg)

    async def push(self, status: str | bytes) -> None:
        text = status.decode() if isinstance(status, bytes) else status
        if self._owed and not text.startswith("354"):
            # One commit holds for all recipients, so they all get the same reply.
            text, self._owed = "\r\n".join([text] * self._owed), 0
        await super().push(text)
