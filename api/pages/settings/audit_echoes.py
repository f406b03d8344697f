"""Leave out of the audit page a row that another row tells better; the trail keeps both.

A change is recorded twice: that it was asked for, and what was done. A snooze is a change of the status, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from api.pages.settings.audit_sentences import Things
from api.paths import API
from api.rest.audit import AuditEntryShown
from router.conversation_status import Status
from router.event_kinds import EventKind
from store.desk.audit import AuditAction

# A request is recorded when it has been answered, its deed a moment before.
_LONGEST: Final = timedelta(seconds=5)
# Requests that name nothing, and never do anything without a row of its own.
_NAMELESS: Final = frozenset(
    {"/settings/duty", "/undo", "/desk/new", "/bulk", "/bulk/undo", f"{API}/conversations/bulk"}
)
# The clocks of two processes, and of the database.
_SKEW: Final = timedelta(seconds=1)


def without_echoes(entries: Sequence[AuditEntryShown], things: Things) -> list[AuditEntryShown]:
    """Return the rows without those that another of them tells better. things: what the ids stand for."""
    deeds = [row for row in entries if not row.action.startswith("request.")]
    return [row for row in entries if not any(_tells(deed, row, things) for deed in deeds)]


def _tells(deed: AuditEntryShown, row: AuditEntryShown, things: Things) -> bool:
    """Return whether a deed says all that a row says."""
    if deed.actor != row.actor or not -_SKEW <= row.at - deed.at <= _LONGEST:
        return False
    if row.action == EventKind.CONVERSATION_STATUS_CHANGED:
        # A snooze says until when, too.
        is_snooze = row.detail.get("to") == Status.SNOOZED and deed.action == EventKind.CONVERSATION_SNOOZED
        return is_snooze and deed.object == row.object
    if row.action != AuditAction.REQUEST_CHANGED:
        return False
    return row.detail.get("route") in _NAMELESS or bool(_names(row, things) & _names(deed, things))


def _names(row: AuditEntryShown, things: Things) -> set[str]:
    """Return every name of what a row is about: ids, references, names of agents."""
    said = {*row.object.split(), str(row.detail.get("agent", ""))} - {""}
    known = [things.get(found) for text in said if (found := _uuid(text))]
    return said | {name for thing in known if thing for name in (thing.name, thing.reference) if name}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
