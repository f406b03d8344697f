"""One session with an SMTP or LMTP client: its limits, recipients and replies."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any, Final

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from connectors.email.smtp.group_commit import LATER, GroupCommit
from router.settings.channels import SmtpSettings

_log: Final = structlog.get_logger()

# The end of our greeting; `probe` recognises our own listener by it.
IDENTITY: Final = "Omniyard"

# How many clients at once; each may hold one message in memory.
_CONNECTIONS: Final = 64

# How many bytes of all clients together may wait for the commit.
_BYTES_WAITING: Final = 134_217_728

# RFC 5321 section 4.5.3.1.6 allows a line of a thousand bytes, senders write longer ones. The parser decides whether
# such a mail can be read: a refusal here would be a bounce to a customer. This bound protects our memory.
_LINE: Final = 1_048_576

# Section 4.5.3.2.7: five minutes between commands; a large message on a slow line is one command.
_SILENCE: Final = 600.0


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

    def __init__(self, gathering: GroupCommit, settings: SmtpSettings) -> None:
        self._gathering = gathering
        self._recipients = Recipients(settings.recipients)

    async def handle_RCPT(  # noqa: N802, PLR0917
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]  # noqa: ARG002
    ) -> str:  # fmt: skip
        """Accept a recipient or refuse it."""
        if not self._recipients.takes(address):
            return "550 5.1.1 There is no such mailbox here"
        if self._gathering.bytes_waiting > _BYTES_WAITING:
            return "452 4.3.1 Too much is waiting here, please try again"
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
    """Makes a protocol object for each connection and counts them."""

    def __init__(self, rules: SmtpHandler, settings: SmtpSettings, *, tls: ssl.SSLContext | None) -> None:
        self._rules, self._settings, self._tls = rules, settings, tls
        self.sessions: set[_Limited] = set()

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
            timeout=_SILENCE,
            sessions=self.sessions,
        )


class _Limited(SMTP):
    """What aiosmtpd does not limit: how many connections, and how many bytes after one of them exceeded its limit."""

    line_length_limit = _LINE

    def __init__(self, *arguments: Any, sessions: set[_Limited], **options: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **options)
        self._sessions = sessions
        self._refused = False
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # After STARTTLS this is called a second time for the same session.
        if self not in self._sessions and len(self._sessions) >= _CONNECTIONS:
            self._refused = True
            assert isinstance(transport, asyncio.WriteTransport)  # noqa: S101
            transport.write(b"421 4.7.0 Too many connections, please try again\r\n")
            transport.close()
            return
        self._sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._refused:
            self._sessions.discard(self)
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        return False if self._refused else super().eof_received()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._received += len(data)
        limit = self.data_size_limit
        if limit and self._received > 2 * limit + _LINE and isinstance(self.transport, asyncio.WriteTransport):
            # The reply "too large" comes at the end of the message; a message without an end would be read for ever.
            self.transport.abort()
            return
        super().data_received(data)

    def _set_post_data_state(self) -> None:
        self._received = 0
        super()._set_post_data_state()  # type: ignore[no-untyped-call]


class _SmtpSession(_Limited):
    """SMTP (RFC 5321)."""


class _LmtpSession(_Limited, LMTP):
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
