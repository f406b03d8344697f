"""Leave out of the audit page the rows of requests whose deed has a row of its own.

A change on a page is recorded twice: that it was asked for, and what was done. The second says more. The trail keeps
both.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from api.pages.settings.audit_sentences import Things
from api.rest.audit import AuditEntryShown
from store.desk.audit import AuditAction

# A request is recorded when it has been answered, its deed a moment before.
_LONGEST: Final = timedelta(seconds=5)
# Requests that name nothing, because they concern their actor.
_OF_ONESELF: Final = frozenset({"/settings/duty"})
# The clocks of two processes, and of the database.
_SKEW: Final = timedelta(seconds=1)


def without_echoes(entries: Sequence[AuditEntryShown], things: Things) -> list[AuditEntryShown]:
    """Return the rows without requests that another of these rows tells better. things: what the ids stand for."""
    deeds = [row for row in entries if not row.action.startswith("request.")]
    return [row for row in entries if not any(_tells(deed, row, things) for deed in deeds)]


def _tells(deed: AuditEntryShown, asked: AuditEntryShown, things: Things) -> bool:
    if asked.action != AuditAction.REQUEST_CHANGED or deed.actor != asked.actor:
        return False
    named = {asked.actor} if asked.detail.get("route") in _OF_ONESELF else _names(asked, things)
    return -_SKEW <= asked.at - deed.at <= _LONGEST and bool(named & _names(deed, things))


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
