"""One IMAP connection: open it, log in, select the folder, wait for new mail, close it."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, LoginError

from connectors.base import Health
from connectors.email.server_errors import translate
from connectors.email.tls import trust
from router.errors import OmniyardError, PermanentError, TransientError
from router.settings.channels.mail import ImapSettings

# Ten seconds for the connection and its handshake; a minute of silence within an answer means a dead connection.
_TIMEOUT: Final = SocketTimeout(connect=10, read=60)

# The identification of RFC 2971. 163.com, 126.com and yeah.net refuse SELECT to clients that do not send it.
_IDENTITY: Final = {"name": "omniyard", "version": "1", "vendor": "omniyard"}

# Response codes of RFC 5530 section 3 and words of providers that mean a temporary refusal.
_PASSING: Final = (
    *("[unavailable]", "[inuse]", "[limit]", "[serverbug]", "[contactadmin]"),
    *("too many", "try again", "temporar", "frequen", "busy"),
)

_HINTS: Final = (
    (("163.com", "126.com", "yeah.net"), "NetEase expects the authorisation code that its web mail shows under IMAP"),
    (("qq.com", "foxmail.com"), "Tencent expects the authorisation code that its web mail shows under IMAP"),
    (("outlook.com", "office365.com", "hotmail.com"), "Exchange Online accepts no passwords: set oauth_token"),
    (("gmail.com", "googlemail.com"), "Google expects an app password, or set oauth_token"),
)


# imapclient has no types.
class TolerantClient(IMAPClient):  # type: ignore[misc]
    """An IMAPClient that reads an answer to SEARCH in several lines, which RFC 3501 does not forbid, as one list."""

    def _raw_command_untagged(self, command: bytes, args: list[bytes], *rest: Any, **options: Any) -> Any:  # noqa: ANN401
        lines = super()._raw_command_untagged(command, args, *rest, **options)
        if command != b"SEARCH":
            return lines
        numbers = (word for line in lines if line for word in line.split() if word.isdigit())
        return [b" ".join(dict.fromkeys(numbers))]


def connect(settings: ImapSettings) -> IMAPClient:
    """Return a client that is logged in and has sent its ID; no folder is selected.

    Raises TransientError when the server cannot be reached, PermanentError when it refuses us.
    """
    with server_errors(settings, "connect"):
        client = _open(settings)
    try:
        with server_errors(settings, "log in"):
            _log_in(client, settings)
            _introduce(client)
    except BaseException:
        hang_up(client)
        raise
    return client


def _introduce(client: IMAPClient) -> None:
    if not client.has_capability("ID"):
        return
    try:
        client.id_(_IDENTITY)
    except IMAPClient.AbortError:
        raise
    except IMAPClient.Error:
        # A server that offers ID and then fails on it is still usable.
        return


def hang_up(client: IMAPClient) -> None:
    """Close a connection, in any state."""
    with suppress(OSError, IMAPClient.Error):
        client.shutdown()


def _open(settings: ImapSettings) -> IMAPClient:
    # Reading the authorities takes 20 ms; a connection without TLS needs none.
    trusted = None if settings.security == "none" else trust(settings.ca_file)
    implicit = settings.security == "tls"
    port = settings.port or (993 if implicit else 143)
    host = settings.host.strip("[]")
    client = TolerantClient(host, port=port, ssl=implicit, ssl_context=trusted, timeout=_TIMEOUT)
    # Otherwise dates come back without a zone, in this process's local time.
    client.normalise_times = False
    if settings.security == "starttls":
        try:
            client.starttls(trusted)
        except BaseException:
            hang_up(client)
            raise
    return client


def _log_in(client: IMAPClient, settings: ImapSettings) -> None:
    if settings.oauth_token:
        token = settings.oauth_token.reveal()
        if client.has_capability("AUTH=XOAUTH2") or not client.has_capability("AUTH=OAUTHBEARER"):
            client.oauth2_login(settings.username, token)
        else:
            client.oauthbearer_login(settings.username, token)
        return
    if not settings.password:
        raise PermanentError("neither password nor oauth_token is set")
    password = settings.password.reveal()
    # LOGIN carries ASCII only; SASL PLAIN is UTF-8 (RFC 4616 section 2).
    if (settings.username + password).isascii() and not client.has_capability("LOGINDISABLED"):
        client.login(settings.username, password)
    else:
        client.plain_login(settings.username, password)


def server_errors(settings: ImapSettings, doing: str) -> AbstractContextManager[None]:
    """Turn each error of the server inside into a TransientError or a PermanentError; see `translate`."""
    explain = partial(_explain, settings=settings)
    return translate(settings.host, doing, refusals=IMAPClient.Error, explain=explain)


def _explain(error: Exception, where: str, *, settings: ImapSettings) -> OmniyardError:
    if isinstance(error, CapabilityError):
        return PermanentError(f"{where}: {_answer_of(error, settings)}; check security")
    if isinstance(error, LoginError):
        return _refused_login(error, settings)
    if isinstance(error, IMAPClient.AbortError):
        return TransientError(f"{where}: the connection broke")
    return _refused(error, settings, where)


def _refused_login(error: LoginError, settings: ImapSettings) -> OmniyardError:
    # IMAPClient raises a LoginError for a broken connection as well; the exception that it was raised from differs.
    if isinstance(error.__context__, IMAPClient.AbortError | OSError):
        return TransientError(f"could not log in at {settings.host}: the connection broke")
    answer = _answer_of(error, settings)
    if any(words in answer.lower() for words in _PASSING):
        return TransientError(f"{settings.host} accepts no login now: {answer}")
    what = "the token is refused or has expired" if settings.oauth_token else "user name or password is refused"
    return PermanentError(f"could not log in at {settings.host}: {what} ({answer}){_hint(settings)}")


def _refused(error: Exception, settings: ImapSettings, where: str) -> OmniyardError:
    answer = _answer_of(error, settings)
    if "Unsafe Login" in answer:
        return PermanentError(f"{where}: the provider calls the login unsafe ({answer}){_hint(settings)}")
    if any(code in answer for code in ("NONEXISTENT", "NOPERM", "CANNOT")):
        return PermanentError(f"{where}: {answer}")
    return TransientError(f"{where}: {answer}")


def _hint(settings: ImapSettings) -> str:
    asked = f"{settings.host} {settings.username}".lower()
    hints = (f"; {hint}" for hosts, hint in _HINTS if any(host in asked for host in hosts))
    return next(hints, "")


def _answer_of(error: Exception, settings: ImapSettings) -> str:
    """Return the server's answer, shortened and without the account's name."""
    first: Any = error.args[0] if error.args else ""
    text = first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)
    text = text.removeprefix("b'").removesuffix("'").replace(settings.username, "...")
    return "".join(char if char.isprintable() else " " for char in text)[:160]


# IDLE is read in slices of this many seconds; a stop is noticed within one of them.
_SLICE: Final = 1.0

# An empty answer well before the time-out means a dead connection: `idle_check` does not report an EOF.
_TOO_SOON: Final = 0.5


@dataclass(frozen=True, slots=True)
class Folder:
    """The answer to SELECT. epoch: UIDVALIDITY, "0" if the server has none.  next_uid: above every existing UID."""

    epoch: str
    next_uid: int
    exists: int


class ImapSession:
    """A connection that is logged in; used by one thread, except for `interrupt`."""

    def __init__(self, settings: ImapSettings) -> None:
        self._name = settings.folder
        self.client = connect(settings)
        self.can_idle = settings.idle and self.client.has_capability("IDLE")

    def open_folder(self, *, readonly: bool) -> Folder:
        """Select the folder and read its state again. Read-only unless messages will be marked or moved."""
        answer: dict[bytes, Any] = self.client.select_folder(self._name, readonly=readonly)
        exists = int(answer.get(b"EXISTS", 0))
        next_uid = answer.get(b"UIDNEXT")
        if next_uid is None:
            next_uid = max(self.client.search(["*"]), default=0) + 1 if exists else 1
        # The answer to SELECT has the number of messages; a later EXISTS means new mail.
        self.has_news()
        return Folder(epoch=str(answer.get(b"UIDVALIDITY", 0)), next_uid=int(next_uid), exists=exists)

    def has_news(self) -> bool:
        """Return whether the server has announced new mail since the last call.

        It announces new mail once, in the answer to any command; that answer may not yet contain the mail.
        """
        return bool(self.client._imap.response("EXISTS")[1] != [None])

    def idle(self, deadline: float, woken: threading.Event) -> None:
        """Return when the server hints at new mail, at `deadline` (monotonic) or when woken.

        Raises TransientError when the connection is dead.
        """
        self.client.idle()
        heard: list[Any] = []
        while not heard and not woken.is_set() and (left := deadline - time.monotonic()) > 0:
            heard = self._listen(min(left, _SLICE))
        self.client.idle_done()

    def _listen(self, seconds: float) -> list[Any]:
        began = time.monotonic()
        responses = self.client.idle_check(timeout=seconds)
        if not responses and time.monotonic() - began < seconds * _TOO_SOON:
            raise TransientError("the server closed the connection while we waited")
        # "* OK Still here" is a keep-alive and announces nothing.
        return [response for response in responses if b"EXISTS" in response or b"BYE" in response]

    def interrupt(self) -> None:
        """End a read of the session's thread; may be called from any thread."""
        # Only shutdown wakes a reader; close would wait for it. Call the plain socket's method, not the TLS socket's:
        # that one would let the reader continue without encryption.
        with suppress(OSError, AttributeError):
            socket.socket.shutdown(self.client.socket(), socket.SHUT_RDWR)

    def end(self) -> None:
        """Close the connection."""
        hang_up(self.client)


def probe(settings: ImapSettings) -> Health:
    """Log in on a separate connection and look at the folder; change nothing."""
    try:
        with server_errors(settings, "log in"):
            session = ImapSession(settings)
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    try:
        with server_errors(settings, f"open the folder {settings.folder!r}"):
            return _look(session, settings)
    except OmniyardError as error:
        return Health(ok=False, findings=(f"logged in at {settings.host}", str(error)))
    finally:
        with suppress(OSError, IMAPClient.Error):
            session.client.logout()
        session.end()


def _look(session: ImapSession, settings: ImapSettings) -> Health:
    folder = session.open_folder(readonly=True)
    findings = [
        f"logged in at {settings.host}; the folder {settings.folder!r} holds {folder.exists} messages",
        "the server announces new mail (IDLE)"
        if session.can_idle
        else f"no IDLE: new mail is noticed every {settings.poll.total_seconds():.0f} s",
    ]
    ok = True
    if settings.after == "move":
        ok = bool(session.client.list_folders(pattern=settings.move_to))
        there = "exists" if ok else "does not exist: create it, or change move_to"
        findings.append(f"the folder {settings.move_to!r} for stored mail {there}")
    return Health(ok=ok, findings=tuple(findings))
