"""Find people and files by their names, among those that the reader may see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.conversations.lists import seen_by_teams
from store.conversations.read import handles
from store.db.bulk import among, table_of
from store.desk.names_index import NamedKind, named
from store.tables.messages import AttachmentRow, ContactRow, ConversationRow, MessageRow

# Of a common beginning such as "li", only so many are looked at.
_MOST_NAMED: Final = 500
# A count above this is shown as "100+".
MOST_COUNTED: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPerson:
    """A contact. conversations: how many the reader sees.  last_message_at: of the newest of them."""

    id: UUID
    name: str
    handles: tuple[str, ...]
    conversations: int
    last_message_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """An attachment, with its conversation."""

    id: UUID
    name: str
    media_type: str
    size: int
    message_id: UUID
    reference: str
    subject: str
    received_at: datetime


def find_people(
    connection: Connection, query: str, *, only_teams: Collection[str] | None, limit: int
) -> tuple[list[FoundPerson], int]:
    """Return contacts with these words in their names and handles, the last active first, and how many there are.

    only_teams: the teams that the reader may see; None means all.  The number is at most `MOST_COUNTED` + 1.
    """
    wanted = named(NamedKind.PERSON, query)
    if wanted is None:
        return [], 0
    rows = connection.execute(_last_active(wanted.limit(_MOST_NAMED), only_teams=only_teams)).all()
    found = {row.id: row.last_message_at for row in rows if row.last_message_at is not None}
    shown = [*found][:limit]
    if not shown:
        return [], 0
    known, people = handles(connection, shown), _people(connection, shown, only_teams=only_teams)
    # On PostgreSQL a contact may have been merged or deleted since the first statement.
    shown = [each for each in shown if each in people]
    return [
        FoundPerson(**people[each], handles=tuple(known[each]), last_message_at=found[each]) for each in shown
    ], len(found)


def _last_active(named_ids: sa.Select[Any], *, only_teams: Collection[str] | None) -> sa.Select[Any]:
    """Return the query for contacts and their newest message, the last active first; None for those without a case.

    A look-up in one index for each of them: joined, both tables would be read from end to end for a common name.
    """
    one, case = named_ids.subquery("one"), table_of(ConversationRow).c
    newest = sa.select(sa.func.max(case.last_message_at)).where(case.contact_id == one.c.object_id)
    at = newest.where(*seen_by_teams(only_teams)).scalar_subquery().label("last_message_at")
    statement = sa.select(one.c.object_id.label("id"), at)
    return statement.order_by(at.desc().nulls_last(), one.c.object_id).limit(MOST_COUNTED + 1)


def _people(
    connection: Connection, ids: Collection[UUID], *, only_teams: Collection[str] | None
) -> dict[UUID, dict[str, Any]]:
    contact, case = table_of(ContactRow), table_of(ConversationRow)
    statement = sa.select(contact.c.id, contact.c.name, sa.func.count().label("conversations"))
    statement = statement.join(case, case.c.contact_id == contact.c.id)
    statement = statement.where(among(contact.c.id, ids), *seen_by_teams(only_teams))
    grouped = statement.group_by(contact.c.id, contact.c.name)
    return {row["id"]: dict(row) for row in connection.execute(grouped).mappings()}


def find_files(
    connection: Connection, query: str, *, only_teams: Collection[str] | None, limit: int
) -> tuple[list[FoundFile], int]:
    """Return files with these words in their names, the newest first, and how many there are; see `find_people`."""
    wanted = named(NamedKind.FILE, query)
    if wanted is None:
        return [], 0
    file, message, case = table_of(AttachmentRow), table_of(MessageRow), table_of(ConversationRow)
    own = (file.c[name] for name in ("id", "name", "media_type", "size", "message_id"))
    statement = (
        sa.select(*own, case.c.reference, case.c.subject, message.c.received_at)
        .join(message, message.c.id == file.c.message_id)
        .join(case, case.c.id == message.c.conversation_id)
        .where(file.c.id.in_(wanted.limit(_MOST_NAMED)), *seen_by_teams(only_teams))
        .order_by(file.c.id.desc())
        .limit(MOST_COUNTED + 1)
    )
    rows = connection.execute(statement).mappings().all()
    return [FoundFile(**row) for row in rows[:limit]], len(rows)
