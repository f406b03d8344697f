"""A listener for mail by SMTP or LMTP that answers 250 only after the commit. See `Gate`.

`smtp.session` speaks with one client, `smtp.group_commit` makes batches of the messages of many clients.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from connectors.base import Batch, Health, utc_now
from connectors.email.smtp.group_commit import GroupCommit
from connectors.email.smtp.session import IDENTITY, SessionFactory, SmtpHandler
from connectors.email.smtp.session_slots import SessionSlots
from router.errors import OmniyardError, PermanentError, TransientError
from router.settings.channels.mail import SmtpSettings

_log: Final = structlog.get_logger()

_START_WITHIN: Final = 10.0
# How long a probe waits for a greeting, in seconds.
_GREETED_WITHIN: Final = 5.0

# How long a stop waits for answers that are still owed; a half-sent message is cut and its sender repeats it.
_ANSWER_WITHIN: Final = 12.0


class SmtpGate:
    """See `Gate`. Runs an event loop in a thread of its own."""

    def __init__(self, channel: str, settings: SmtpSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._channel, self._settings, self._clock = channel, settings, clock
        self._running: _Listener | None = None

    @property
    def channel(self) -> str:
        return self._channel

    @property
    def address(self) -> tuple[str, int]:
        """The address that we listen on. Raises TransientError when we do not listen."""
        if not self._running:
            raise TransientError(f"no listener runs on {self._settings.listen}")
        return self._running.address

    def open(self, accept: Callable[[Batch], None]) -> None:
        """See `Gate`."""
        listener = _Listener(self._channel, self._settings, accept=accept, clock=self._clock)
        try:
            listener.start()
        except BaseException:
            listener.stop()
            raise
        self._running = listener

    def check(self) -> None:
        """See `Gate`."""
        if not self._running or not self._running.is_alive():
            raise TransientError(f"the listener on {self._settings.listen} has stopped")

    def take_refusals(self) -> Mapping[str, int]:
        """See `Gate`."""
        slots = self._running.slots if self._running else None
        return slots.take_counts() if slots else {}

    def probe(self) -> Health:
        """See `Gate`."""
        where = f"{self._settings.protocol.upper()} on {self._settings.listen}"
        try:
            tls = _tls_context(self._settings)
            if _is_ours(self._settings):
                return Health(ok=True, findings=(f"Omniyard listens on {where}",))
            _bind(self._settings).close()
        except OmniyardError as error:
            return Health(ok=False, findings=(str(error),))
        starttls = "would offer STARTTLS" if tls else "would offer no STARTTLS, because tls_certificate is not set"
        return Health(ok=True, findings=(f"{where} is free; a listener {starttls}",))

    def close(self) -> None:
        """See `Gate`."""
        listener, self._running = self._running, None
        if listener:
            listener.stop()


def probe(channel: str, settings: SmtpSettings) -> Health:
    """Probe the address: report the listener that answers there, or whether ours could listen."""
    return _greeting(settings) or SmtpGate(channel, settings).probe()


def _greeting(settings: SmtpSettings) -> Health | None:
    """Return the health of the listener that answers there; None if none does."""
    host, _, port = settings.listen.rpartition(":")
    protocol = smtplib.LMTP if settings.protocol == "lmtp" else smtplib.SMTP
    try:
        with protocol(host.strip("[]"), int(port), timeout=_GREETED_WITHIN) as client:
            code, _ = client.noop()
    except (OSError, smtplib.SMTPException):
        return None
    return Health(ok=code == 250, findings=(f"answers {settings.protocol.upper()} on {settings.listen}",))


class _Listener:
    def __init__(
        self, channel: str, settings: SmtpSettings, *, accept: Callable[[Batch], None], clock: Callable[[], datetime]
    ) -> None:
        self._tls = _tls_context(settings)
        self._socket = _bind(settings)
        self._channel, self._settings = channel, settings
        self._accepting = ThreadPoolExecutor(1, thread_name_prefix=f"{channel}-accept")
        self._gathering = GroupCommit(
            channel, accept=accept, thread=self._accepting, clock=clock, talking=self._talking
        )
        self.slots = SessionSlots(channel, settings, bytes_waiting=lambda: self._gathering.bytes_waiting)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started, self._stopping = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"{channel}-listen", daemon=True)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]

    def _talking(self) -> int:
        return self.slots.talking()

    def start(self) -> None:
        self._thread.start()
        if not self._started.wait(_START_WITHIN):
            raise TransientError(f"the listener on {self._settings.listen} did not start")

    def is_alive(self) -> bool:
        """Return whether the event loop still runs."""
        if not self._loop or not self._thread.is_alive():
            return False
        turned = threading.Event()
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(turned.set)
        return turned.wait(_START_WITHIN)

    def stop(self) -> None:
        if self._loop and self._thread.is_alive():
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_ANSWER_WITHIN + 3)
        self._accepting.shutdown(wait=False, cancel_futures=True)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        slots = self.slots
        rules = SmtpHandler(self._gathering, self._settings, slots=slots)
        factory = SessionFactory(rules, self._settings, tls=self._tls, slots=slots)
        server = await self._loop.create_server(factory, sock=self._socket, backlog=256)
        gathering = asyncio.create_task(self._gathering.run())
        self._started.set()
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({stopping, gathering}, return_when=asyncio.FIRST_COMPLETED)
        server.close()
        await self._answer_all()
        for session in slots:
            session.close()
        gathering.cancel()
        stopping.cancel()

    async def _answer_all(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gathering.all_answered.wait(), _ANSWER_WITHIN)
        # The answers are in the transports' buffers; one pass of the loop sends them.
        await asyncio.sleep(0.05)


def _is_ours(settings: SmtpSettings) -> bool:
    host, _, port = settings.listen.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=2) as client:
            return IDENTITY.encode() in client.recv(512)
    except (OSError, ValueError):
        return False


def _bind(settings: SmtpSettings) -> socket.socket:
    host, _, port = settings.listen.rpartition(":")
    host = host.strip("[]")
    # The kernel reads an empty address as all addresses.
    if not host or not port.isdecimal():
        raise PermanentError(f'cannot listen on {settings.listen!r}; expected "ADDRESS:PORT"')
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only where the protocol is named. Without it the second line of a reply waits until the
    # client has acknowledged the first one: 40 ms for each EHLO.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Without it the address stays in use for a minute after a kill; a second live listener is still refused.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, int(port)))
        listening.listen(256)
    except PermissionError as error:
        listening.close()
        raise PermanentError(f"this user may not listen on {settings.listen}; ports below 1024 need root") from error
    except OSError as error:
        listening.close()
        raise TransientError(f"cannot listen on {settings.listen}: {error.strerror or error}") from error
    except OverflowError as error:
        listening.close()
        raise PermanentError(f"cannot listen on {settings.listen}: expected a port up to 65535") from error
    listening.setblocking(False)
    return listening


def _tls_context(settings: SmtpSettings) -> ssl.SSLContext | None:
    if not settings.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        if settings.tls_key is None:
            context.load_cert_chain(settings.tls_certificate)
            return context
        # OpenSSL reads a private key from a file only.
        with tempfile.TemporaryDirectory() as folder:
            key = Path(folder) / "key.pem"
            key.touch(mode=0o600)
            key.write_text(settings.tls_key.reveal(), encoding="ascii")
            context.load_cert_chain(settings.tls_certificate, key)
    except (OSError, ValueError) as error:
        raise PermanentError(f"tls_certificate {settings.tls_certificate} and tls_key do not work: {error}") from error
    return context
