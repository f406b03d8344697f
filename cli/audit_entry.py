"""Write down what a command did, with the operating system's user."""

from __future__ import annotations

import getpass
import os
from typing import Final

from sqlalchemy.engine import Connection

from store.db.engine import read_clock
from store.desk.audit import AuditAction, AuditEntry, append_audit

_ACTOR: Final = "the command line"


def write_down(connection: Connection, action: AuditAction, *, about: str, **detail: str) -> None:
    """Add an audit row in the action's own transaction, with the operating system's user name as a detail.

    That name is no proof: a person who may run commands on the machine may use another user's account.
    """
    with_user = {**detail, "user": _user()}
    append_audit(
        connection, [AuditEntry(at=read_clock(connection), actor=_ACTOR, action=action, object=about, detail=with_user)]
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user often has a number and no name.
        return str(os.getuid())
