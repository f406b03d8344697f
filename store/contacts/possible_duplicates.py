"""The input of `router.threads.same_person`: a contact's newest texts, and the owners of the handles in them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.threads.same_person import HandleOwner
from store.db.bulk import among, table_of
from store.tables.messages import ContactRow, ConversationRow, Direction, IdentityRow, MessageRow

# How many of the newest messages are read: a customer usually names an address early.
_READ: Final = 20
_MOST: Final = 10


def newest_texts(
    connection: Connection, contact_id: UUID, *, only_teams: Collection[str] | None = None
) -> list[tuple[UUID, str]]:
    """Return the ids and texts of a contact's newest messages, newest first.

    only_teams: the teams that the reader may see; None means all.
    """
    message, conversation = table_of(MessageRow).c, table_of(ConversationRow).c
    statement = (
        sa.select(message.id, message.subject, message.text)
        .join(table_of(ConversationRow), conversation.id == message.conversation_id)
        .where(conversation.contact_id == contact_id, message.direction == Direction.INCOMING)
    )
    if only_teams is not None:
        statement = statement.where(among(conversation.team, only_teams))
    newest = statement.order_by(message.received_at.desc(), message.id.desc()).limit(_READ)
    return [(row.id, f"{row.subject}\n{row.text}") for row in connection.execute(newest)]


def owners_of(
    connection: Connection, handles: Collection[str], *, other_than: UUID, only_teams: Collection[str] | None = None
) -> list[HandleOwner]:
    """Return up to ten contacts with these handles, of any kind; the newest handle first.

    other_than: the contact who named them.  only_teams: as for `newest_texts`, of the owners' conversations.
    """
    if not handles:
        return []
    identity, contact = table_of(IdentityRow), table_of(ContactRow)
    statement = (
        sa.select(identity.c.kind, identity.c.handle, contact.c.id.label("contact_id"), contact.c.name)
        .join(contact, contact.c.id == identity.c.contact_id)
        .where(among(identity.c.handle, sorted(set(handles))))
        .where(contact.c.id != other_than, contact.c.merged_into.is_(None), contact.c.erased_at.is_(None))
    )
    if only_teams is not None:
        theirs = table_of(ConversationRow).c
        seen = sa.exists().where(theirs.contact_id == contact.c.id, among(theirs.team, only_teams))
        statement = statement.where(seen)
    ordered = statement.order_by(identity.c.created_at.desc(), identity.c.id).limit(_MOST)
    return [HandleOwner(**row) for row in connection.execute(ordered).mappings()]
