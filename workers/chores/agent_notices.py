"""A step of the publisher: agents hear what happened to their cases, once for each event."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from store.desk.notices import write_notices


def notice_step(connection: Connection, after: int) -> int:
    """Write the notices of the new events; see `workers.chores.publish_events.Step`."""
    write_notices(connection, after=after)
    return 0
