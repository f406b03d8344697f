"""Leave out of the audit page a row that another row tells better; the trail keeps both.

A change is recorded twice: that it was asked for, and what was done. A snooze is a change of the status, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
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


# Rows about a look or a session: none of them is the deed of a request.
_NO_DEEDS: Final = ("request.", "session.", AuditAction.ORIGINAL_READ.value)


def without_echoes(entries: Sequence[AuditEntryShown], things: Things) -> list[AuditEntryShown]:
    """Return the rows without those that repeat another of them. things: what the ids stand for.

    No row may hide another deed: a deed stands for one request only, and what is doubtful is shown.
    """
    deeds = [row for row in entries if not row.action.startswith(_NO_DEEDS)]
    recorded = _requests_with_deeds(entries, deeds, things)
    return [row for row in entries if row.number not in recorded and not any(_is_snooze(deed, row) for deed in deeds)]


def _requests_with_deeds(
    entries: Sequence[AuditEntryShown], deeds: Sequence[AuditEntryShown], things: Things
) -> set[int]:
    """Return the numbers of the requests whose deeds are among the rows.

    A request takes the deeds since the request before it, of which it may have made several; without one, the first
    that a slower clock dates after it. Of two requests that may have made the same deed none is left out.
    """
    asked = sorted((row for row in entries if row.action == AuditAction.REQUEST_CHANGED), key=_moment)
    possible = {row.number: [deed for deed in deeds if _may_be_of(deed, row, things)] for row in asked}
    taken: dict[int, int] = {}
    for row in asked:
        free = [deed for deed in possible[row.number] if deed.number not in taken]
        made = [deed for deed in free if deed.at <= row.at] or sorted(free, key=_moment)[:1]
        taken |= {deed.number: row.number for deed in made}
    recorded = {*taken.values()}
    doubtful = {
        taken[deed.number]
        for row in asked
        if row.number not in recorded
        for deed in possible[row.number]
        if abs(row.at - deed.at) <= _SKEW
    }
    return recorded - doubtful


def _moment(row: AuditEntryShown) -> tuple[datetime, int]:
    return row.at, row.number


def _may_be_of(deed: AuditEntryShown, asked: AuditEntryShown, things: Things) -> bool:
    """Return whether a deed may be that of a request."""
    if deed.actor != asked.actor or not -_SKEW <= asked.at - deed.at <= _LONGEST:
        return False
    return asked.detail.get("route") in _NAMELESS or bool(_names(asked, things) & _names(deed, things))


def _is_snooze(deed: AuditEntryShown, row: AuditEntryShown) -> bool:
    """Return whether a deed says of a change of the status until when it lasts, too."""
    is_status = row.action == EventKind.CONVERSATION_STATUS_CHANGED and row.detail.get("to") == Status.SNOOZED
    is_recorded = is_status and deed.action == EventKind.CONVERSATION_SNOOZED
    return is_recorded and (deed.actor, deed.object) == (row.actor, row.object) and abs(row.at - deed.at) <= _SKEW


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
