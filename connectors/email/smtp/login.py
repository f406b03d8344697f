"""Connect to the server that sends our mail: connection, TLS, login; and translate its refusals into errors."""

from __future__ import annotations

import base64
import smtplib
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from connectors.email.server_errors import translate
from connectors.email.tls import trust
from router.errors import OmniyardError, PermanentError, TransientError
from router.settings.channels.mail import MailSendSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds.

    command: for connections, greetings and commands; RFC 5321 section 4.5.3.2 allows more than is ever needed.
    final_dot: section 4.5.3.2.6; many servers deliver before they answer, and a short time-out makes copies.
    """

    command: float = 30.0
    final_dot: float = 600.0


USUAL: Final = Timeouts()


def connect(settings: MailSendSettings, *, local: str, timeouts: Timeouts = USUAL) -> smtplib.SMTP:
    """Return a client that is logged in.

    local: our own name in EHLO.
    Raises TransientError when the server cannot be reached or is busy, PermanentError when it refuses us.
    """
    with _server_errors(settings, "connect"):
        client = _open(settings, local, seconds=timeouts.command)
    try:
        with _server_errors(settings, "log in"):
            _log_in(client, settings)
    except BaseException:
        hang_up(client)
        raise
    return client


def hang_up(client: smtplib.SMTP) -> None:
    """Close a connection, in any state."""
    with suppress(OSError, smtplib.SMTPException):
        client.close()


def answer_of(reply: bytes | str) -> str:
    """Return the server's answer, shortened and on one line."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return "".join(char if char.isprintable() else " " for char in text)[:160]


def _open(settings: MailSendSettings, local: str, *, seconds: float) -> smtplib.SMTP:
    host = settings.host.strip("[]")
    # Reading the authorities takes 20 ms; a connection without TLS needs none.
    trusted = None if settings.security == "none" else trust(settings.ca_file)
    if settings.security == "tls":
        port = settings.port or 465
        return smtplib.SMTP_SSL(host, port, local_hostname=local, timeout=seconds, context=trusted)
    client = smtplib.SMTP(host, settings.port or 587, local_hostname=local, timeout=seconds)
    try:
        client.ehlo_or_helo_if_needed()
        if settings.security == "starttls":
            client.starttls(context=trusted)
            client.ehlo_or_helo_if_needed()
    except BaseException:
        hang_up(client)
        raise
    return client


def _log_in(client: smtplib.SMTP, settings: MailSendSettings) -> None:
    client.ehlo_or_helo_if_needed()
    if settings.username is None:
        return
    if settings.oauth_token:
        answer = f"user={settings.username}\x01auth=Bearer {settings.oauth_token.reveal()}\x01\x01"
        # The server's 334 holds the reason for its refusal; an empty line requests the 535 that follows.
        client.auth("XOAUTH2", lambda challenge=None: answer if challenge is None else "")
        return
    password = settings.password.reveal() if settings.password else ""
    if (settings.username + password).isascii():
        client.login(settings.username, password)
        return
    # smtplib writes ASCII only; SASL PLAIN is UTF-8 (RFC 4616 section 2).
    plain = base64.b64encode(f"\0{settings.username}\0{password}".encode()).decode("ascii")
    code, reply = client.docmd("AUTH", f"PLAIN {plain}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, reply)


def _server_errors(settings: MailSendSettings, doing: str) -> AbstractContextManager[None]:
    explain = partial(_refused, settings=settings)
    return translate(settings.host, doing, refusals=smtplib.SMTPException, explain=explain)


def _refused(error: smtplib.SMTPException, where: str, *, settings: MailSendSettings) -> OmniyardError:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return _refused_login(error, settings)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return PermanentError(f"{where}: the server does not offer it ({answer_of(str(error))}); check security")
    if isinstance(error, smtplib.SMTPResponseException):
        family = TransientError if 400 <= error.smtp_code < 500 else PermanentError
        return family(f"{where}: it answered {error.smtp_code} {answer_of(error.smtp_error)}")
    return TransientError(f"{where}: the connection broke")


def _refused_login(error: smtplib.SMTPAuthenticationError, settings: MailSendSettings) -> OmniyardError:
    words = answer_of(error.smtp_error).replace(settings.username or "\0", "...")
    if 400 <= error.smtp_code < 500:
        return TransientError(f"{settings.host} accepts no login now: {error.smtp_code} {words}")
    what = "the token is refused or has expired" if settings.oauth_token else "user name or password is refused"
    return PermanentError(f"could not log in at {settings.host}: {what} ({error.smtp_code} {words})")
