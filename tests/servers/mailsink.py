"""A real SMTP server (aiosmtpd) that accepts our mail, and answers at each step as a test wants. A plain module."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.servers.ports import free_port

DROP = "drop"


@dataclass(frozen=True)
class Taken:
    """One mail that was accepted."""

    path: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class Sink:
    """The server's behaviour.

    answers: stage (MAIL, RCPT, DATA) -> the next answers: a reply, `DROP` to break the connection,
    "lost" to accept and then break it, or seconds of silence before a normal answer; None for a normal answer.
    decide: called with the stage, in place of `answers`.  accounts: user -> password or token.
    """

    answers: dict[str, list[str | float | None]] = field(default_factory=dict)
    decide: Callable[[str], str | float | None] | None = None
    accounts: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    connections: int = 0
    _servers: list[SMTP] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if server not in self._servers:
            self.connections += 1
            self._servers.append(server)
        return responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refused = await self._say("MAIL", server)
        if not refused:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refused or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refused = await self._say("RCPT", server)
        if not refused:
            envelope.rcpt_tos.append(address)
        return refused or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await self._say("DATA", server, keep=lambda: self._keep(envelope))
        return answer or "250 OK"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        with self._lock:
            self.taken.append(Taken((envelope.mail_from or "").strip("<>"), tuple(envelope.rcpt_tos), content))

    async def _say(self, stage: str, server: SMTP, *, keep: Callable[[], None] = lambda: None) -> str:
        queue = self.answers.get(stage)
        answer = None
        if self.decide:
            answer = self.decide(stage)
        elif queue:
            answer = queue.pop(0)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = None
        if answer in {None, "lost"}:
            keep()
        if answer in {DROP, "lost"}:
            self._break(server)
            # The connection is closed, so the client does not get this answer.
            return "421 gone"
        return str(answer or "")

    def _break(self, server: SMTP) -> None:
        if server.transport:
            server.transport.abort()  # type: ignore[attr-defined]

    async def auth_PLAIN(self, server: SMTP, args: list[str]) -> AuthResult:
        _, user, password = (await self._login(server, args)).split("\0")
        return AuthResult(success=self.accounts.get(user) == password, handled=False)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        response = await self._login(server, args)
        user, token = response.split("\x01")[:2]
        good = self.accounts.get(user.removeprefix("user=")) == token.removeprefix("auth=Bearer ")
        if not good:
            # The reason comes as a challenge, which the client answers with an empty line.
            await server.challenge_auth('{"status":"400"}')
        return AuthResult(success=good, handled=False)

    async def _login(self, server: SMTP, args: list[str]) -> str:
        return base64.b64decode(args[1]).decode()


class MailSink:
    """Runs a `Sink` on loopback until `stop`."""

    def __init__(self, sink: Sink, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.sink = sink
        options: dict[str, Any] = {"tls_context": tls, "require_starttls": False} if tls else {}
        if sink.accounts:
            options |= {"auth_require_tls": False, "auth_required": True, "auth_exclude_mechanism": ["LOGIN"]}
        options |= {"enable_SMTPUTF8": True, "data_size_limit": None}
        self._controller = Controller(sink, hostname="127.0.0.1", port=port or free_port(), **options)
        self._controller.start()
        self.port: int = self._controller.port

    def hang_up(self) -> None:
        """Break every open connection, as an idle time-out does."""
        done = threading.Event()

        def abort() -> None:
            for server in self.sink._servers:
                self.sink._break(server)
            done.set()

        self._controller.loop.call_soon_threadsafe(abort)
        done.wait(5)

    def stop(self) -> None:
        # The controller leaves open connections to the garbage collection, which then warns in another test.
        self.hang_up()
        self._controller.stop()
