"""What `omniyard doctor` wants to know about a mailbox."""

from __future__ import annotations

from contextlib import suppress

from imapclient import IMAPClient

from connectors.base import Health
from connectors.email.imap.session import Session
from connectors.email.imap_login import translating
from router.errors import OmniyardError
from router.settings.channels import ImapSettings


def probe(settings: ImapSettings) -> Health:
    """Log in on a connection of its own, look at the folder, change nothing."""
    try:
        with translating(settings, "log in"):
            session = Session(settings)
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    try:
        with translating(settings, f"open the folder {settings.folder!r}"):
            return _look(session, settings)
    except OmniyardError as error:
        return Health(ok=False, findings=(f"logged in at {settings.host}", str(error)))
    finally:
        with suppress(OSError, IMAPClient.Error):
            session.client.logout()
        session.end()


def _look(session: Session, settings: ImapSettings) -> Health:
    folder = session.open_folder(readonly=True)
    findings = [
        f"logged in at {settings.host}; the folder {settings.folder!r} holds {folder.exists} messages",
        "the server says when mail arrives (IDLE)"
        if session.can_idle
        else f"no IDLE: new mail is noticed every {settings.poll.total_seconds():.0f} s",
    ]
    ok = True
    if settings.after == "move":
        ok = bool(session.client.list_folders(pattern=settings.move_to))
        there = "is there" if ok else "is not there: create it, or change move_to"
        findings.append(f"the folder {settings.move_to!r} for mail that is kept {there}")
    return Health(ok=ok, findings=tuple(findings))
