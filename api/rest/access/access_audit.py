"""The audit rows of what administrators and agents do to access; a request's own row names no agent."""

from __future__ import annotations

from api.desk import Desk
from api.http.permissions import Actor
from store.db.engine import read_clock
from store.desk.audit import AuditAction, AuditEntry, append_audit


def write_down(desk: Desk, actor: Actor, action: AuditAction, *, about: str, **detail: str) -> None:
    """Add an audit row about what was done to an agent's access."""
    with desk.database.write() as connection:
        entry = AuditEntry(
            at=read_clock(connection), actor=actor.name, actor_id=actor.id, action=action, object=about, detail=detail
        )
        append_audit(connection, [entry])
