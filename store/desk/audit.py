"""The audit trail: which agent read or changed what; each row is sealed with the hash of the row before it.

Rows are inserted without a number, so that readers do not wait for each other; the publisher numbers and seals them in
the order of writing. A later change or removal of a sealed row breaks the chain from there on. Events with an actor are
copied in the publisher's transaction, so each such action has its row.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa
from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.engine import Connection

from router.text.case_tokens import typed_reference
from store.db.bulk import columns_of, insert_rows, table_of
from store.db.ids import new_id
from store.desk.access.audited_things import ids_called
from store.tables.operations import AuditRow, EventRow

_BATCH: Final = 500
# Query parameters that choose a part of a list, or its looks, and not what is asked for.
_PAGING: Final = frozenset({"cursor", "limit", "after", "before", "language", "theme"})
# The purpose of the key of `hash_query`.
AUDIT_QUERIES: Final = "audit queries"
# 128 bits, in hex.
_QUERY_HASH: Final = 32
# The hash that the first row follows.
_NOTHING: Final = bytes(32)
_ORDER: Final = {"sqlite": "seq, rowid", "postgresql": "seq"}
# The payload keys that name the actor of an event.
_ACTORS: Final = ("by", "author")
# The payload keys that name its object, if that is not a conversation.
_ABOUT: Final = ("contact_id", "inbound_id", "outbound_id")


class AuditAction(StrEnum):
    """What a row can be about, apart from the kinds of events: the audit page has words for each."""

    REQUEST_READ = "request.read"
    REQUEST_LISTED = "request.listed"
    REQUEST_CHANGED = "request.changed"
    REQUEST_REFUSED = "request.refused"
    SESSION_BEGAN = "session.began"
    SESSION_ENDED = "session.ended"
    SESSION_REFUSED = "session.refused"
    AGENT_ADDED = "agent.added"
    AGENT_SET = "agent.set"
    AGENT_ROLE = "agent.role"
    AGENT_EMAIL = "agent.email"
    AGENT_ACCOUNT = "agent.account"
    AGENT_PROVIDER_SET = "agent.provider_set"
    AGENT_REVOKE = "agent.revoke"
    AGENT_REVOKED = "agent.revoked"
    AGENT_TOKEN = "agent.token"  # noqa: S105  (a kind of row)
    AGENT_TOKEN_ROTATED = "agent.token_rotated"  # noqa: S105
    AGENT_TOKEN_LIMITED = "agent.token_limited"  # noqa: S105
    AGENT_TOKEN_ENDED = "agent.token_ended"  # noqa: S105
    AGENT_PASSWORD = "agent.password"  # noqa: S105
    AGENT_PASSWORD_SET = "agent.password_set"  # noqa: S105
    AGENT_FACTOR = "agent.factor"
    AGENT_RECOVERY_RENEWED = "agent.recovery_renewed"
    AGENT_RECOVERY_USED = "agent.recovery_used"
    CALL_CALLED_BACK = "call.called_back"
    CALL_NOTED = "call.noted"
    CASE_EXPORTED = "case.exported"
    CASE_EXPORTED_WITH_ORIGINALS = "case.exported_with_originals"
    CHAT_BLOCK = "chat.block"
    CHAT_END = "chat.end"
    CHAT_RESUME = "chat.resume"
    CHAT_TRANSFER = "chat.transfer"
    CHAT_UNBLOCK = "chat.unblock"
    KEY_RESEALED = "key.resealed"
    KEY_ROTATED = "key.rotated"
    ORIGINAL_READ = "original.read"


_DEEDS: Final = sa.text(f"audit.action NOT IN ('{AuditAction.REQUEST_READ}', '{AuditAction.REQUEST_LISTED}')")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """A row to write. detail: words and ids of ours, as texts."""

    at: datetime
    actor: str
    action: AuditAction
    object: str = ""
    actor_id: UUID | None = None
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """A stored row."""

    number: int
    id: UUID
    at: datetime
    actor: str
    actor_id: UUID | None
    action: str
    object: str
    detail: Mapping[str, Any]
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """The result of a check. rows: how many were checked.  broken: the first number that does not match its seal.

    head: number and hash of the last sealed row; stored elsewhere, it proves later that no rows were cut off the end.
    """

    rows: int
    broken: int | None
    why: str
    head: tuple[int, str]


def hash_query(key: bytes, query: str) -> str:
    """Return the keyed hash of what a list or a search asked for; empty for no question.

    query: as in a URL. The order of its parts, and where a page begins and ends, make no difference.
    """
    asked = sorted(pair for pair in parse_qsl(query, errors="replace") if pair[0] not in _PAGING)
    if not asked:
        return ""
    return hmac.new(key, to_json(asked), hashlib.sha256).hexdigest()[:_QUERY_HASH]


def append_audit(connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """Insert rows in the caller's transaction; they are sealed within a second."""
    rows = (
        {
            "at": entry.at,
            "actor": entry.actor,
            "actor_id": entry.actor_id,
            "action": str(entry.action),
            "object": entry.object,
            "detail": dict(entry.detail),
        }
        for entry in entries
    )
    _insert(connection, rows)


def _insert(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    insert_rows(connection, AuditRow, rows=[{"id": new_id(), **row} for row in rows])


def is_anything_unsealed(connection: Connection) -> bool:
    """Return whether there are rows to seal."""
    table = table_of(AuditRow)
    return connection.execute(sa.select(table.c.id).where(table.c.number.is_(None)).limit(1)).first() is not None


def copy_actions(connection: Connection, *, after: int) -> None:
    """Copy events with greater numbers that name an actor; only the publisher may call this."""
    events = connection.execute(_with_actor(), {"after": after}).mappings()
    _insert(connection, [row for event in events if (row := _row_of(event))])


@cache
def _with_actor() -> sa.Select[Any]:
    # Few events have one, so the database looks: making a row of each event costs as much as numbering it.
    columns = table_of(EventRow).c
    actors = (sa.func.coalesce(columns.payload[key].as_string(), "") != "" for key in _ACTORS)
    statement = sa.select(columns.kind, columns.conversation_id, columns.payload, columns.at)
    return statement.where(columns.number > sa.bindparam("after"), sa.or_(*actors)).order_by(columns.number)


def seal(connection: Connection) -> int:
    """Give a batch of rows numbers and seals; return how many. Only the publisher may call this."""
    rows = connection.execute(_unsealed(connection.dialect.name)).mappings().all()
    if not rows:
        return 0
    table = table_of(AuditRow)
    number, before = _head(connection)
    sealed = []
    for row in rows:
        number += 1
        before = _hash(row, number=number, before=before)
        sealed.append({"row": row["id"], "given": number, "sealed": before})
    statement = sa.update(table).where(table.c.id == sa.bindparam("row"))
    connection.execute(statement.values(number=sa.bindparam("given"), hash=sa.bindparam("sealed")), sealed)
    return len(sealed)


@cache
def _unsealed(dialect: str) -> sa.Select[Any]:
    table = table_of(AuditRow)
    return sa.select(table).where(table.c.number.is_(None)).order_by(text(_ORDER[dialect])).limit(_BATCH)


def check_chain(connection: Connection) -> AuditCheck:
    """Compute the whole chain again and return the first row that does not match its seal."""
    before, number = _NOTHING, 0
    for row in _sealed(connection):
        if row["number"] != number + 1:
            return _broken(number + 1, "the row is missing", at=(number, before))
        expected = _hash(row, number=row["number"], before=before)
        if row["hash"] != expected:
            return _broken(row["number"], "the row does not match its seal", at=(number, before))
        number, before = row["number"], expected
    return AuditCheck(rows=number, broken=None, why="", head=(number, before.hex()))


def list_audit(  # noqa: PLR0913  (one a filter)
    connection: Connection,
    *,
    actor: str | None = None,
    action: str | None = None,
    about: str | None = None,
    query: str | None = None,
    looks: bool = True,
    before: int | None = None,
    limit: int,
) -> list[AuditRecord]:
    """Return sealed rows, newest first. before: the last number of the page before.  query: a `hash_query`.

    looks: whether rows about what was only looked at are among them.

    about: an exact id or name, or a reference in any form; what is called so is found under its id too.
    """
    table = table_of(AuditRow)
    statement = sa.select(*columns_of(AuditRow, AuditRecord)).where(table.c.number.is_not(None))
    for column, value in ((table.c.actor, actor), (table.c.action, action)):
        statement = statement if value is None else statement.where(column == value)
    if not looks:
        # Written out and not bound: else PostgreSQL does not see that the partial indexes are for it.
        statement = statement.where(_DEEDS)
    if about is not None:
        # A row names a case by its id or its reference, a person may have it in another form.
        named = {about, typed_reference(about), *ids_called(connection, about)}
        statement = statement.where(table.c.object.in_(named - {""}))
    if query is not None:
        statement = statement.where(table.c.detail["query"].as_string() == query)
    if before is not None:
        statement = statement.where(table.c.number < before)
    rows = connection.execute(statement.order_by(table.c.number.desc()).limit(limit)).mappings()
    return [AuditRecord(**row) for row in rows]


def _head(connection: Connection) -> tuple[int, bytes]:
    table = table_of(AuditRow)
    statement = (
        sa.select(table.c.number, table.c.hash).where(table.c.number.is_not(None)).order_by(table.c.number.desc())
    )
    row = connection.execute(statement.limit(1)).first()
    return (row.number, row.hash) if row else (0, _NOTHING)


def _sealed(connection: Connection) -> Iterator[sa.RowMapping]:
    table, last = table_of(AuditRow), 0
    while True:
        statement = sa.select(table).where(table.c.number > last).order_by(table.c.number).limit(_BATCH)
        rows = connection.execute(statement).mappings().all()
        if not rows:
            return
        yield from rows
        last = rows[-1]["number"]


def _hash(row: sa.RowMapping, *, number: int, before: bytes) -> bytes:
    at = row["at"].astimezone(UTC).isoformat(timespec="microseconds")
    actor_id = row["actor_id"].hex if row["actor_id"] else ""
    # PostgreSQL returns an object's keys in an order of its own.
    detail = sorted(row["detail"].items())
    said = [number, row["id"].hex, at, row["actor"], actor_id, row["action"], row["object"], detail]
    return hashlib.sha256(before + to_json(said)).digest()


def _broken(number: int, why: str, *, at: tuple[int, bytes]) -> AuditCheck:
    return AuditCheck(rows=number - 1, broken=number, why=why, head=(at[0], at[1].hex()))


def _row_of(event: sa.RowMapping) -> dict[str, Any] | None:
    payload, case = event["payload"], event["conversation_id"]
    actor = next((str(payload[key]) for key in _ACTORS if payload.get(key)), "")
    if not actor:
        return None
    detail = {key: _as_text(value) for key, value in payload.items() if key not in _ACTORS and value is not None}
    about = str(case) if case else next((detail[key] for key in _ABOUT if key in detail), "")
    # A later version may have written the event, so its kind may be unknown to this one.
    kind = {"at": event["at"], "action": event["kind"], "object": about}
    return {**kind, "actor": actor, "actor_id": None, "detail": detail}


def _as_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
