"""Contacts that may be one person, by what somebody wrote: a suggestion to people, never a merge by itself.

Whoever names an address has not proved that it is theirs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.envelope import PartyKind
from router.text.facts import find_facts
from store.db.bulk import among, table_of
from store.tables.messages import ContactRow, ConversationRow, Direction, IdentityRow, MessageRow

# So many of the newest messages are read; who claims an address does so soon.
_READ: Final = 20
_MOST: Final = 10
# What of a text may be a handle of another channel.
_HANDLES: Final = {
    "registered_email": (PartyKind.EMAIL,),
    "phone": (PartyKind.PHONE, PartyKind.WHATSAPP),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Another contact who has a handle that this one named. message_id: where it was named last."""

    contact_id: UUID
    name: str
    kind: str
    handle: str
    message_id: UUID


def suggest_same(
    connection: Connection, contact_id: UUID, *, only_teams: Collection[str] | None = None
) -> list[Suggestion]:
    """Return contacts who have an address or number that this contact's messages name, by the newest of them.

    only_teams: whose conversations the reader sees, of both contacts; None is all.
    """
    claimed: dict[tuple[PartyKind, str], UUID] = {}
    for message in _newest(connection, contact_id, only_teams=only_teams):
        for fact in find_facts(f"{message.subject}\n{message.text}"):
            for kind in _HANDLES.get(fact.kind, ()):
                claimed.setdefault((kind, fact.value), message.id)
    if not claimed:
        return []
    identity, contact = table_of(IdentityRow), table_of(ContactRow)
    statement = (
        sa.select(identity.c.kind, identity.c.handle, contact.c.id, contact.c.name)
        .join(contact, contact.c.id == identity.c.contact_id)
        .where(among(identity.c.handle, sorted({handle for _, handle in claimed})))
        .where(contact.c.id != contact_id, contact.c.merged_into.is_(None), contact.c.erased_at.is_(None))
    )
    if only_teams is not None:
        theirs = table_of(ConversationRow).c
        seen = sa.exists().where(theirs.contact_id == contact.c.id, among(theirs.team, only_teams))
        statement = statement.where(seen)
    rows = connection.execute(statement.order_by(identity.c.created_at.desc(), identity.c.id).limit(_MOST)).all()
    return [
        Suggestion(contact_id=row.id, name=row.name, kind=row.kind, handle=row.handle, message_id=claimed[key])
        for row in rows
        if (key := (PartyKind(row.kind), row.handle)) in claimed
    ]


def _newest(
    connection: Connection, contact_id: UUID, *, only_teams: Collection[str] | None
) -> list[sa.Row[tuple[UUID, str, str]]]:
    message, conversation = table_of(MessageRow).c, table_of(ConversationRow).c
    statement = (
        sa.select(message.id, message.subject, message.text)
        .join(table_of(ConversationRow), conversation.id == message.conversation_id)
        .where(conversation.contact_id == contact_id, message.direction == Direction.INCOMING)
    )
    if only_teams is not None:
        statement = statement.where(among(conversation.team, only_teams))
    return list(connection.execute(statement.order_by(message.received_at.desc(), message.id.desc()).limit(_READ)))
