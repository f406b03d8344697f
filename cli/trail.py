"""What the command line leaves in the audit trail: the same rows as the desk, under the operator's name there."""

from __future__ import annotations

import getpass
import os
from typing import Final

from sqlalchemy.engine import Connection

from store.clock import read_clock
from store.desk.audit import AuditEntry, append_audit

_ACTOR: Final = "the command line"


def write_down(connection: Connection, action: str, *, about: str, **detail: str) -> None:
    """Leave a row in the action's own transaction, with the name of the machine's user beside it.

    That name is the machine's word: whoever may run commands there may have taken another's.
    """
    told = {**detail, "user": _user()}
    append_audit(
        connection, [AuditEntry(at=read_clock(connection), actor=_ACTOR, action=action, object=about, detail=told)]
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user often has a number and no name.
        return str(os.getuid())
