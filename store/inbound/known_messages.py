"""Read the earlier messages that a batch's decisions need: equal ones, those of a contact, our own and our replies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.origin.sender_proof import ProofKind
from store.db.bulk import among_bound, pair_among_bound, table_of
from store.inbound.known_conversations import KnownConversation, columns_of_known, read_known
from store.tables.messages import ConversationRow, Direction, InboundRow, MessageRow, ThreadKeyRow, digest
from store.tables.operations import AUTO_REPLY, OutboundRow

# Of one contact; the agents read the messages of a contact who writes more in a day.
MOST_SAID: Final = 8
# How much of a text is compared; two texts that differ only later count as equal.
LONGEST_SAID: Final = 4_000


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message of ours.

    opened_by: the inbound row that opened its conversation; None if a colleague's program sent it, so that its copy is
        a message of its own.
    addresses: to whom it went.
    """

    opened_by: UUID | None
    addresses: frozenset[str]


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """An earlier message of a contact. The order of the fields is that of `_like`."""

    contact_id: UUID
    fingerprint: str
    rfc_message_id: str | None
    content_hash: bytes
    inbound_id: UUID
    conversation_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownWords:
    """A contact's message and its conversation. text: masked."""

    message_id: UUID
    channel: str
    text: str
    echo: str
    at: datetime
    conversation: KnownConversation


def sent_by_us(connection: Connection, message_ids: Collection[str]) -> dict[str, SentMessage]:
    """Return those of these Message-IDs that are of messages of ours: from here, or by a colleague's mail program."""
    if not message_ids:
        return {}
    return _sent_elsewhere(connection, message_ids) | _sent_from_here(connection, message_ids)


def _sent_from_here(connection: Connection, message_ids: Collection[str]) -> dict[str, SentMessage]:
    return {
        row.rfc_message_id: SentMessage(row.opened_by_inbound, frozenset({row.recipient, *(row.copies or ())}))
        for row in connection.execute(_from_here(), {"message_ids": message_ids})
    }


# These statements are built once: for each batch that would take longer than the database needs to answer them.
@cache
def _from_here() -> sa.Select[Any]:
    table, conversation = table_of(OutboundRow), table_of(ConversationRow)
    return (
        sa.select(table.c.rfc_message_id, table.c.recipient, table.c.copies, conversation.c.opened_by_inbound)
        .join(conversation, conversation.c.id == table.c.conversation_id)
        .where(among_bound(table.c.rfc_message_id, "message_ids"))
    )


def _sent_elsewhere(connection: Connection, message_ids: Collection[str]) -> dict[str, SentMessage]:
    values = {"digests": [digest(each) for each in message_ids], "message_ids": message_ids}
    found = connection.execute(_from_elsewhere(), values).scalars()
    return {message_id: SentMessage(None, frozenset()) for message_id in found}


@cache
def _from_elsewhere() -> sa.Select[Any]:
    keys, message = table_of(ThreadKeyRow), table_of(MessageRow)
    known = sa.select(keys.c.conversation_id).where(among_bound(keys.c.digest, "digests"))
    return sa.select(message.c.rfc_message_id).where(
        message.c.conversation_id.in_(known),
        message.c.direction == Direction.OUTGOING,
        message.c.inbound_id.is_not(None),
        among_bound(message.c.rfc_message_id, "message_ids"),
    )


def messages_like(
    connection: Connection,
    *,
    said: Collection[tuple[UUID, str]],
    message_ids: Collection[str],
    hashes: Collection[bytes],
) -> list[KnownMessage]:
    """Return messages with the same contact and fingerprint, under one of these Message-IDs or with equal bytes.

    said: the pairs of contact and fingerprint.
    Oldest first, and from any time: a recreated mailbox delivers mail of years again.
    """
    if not said:
        return []
    values = {"said": said, "message_ids": message_ids, "hashes": [*hashes]}
    return [KnownMessage(*row) for row in connection.execute(_like(), values)]


@cache
def _like() -> sa.Select[Any]:
    table, inbound = table_of(MessageRow), table_of(InboundRow)
    return (
        sa.select(
            table.c.contact_id,
            table.c.fingerprint,
            table.c.rfc_message_id,
            inbound.c.content_hash,
            table.c.inbound_id,
            table.c.conversation_id,
        )
        .join(inbound, inbound.c.id == table.c.inbound_id)
        .where(
            pair_among_bound((table.c.contact_id, table.c.fingerprint), "said"),
            sa.or_(among_bound(table.c.rfc_message_id, "message_ids"), among_bound(inbound.c.content_hash, "hashes")),
        )
        .order_by(table.c.received_at, table.c.id)
    )


def recently_said(connection: Connection, *, contacts: Collection[UUID], since: datetime) -> list[KnownWords]:
    """Return the latest messages of each contact since `since`, on any channel, oldest first."""
    if not contacts:
        return []
    return [_known_words(row) for row in connection.execute(_said(), {"contacts": contacts, "since": since})]


def said_before(
    connection: Connection, *, said: Collection[tuple[UUID, str]], since: datetime
) -> list[tuple[UUID, str, KnownWords]]:
    """Return the first message of each contact and fingerprint in a case that is not resolved, oldest first.

    One of each: a machine's report of every minute has thousands, and they must not hide another sender's.
    """
    found = connection.execute(_before(), {"said": said, "since": since})
    return [(row.message_contact, row.fingerprint, _known_words(row)) for row in found]


@cache
def _before() -> sa.Select[Any]:
    message, conversation = table_of(MessageRow), table_of(ConversationRow)
    place = sa.func.row_number().over(
        partition_by=(message.c.contact_id, message.c.fingerprint), order_by=(message.c.received_at, message.c.id)
    )
    statement = sa.select(
        place.label("place"),
        message.c.id.label("message_id"),
        message.c.contact_id.label("message_contact"),
        message.c.fingerprint,
        message.c.channel.label("said_on"),
        message.c.received_at.label("said_at"),
        message.c.echo,
        # Its words are equal: the fingerprint says so.
        sa.literal("").label("words"),
        *columns_of_known(),
    ).join(conversation, conversation.c.id == message.c.conversation_id)
    ranked = statement.where(
        pair_among_bound((message.c.contact_id, message.c.fingerprint), "said"),
        message.c.received_at >= sa.bindparam("since"),
        message.c.direction == Direction.INCOMING,
        message.c.sender_proof != ProofKind.FAILED,
        conversation.c.contact_id == message.c.contact_id,
        conversation.c.status != Status.RESOLVED,
    ).subquery()
    return sa.select(ranked).where(ranked.c.place == 1).order_by(ranked.c.said_at, ranked.c.message_id)


@cache
def _said() -> sa.Select[Any]:
    message, conversation = table_of(MessageRow), table_of(ConversationRow)
    since: sa.BindParameter[datetime] = sa.bindparam("since")
    place = sa.func.row_number().over(
        partition_by=conversation.c.contact_id, order_by=(message.c.received_at.desc(), message.c.id.desc())
    )
    words = sa.case((message.c.text != "", message.c.text), else_=message.c.quoted)
    ranked = (
        sa.select(
            message.c.id.label("message_id"),
            message.c.channel.label("said_on"),
            message.c.received_at.label("said_at"),
            message.c.echo,
            sa.func.substr(words, 1, LONGEST_SAID).label("words"),
            *columns_of_known(),
            place.label("place"),
        )
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(
            among_bound(conversation.c.contact_id, "contacts"),
            conversation.c.last_message_at >= since,
            message.c.received_at >= since,
            message.c.direction == Direction.INCOMING,
            message.c.sender_proof != ProofKind.FAILED,
        )
        .subquery()
    )
    return sa.select(ranked).where(ranked.c.place <= MOST_SAID).order_by(ranked.c.said_at, ranked.c.message_id)


def automatic_replies(connection: Connection, conversation_ids: Collection[UUID]) -> set[str]:
    """Return the dedupe keys of the automatic replies to these conversations."""
    if not conversation_ids:
        return set()
    return set(connection.execute(_automatic(), {"ids": conversation_ids}).scalars())


@cache
def _automatic() -> sa.Select[Any]:
    columns = table_of(OutboundRow).c
    said = sa.select(columns.dedupe_key).where(among_bound(columns.conversation_id, "ids"))
    return said.where(columns.kind == AUTO_REPLY)


def _known_words(row: sa.Row[Any]) -> KnownWords:
    return KnownWords(
        message_id=row.message_id,
        channel=row.said_on,
        text=row.words,
        echo=row.echo,
        at=row.said_at,
        conversation=read_known(row),
    )
