"""Read messages for agents: those of a conversation, one alone, their attachments and their originals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from router.errors import NotFound
from router.origin.sender_proof import ProofKind
from router.routing.trace import Trace, read_trace
from store.conversations.read import Position, behind
from store.db.bulk import among_bound, columns_of, table_of
from store.db.encryption import sealer_of
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.tables.gates import FetchedFileRow, FileState
from store.tables.messages import AttachmentRow, InboundRow, MessageRow, OriginalRow
from store.tables.operations import AGENT_MAIL, ONE_TIME_CODE, OutboundRow


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRecord:
    """One entry of a conversation. html: empty in lists, where `has_html` says whether there is HTML.

    delivery: the state of an outgoing message, None for an incoming one; sent_as: `reply` or `forward`, likewise.
    sent_to, copies, blind_copies: who gets an outgoing message.
    """

    id: UUID
    conversation_id: UUID
    contact_id: UUID
    inbound_id: UUID | None
    outbound_id: UUID | None
    direction: str
    channel: str
    sender_handle: str
    sender_name: str
    subject: str
    text: str
    quoted: str
    html: str
    has_html: bool
    has_remote: bool
    rfc_message_id: str | None
    sent_at: datetime | None
    received_at: datetime
    origin: str
    sender_proof: str
    answer_to: str
    other_address: str
    trace: Trace
    edited_at: datetime | None
    withdrawn_at: datetime | None
    delivery: str | None
    sent_as: str | None = None
    sent_to: str | None = None
    copies: list[str] | None = None
    blind_copies: list[str] | None = None
    undo_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRecord:
    """An attachment of a message. part: the position of its bytes in the original."""

    id: UUID
    message_id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    part: int
    content_id: str

    @property
    def is_picture(self) -> bool:
        """Whether it says that it is a picture, of a size that can be shown."""
        return self.media_type in PICTURES and self.size <= _LARGEST_PICTURE

    @property
    def is_sound(self) -> bool:
        """Whether its bytes said that it is a sound that browsers play."""
        return self.media_type in _SOUNDS


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """What became of a file that came as a reference.

    content: packed; None if it is not here, and then `error` says why.  waits: it may still come.
    """

    content: PackedOriginal | None
    waits: bool
    error: str


@dataclass(frozen=True, slots=True)
class PackedOriginal:
    """The original, compressed. size: its length before compression, needed to decompress it."""

    content: bytes
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingOutbound:
    """An outgoing message that is not in the conversation yet."""

    id: UUID
    kind: str
    channel: str
    recipient: str
    subject: str
    text: str
    state: str
    created_at: datetime
    error: str


# Where a page had a picture from elsewhere; the sanitiser (`connectors.email.mime.html`) keeps its address there.
REMOTE_PICTURE: Final = "data-remote="
# Pictures of pixels, which a browser may be shown after a look at their bytes.
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
_SOUNDS: Final = frozenset({"audio/mpeg", "audio/wav", "audio/ogg", "audio/mp4"})
# A larger one is a file to download.
_LARGEST_PICTURE: Final = 8 * 1024 * 1024
# Of files and of outgoing messages: how many are remembered.
_REMEMBERED: Final = 1_000
# Of messages: their texts may be long.
_REMEMBERED_MESSAGES: Final = 500
# Fields that are not columns of the message table.
_SENT: Final = ("copies", "blind_copies", "undo_until")
_MADE: Final = frozenset({"html", "has_html", "has_remote", "delivery", "sent_as", "sent_to", *_SENT})


def messages_of(
    connection: Connection, conversation_id: UUID, *, before: Position | None = None, limit: int
) -> list[MessageRecord]:
    """Return the newest `limit` messages of a conversation (older than `before`), oldest first, without their HTML."""
    if before is None:
        statement, values = newest_messages(conversation_id, limit=limit)
        return _known_messages()(connection, statement.rows(connection, values))[::-1]
    columns, values = table_of(MessageRow).c, {"conversation": conversation_id, "most": limit}
    older = _newest().where(behind(columns.received_at, columns.id, position=before))
    return [_record(row) for row in reversed(connection.execute(older, values).mappings().all())]


def newest_messages(conversation_id: UUID, *, limit: int) -> Question:
    """Return the question of `messages_of`."""
    return _plain_newest(), {"conversation": conversation_id, "most": limit}


@cache
def _plain_newest() -> PlainStatement:
    return PlainStatement(_newest())


@cache
def _known_messages() -> KnownRows[MessageRecord]:
    names = [column.name for column in _newest().selected_columns]
    return KnownRows(
        types_of(_newest()), lambda row: _record(dict(zip(names, row, strict=True))), most=_REMEMBERED_MESSAGES
    )


@cache
def _newest() -> sa.Select[Any]:
    columns = table_of(MessageRow).c
    statement = _select(sa.literal("").label("html")).where(columns.conversation_id == sa.bindparam("conversation"))
    newest_first = statement.order_by(columns.received_at.desc(), columns.id.desc())
    return newest_first.limit(sa.bindparam("most", type_=sa.Integer()))


def find_message(connection: Connection, message_id: UUID) -> MessageRecord:
    """Return one message with its HTML.

    Raises NotFound when there is none.
    """
    columns = table_of(MessageRow).c
    row = connection.execute(_select(columns.html).where(columns.id == message_id)).mappings().first()
    if row is None:
        raise NotFound("there is no message with that id")
    return _record(row)


def has_forged(connection: Connection, conversation_id: UUID) -> bool:
    """Return whether a message of the conversation has a forged sender."""
    statement, values = forged_messages(conversation_id)
    return bool(statement.rows(connection, values))


def forged_messages(conversation_id: UUID) -> Question:
    """Return the question of `has_forged`."""
    return _forged(), {"conversation": conversation_id}


@cache
def _forged() -> PlainStatement:
    columns = table_of(MessageRow).c
    theirs = columns.conversation_id == sa.bindparam("conversation")
    return PlainStatement(sa.select(columns.id).where(theirs, columns.sender_proof == ProofKind.FAILED).limit(1))


def _record(row: Mapping[str, Any] | RowMapping) -> MessageRecord:
    return MessageRecord(**{**row, "trace": read_trace(row["trace"])})


def attachments_of(connection: Connection, message_ids: Sequence[UUID]) -> dict[UUID, list[AttachmentRecord]]:
    """Return the attachments of each message, in order, with one query."""
    found: dict[UUID, list[AttachmentRecord]] = {message_id: [] for message_id in message_ids}
    for each in _KNOWN_FILES(connection, _ATTACHMENTS.rows(connection, {"ids": message_ids})):
        found[each.message_id].append(each)
    return found


def newest_attachments(
    connection: Connection, conversation_id: UUID, *, limit: int
) -> dict[UUID, list[AttachmentRecord]]:
    """Return the attachments of the newest `limit` messages of a conversation, by the message's id, in order."""
    statement, values = files_of_newest(conversation_id, limit=limit)
    found: dict[UUID, list[AttachmentRecord]] = {}
    for each in _KNOWN_FILES(connection, statement.rows(connection, values)):
        found.setdefault(each.message_id, []).append(each)
    return found


def files_of_newest(conversation_id: UUID, *, limit: int) -> Question:
    """Return the question of `newest_attachments`."""
    return _newest_files(), {"conversation": conversation_id, "most": limit}


@cache
def _newest_files() -> PlainStatement:
    columns = table_of(MessageRow).c
    theirs = sa.select(columns.id).where(columns.conversation_id == sa.bindparam("conversation"))
    newest_first = theirs.order_by(columns.received_at.desc(), columns.id.desc())
    newest = newest_first.limit(sa.bindparam("most", type_=sa.Integer())).subquery()
    return PlainStatement(_attachments(table_of(AttachmentRow).c.message_id.in_(sa.select(newest.c.id))))


def _attachments(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    columns = table_of(AttachmentRow).c
    statement = sa.select(*columns_of(AttachmentRow, AttachmentRecord)).where(which)
    return statement.order_by(columns.message_id, columns.part)


def _file(row: Sequence[Any]) -> AttachmentRecord:
    return AttachmentRecord(**dict(zip(_FILE, row, strict=True)))


_FILE: Final = tuple(field.name for field in fields(AttachmentRecord))
_OF_MESSAGES: Final = _attachments(among_bound(table_of(AttachmentRow).c.message_id, "ids"))
_ATTACHMENTS: Final = PlainStatement(_OF_MESSAGES)
_KNOWN_FILES: Final = KnownRows(types_of(_OF_MESSAGES), _file, most=_REMEMBERED)


def find_attachment(connection: Connection, attachment_id: UUID) -> tuple[AttachmentRecord, PackedOriginal]:
    """Return an attachment and the original that holds its bytes.

    Raises NotFound when there is none, or when its original was deleted.
    """
    columns = table_of(AttachmentRow).c
    statement = sa.select(*columns_of(AttachmentRow, AttachmentRecord))
    row = connection.execute(statement.where(columns.id == attachment_id)).mappings().first()
    if row is None:
        raise NotFound("there is no attachment with that id")
    return AttachmentRecord(**row), find_original(connection, row["message_id"])


def find_fetched(connection: Connection, attachment_id: UUID) -> FetchedFile | None:
    """Return what became of a file that came as a reference; None for one that came with its message."""
    table = table_of(FetchedFileRow)
    row = connection.execute(sa.select(table).where(table.c.id == attachment_id)).first()
    if row is None:
        return None
    kept = None if row.content is None else PackedOriginal(sealer_of(connection).open(bytes(row.content)), row.size)
    return FetchedFile(kept, waits=row.state == FileState.WAITING, error=row.error)


def missing_files(connection: Connection, attachment_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return those of the attachments whose bytes are not here, and why; an empty reason while they are awaited."""
    if not attachment_ids:
        return {}
    absent = _KNOWN_ABSENT(connection, _ABSENT.rows(connection, {"ids": attachment_ids}))
    return {file_id: "" if state == FileState.WAITING else error for file_id, state, error in absent}


def _absent() -> sa.Select[Any]:
    columns = table_of(FetchedFileRow).c
    absent = sa.select(columns.id, columns.state, columns.error)
    return absent.where(among_bound(columns.id, "ids"), columns.state != FileState.FETCHED)


_ABSENT: Final = PlainStatement(_absent())
_KNOWN_ABSENT: Final = KnownRows(types_of(_absent()), tuple, most=_REMEMBERED)


def find_original(connection: Connection, message_id: UUID) -> PackedOriginal:
    """Return the original of a message.

    Raises NotFound when there is no such message, or when it has no original.
    """
    message, original, inbound = table_of(MessageRow), table_of(OriginalRow), table_of(InboundRow)
    statement = (
        sa.select(original.c.content, inbound.c.size)
        .join(inbound, inbound.c.id == original.c.inbound_id)
        .join(message, message.c.inbound_id == inbound.c.id)
        .where(message.c.id == message_id)
    )
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound("there is no original for a message with that id")
    return PackedOriginal(sealer_of(connection).open(bytes(row.content)), row.size)


def outbound_of(connection: Connection, conversation_id: UUID) -> list[PendingOutbound]:
    """Return the outgoing messages that are not entries of the conversation, oldest first."""
    statement, values = pending_outbound(conversation_id)
    return _KNOWN_PENDING(connection, statement.rows(connection, values))


def pending_outbound(conversation_id: UUID) -> Question:
    """Return the question of `outbound_of`."""
    return _PENDING, {"conversation": conversation_id}


def _pending() -> sa.Select[Any]:
    table, message = table_of(OutboundRow), table_of(MessageRow)
    listed = sa.select(message.c.id).where(message.c.outbound_id == table.c.id).exists()
    statement = sa.select(*columns_of(OutboundRow, PendingOutbound))
    # Agents need no code of a customer, and no mail to a colleague.
    hidden = (table.c.kind != ONE_TIME_CODE, table.c.kind != AGENT_MAIL)
    theirs = table.c.conversation_id == sa.bindparam("conversation")
    return statement.where(theirs, sa.not_(listed), *hidden).order_by(table.c.id)


def _leaving(row: Sequence[Any]) -> PendingOutbound:
    return PendingOutbound(**dict(zip(_LEAVING, row, strict=True)))


_LEAVING: Final = tuple(field.name for field in fields(PendingOutbound))
_PENDING: Final = PlainStatement(_pending())
_KNOWN_PENDING: Final = KnownRows(types_of(_pending()), _leaving, most=_REMEMBERED)


def _select(html: sa.ColumnElement[str]) -> sa.Select[Any]:
    columns, outbound = table_of(MessageRow).c, table_of(OutboundRow)
    listed = columns_of(MessageRow, MessageRecord, but=_MADE)
    has_html, delivery = (columns.html != "").label("has_html"), outbound.c.state.label("delivery")
    has_remote = columns.html.contains(REMOTE_PICTURE).label("has_remote")
    joined = sa.outerjoin(table_of(MessageRow), outbound, outbound.c.id == columns.outbound_id)
    names = (outbound.c.kind.label("sent_as"), outbound.c.recipient.label("sent_to"))
    sent = (*names, *(outbound.c[name] for name in _SENT))
    return sa.select(*listed, html, has_html, has_remote, delivery, *sent).select_from(joined)
