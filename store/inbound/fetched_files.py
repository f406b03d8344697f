"""Files that came as a reference: waiting rows, claimed with a lease, settled with the bytes or with why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import among, insert_new, table_of
from store.db.encryption import sealer_of
from store.db.engine import read_clock
from store.tables.gates import FetchedFileRow, FileState
from store.tables.messages import AttachmentRow


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFile:
    """A file to fetch. attempts: with this one.  since: when its message was routed."""

    id: UUID
    channel: str
    url: str
    sha256: str
    attempts: int


def wait_for_files(connection: Connection, files: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
    """Insert what is to be fetched; the URLs, which may hold a key, are sealed."""
    sealer = sealer_of(connection)
    usual = {"state": FileState.WAITING, "attempts": 0, "due_at": now, "size": 0, "error": ""}
    insert_new(
        connection, FetchedFileRow, rows=[{**file, **usual, "url": sealer.seal_text(file["url"])} for file in files]
    )


def claim_files(connection: Connection, *, limit: int, lease: timedelta) -> list[WaitingFile]:
    """Claim files that are due; a process that dies leaves them to the next when the lease ends."""
    table, now = table_of(FetchedFileRow), read_clock(connection)
    free = sa.or_(table.c.lease_until.is_(None), table.c.lease_until < now)
    due = sa.select(table.c.id).where(table.c.state == FileState.WAITING, table.c.due_at <= now, free)
    due = due.order_by(table.c.due_at, table.c.id).limit(limit).with_for_update(skip_locked=True)
    ids = list(connection.execute(due).scalars())
    if not ids:
        return []
    claimed = sa.update(table).where(among(table.c.id, ids))
    claimed = claimed.values(attempts=table.c.attempts + 1, lease_until=now + lease)
    columns = (table.c.id, table.c.channel, table.c.url, table.c.sha256, table.c.attempts)
    sealer = sealer_of(connection)
    rows = connection.execute(claimed.returning(*columns)).mappings()
    return [WaitingFile(**{**row, "url": sealer.open_text(row["url"])}) for row in rows]


def keep_file(connection: Connection, file_id: UUID, *, packed: bytes, size: int, sha256: str, media_type: str) -> None:
    """Store the bytes, packed, and describe the attachment by them; its message may be erased meanwhile."""
    table, attachment = table_of(FetchedFileRow), table_of(AttachmentRow)
    values = {"state": FileState.FETCHED, "content": sealer_of(connection).seal(packed), "size": size, "url": ""}
    connection.execute(sa.update(table).where(table.c.id == file_id).values(**values, error="", lease_until=None))
    statement = sa.update(attachment).where(attachment.c.id == file_id)
    connection.execute(statement.values(size=size, sha256=sha256, media_type=media_type))


def try_file_again(connection: Connection, file_id: UUID, *, wait: timedelta, why: str) -> None:
    """Leave the file for another attempt after `wait`."""
    table = table_of(FetchedFileRow)
    values = {"due_at": read_clock(connection) + wait, "lease_until": None, "error": why}
    connection.execute(sa.update(table).where(table.c.id == file_id).values(**values))


def give_up_file(connection: Connection, file_id: UUID, *, why: str) -> None:
    """Record that the file cannot be fetched, and why."""
    table = table_of(FetchedFileRow)
    values = {"state": FileState.FAILED, "lease_until": None, "error": why, "url": ""}
    connection.execute(sa.update(table).where(table.c.id == file_id).values(**values))


def count_files(connection: Connection) -> dict[str, int]:
    """Return how many files are in each state."""
    table = table_of(FetchedFileRow)
    statement = sa.select(table.c.state, sa.func.count()).group_by(table.c.state)
    found: dict[str, int] = {row[0]: row[1] for row in connection.execute(statement)}
    return {state.value: found.get(state.value, 0) for state in FileState}


def forget_files(connection: Connection, inbound_ids: Collection[UUID]) -> None:
    """Delete the fetched files of these inbound rows, when their originals go."""
    table = table_of(FetchedFileRow)
    connection.execute(sa.delete(table).where(among(table.c.inbound_id, inbound_ids)))
