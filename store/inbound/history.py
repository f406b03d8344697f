"""Read the history that a batch's decisions need: the conversations its messages refer to, and earlier texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.origin.sender_proof import ProofKind
from store.conversations.read import where_now
from store.db.bulk import among_bound, pair_among_bound, table_of
from store.tables.case_records import ContactLabelRow
from store.tables.messages import ConversationRow, Direction, InboundRow, MessageRow, ThreadKeyRow, digest
from store.tables.operations import AUTO_REPLY, OutboundRow

# Of one contact; the agents read the messages of a contact who writes more in a day.
MOST_SAID: Final = 8
# Of all contacts of a batch.
_MOST_RECENT: Final = 1_000
# How much of a text is compared; two texts that differ only later count as equal.
LONGEST_SAID: Final = 4_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownConversation:
    """A conversation that a message refers to. own: by a Message-ID whose message is in it, not only quoted there."""

    conversation_id: UUID
    reference: str
    contact_id: UUID
    subject: str
    status: str
    last_message_at: datetime
    version: int
    emergency: bool
    channel: str = ""
    category: str | None = None
    labels: tuple[str, ...] = ()
    opened_by: UUID | None = None
    only_notes: bool = False
    own: bool = False


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


def conversations_by_message_id(
    connection: Connection, message_ids: Collection[str], *, contacts: Collection[UUID]
) -> dict[str, list[KnownConversation]]:
    """Return, by Message-ID, the conversations of `contacts` that know it, and those with the message itself.

    In any order: `router.threads.correlation.joined_first` says which of them comes first.
    Other contacts' conversations that only quoted it are left out: a newsletter may be quoted in thousands.
    """
    if not message_ids:
        return {}
    names = {digest(message_id): message_id for message_id in message_ids}
    found: dict[str, list[KnownConversation]] = {}
    for row in connection.execute(_by_message_id(), {"digests": [*names], "contacts": contacts}):
        found.setdefault(names[row.digest], []).append(_known(row, own=row.own))
    return found


# These statements are built once: for each batch that would take longer than the database needs to answer them.
@cache
def _by_message_id() -> sa.Select[Any]:
    keys, table = table_of(ThreadKeyRow), table_of(ConversationRow)
    theirs = sa.or_(among_bound(table.c.contact_id, "contacts"), keys.c.own)
    joined = sa.select(keys.c.digest, keys.c.own, *_columns()).join(table, table.c.id == keys.c.conversation_id)
    return joined.where(among_bound(keys.c.digest, "digests"), theirs)


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


def conversations_by_reference(connection: Connection, references: Collection[str]) -> dict[str, KnownConversation]:
    """Return the conversations with these printed references; of a merged one the other, which has its messages."""
    if not references:
        return {}
    rows: Sequence[Any] = connection.execute(_by_reference(), {"references": references}).all()
    moved = where_now(connection, [row.id for row in rows if row.merged_into is not None])
    found = {row.reference: _known(row) for row in rows}
    if not moved:
        return found
    now = {row.id: _known(row) for row in connection.execute(_by_id(), {"ids": moved.values()})}
    return {
        reference: now[moved[known.conversation_id]] if known.conversation_id in moved else known
        for reference, known in found.items()
    }


@cache
def _by_reference() -> sa.Select[Any]:
    table = table_of(ConversationRow)
    return sa.select(*_columns(), table.c.merged_into).where(among_bound(table.c.reference, "references"))


def chat_conversations(
    connection: Connection, *, contacts: Collection[UUID], channels: Collection[str], since: datetime
) -> list[KnownConversation]:
    """Return the conversations of these contacts on these channels with activity since `since`, in any order."""
    if not contacts:
        return []
    values = {"contacts": contacts, "channels": channels, "since": since}
    return [_known(row) for row in connection.execute(_in_chats(), values)]


@cache
def _in_chats() -> sa.Select[Any]:
    table = table_of(ConversationRow)
    return sa.select(*_columns()).where(
        among_bound(table.c.contact_id, "contacts"),
        among_bound(table.c.channel, "channels"),
        table.c.last_message_at >= sa.bindparam("since"),
        table.c.merged_into.is_(None),
    )


def recent_conversations(
    connection: Connection, *, contacts: Collection[UUID], since: datetime
) -> list[KnownConversation]:
    """Return these contacts' conversations with activity since `since`, oldest first, without those that are forged."""
    if not contacts:
        return []
    found = connection.execute(_recent(), {"contacts": contacts, "since": since})
    return [_known(row) for row in reversed(found.all())]


@cache
def _recent() -> sa.Select[Any]:
    table = table_of(ConversationRow)
    statement = sa.select(*_columns()).where(
        among_bound(table.c.contact_id, "contacts"),
        table.c.last_message_at >= sa.bindparam("since"),
        table.c.merged_into.is_(None),
    )
    message = table_of(MessageRow).alias().c
    forged = sa.select(message.id).where(
        message.conversation_id == table.c.id, message.sender_proof == ProofKind.FAILED
    )
    latest = statement.where(sa.not_(forged.exists()))
    return latest.order_by(table.c.last_message_at.desc(), table.c.id.desc()).limit(_MOST_RECENT)


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
            *_columns(),
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


def labels_of(connection: Connection, contact_ids: Collection[UUID]) -> dict[UUID, frozenset[str]]:
    """Return the labels of those contacts that have any."""
    if not contact_ids:
        return {}
    found: dict[UUID, set[str]] = {}
    for row in connection.execute(_labels(), {"contacts": contact_ids}):
        found.setdefault(row.contact_id, set()).add(row.label)
    return {contact_id: frozenset(labels) for contact_id, labels in found.items()}


@cache
def _labels() -> sa.Select[Any]:
    columns = table_of(ContactLabelRow).c
    return sa.select(columns.contact_id, columns.label).where(among_bound(columns.contact_id, "contacts"))


def conversations_by_id(connection: Connection, ids: Collection[UUID]) -> dict[UUID, KnownConversation]:
    """Return conversations by their ids."""
    return {row.id: _known(row) for row in connection.execute(_by_id(), {"ids": ids})} if ids else {}


@cache
def _by_id() -> sa.Select[Any]:
    return sa.select(*_columns()).where(among_bound(table_of(ConversationRow).c.id, "ids"))


def _columns() -> Sequence[sa.ColumnElement[Any]]:
    columns = table_of(ConversationRow).c
    return [
        columns.id,
        columns.reference,
        columns.contact_id,
        columns.subject,
        columns.status,
        columns.last_message_at,
        columns.version,
        columns.emergency,
        columns.channel,
        columns.category,
        columns.labels,
        columns.opened_by_inbound,
        # Only our own side wrote in it, and that is not proven: one look at an index each.
        sa.and_(columns.status == Status.PENDING, sa.not_(_others(columns.id).exists())).label("only_notes"),
    ]


def _others(conversation_id: sa.ColumnElement[UUID]) -> sa.Select[Any]:
    columns = table_of(MessageRow).alias().c
    return sa.select(columns.id).where(columns.conversation_id == conversation_id, columns.direction != Direction.NOTE)


def _known(row: sa.Row[Any], *, own: bool = False) -> KnownConversation:
    return KnownConversation(
        conversation_id=row.id,
        reference=row.reference,
        contact_id=row.contact_id,
        subject=row.subject,
        status=Status(row.status),
        last_message_at=row.last_message_at,
        version=row.version,
        emergency=row.emergency,
        channel=row.channel,
        category=row.category,
        labels=tuple(row.labels or ()),
        opened_by=row.opened_by_inbound,
        only_notes=bool(row.only_notes),
        own=own,
    )


def _known_words(row: sa.Row[Any]) -> KnownWords:
    return KnownWords(
        message_id=row.message_id,
        channel=row.said_on,
        text=row.words,
        echo=row.echo,
        at=row.said_at,
        conversation=_known(row),
    )
