"""One session with an SMTP or LMTP client: its limits, recipients and replies."""

from __future__ import annotations

import asyncio
import socket
import ssl
from time import monotonic
from typing import Any, Final

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from connectors.email.smtp.group_commit import LATER, GroupCommit
from connectors.email.smtp.places import MOST_BYTES, Places
from router.settings.channels import SmtpSettings

_log: Final = structlog.get_logger()

# The end of our greeting; `probe` recognises our own listener by it.
IDENTITY: Final = "Omniyard"

# RFC 5321 section 4.5.3.1.6 allows a line of a thousand bytes, senders write longer ones. The parser decides whether
# such a mail can be read: a refusal here would be a bounce to a customer. This bound protects our memory.
_LINE: Final = 1_048_576
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

    def __init__(self, gathering: GroupCommit, settings: SmtpSettings, *, places: Places) -> None:
        self._gathering, self._places = gathering, places
        self._recipients, self._most_recipients = Recipients(settings.recipients), settings.recipients_per_mail

    async def handle_RCPT(  # noqa: N802, PLR0917
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]  # noqa: ARG002
    ) -> str:  # fmt: skip
        """Accept a recipient or refuse it."""
        if not self._recipients.takes(address):
            return "550 5.1.1 There is no such mailbox here"
        if self._gathering.bytes_waiting + self._places.bytes_held > MOST_BYTES:
            self._places.note("bytes")
            return _MUCH
        if len(envelope.rcpt_tos) >= self._most_recipients:
            self._places.note("recipients")
            return "452 4.5.3 Too many recipients of one mail, please send it again to the others"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Answer once the message is on disk."""
        return await self._gathering.keep(return_path(envelope.mail_from) + bytes(envelope.original_content or b""))

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
        self, rules: SmtpHandler, settings: SmtpSettings, *, tls: ssl.SSLContext | None, places: Places
    ) -> None:
        self._rules, self._settings, self._tls = rules, settings, tls
        self._places = places

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
            places=self._places,
        )


class Limited(SMTP):
    """What aiosmtpd does not limit: how many connections, how much of all mail, and how long one mail may take."""

    line_length_limit = _LINE

    def __init__(
        self, *arguments: Any, places: Places, message_within: float, **options: Any  # noqa: ANN401
    ) -> None:  # fmt: skip
        super().__init__(*arguments, **options)
        self._places, self._message_within = places, message_within
        self._refused = False
        self._received = 0
        self._message_timer: asyncio.TimerHandle | None = None
        self.heard_at = monotonic()

    @property
    def is_in_mail(self) -> bool:
        """See `places.Session`."""
        return self._message_timer is not None

    @property
    def bytes_held(self) -> int:
        """See `places.Session`."""
        return self._received

    def end(self, reply: str) -> None:
        """See `places.Session`."""
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.write(f"{reply}\r\n".encode())
            self.transport.close()

    def close(self) -> None:
        """See `places.Session`."""
        if self.transport:
            self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # After STARTTLS this is called a second time for the same session.
        peer = transport.get_extra_info("peername") or ("",)
        refusal = "" if self in self._places else self._places.admit(self, host=peer[0])
        if refusal:
            self._refused = True
            assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
            transport.write(f"{refusal}\r\n".encode())
            transport.close()
            return
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._refused:
            self._places.leave(self)
            self._end_message()
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        return False if self._refused else super().eof_received()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._received += len(data)
        self.heard_at = monotonic()
        if self._received > _LINE and self._places.bytes_held > MOST_BYTES:
            # The mail that grows beyond what all may hold is put off; its sender repeats it.
            self._places.note("bytes")
            self.end("421 4.3.1 Too much is waiting here, please try again")
            self._refused = True
            return
        limit = self.data_size_limit
        if limit and self._received > 2 * limit + _LINE and isinstance(self.transport, asyncio.WriteTransport):
            # The reply "too large" comes at the end of the message; a message without an end would be read for ever.
            self.transport.abort()
            return
        super().data_received(data)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        """Take a mail, within its time."""
        self._message_timer = self.loop.call_later(self._message_within, self._late)
        try:
            await super().smtp_DATA(arg)
        finally:
            self._end_message()

    def _end_message(self) -> None:
        if self._message_timer:
            self._message_timer.cancel()
            self._message_timer = None

    def _late(self) -> None:
        self._places.note("slow_message")
        self.end("421 4.4.2 This mail takes too long, please try again")

    def _timeout_cb(self) -> None:
        if self.is_in_mail:
            # A mail on a slow line is one long command; it has a time of its own.
            return
        self._places.note("idle")
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
