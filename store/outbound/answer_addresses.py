"""Where a reply goes: as the customer's last message says, or as an agent chose; and who got copies of the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import PermanentError
from router.masking.mask import mask_address
from store.db.bulk import table_of
from store.db.plain_rows import KnownRows, PlainStatement, Question, types_of
from store.events.append import EventKind, NewEvent, append_events
from store.tables.messages import ConversationRow, Direction, MessageRow
from store.tables.operations import REPLY, OutboundRow, OutboundState

# Of the conversations that agents look at.
_REMEMBERED: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerAddress:
    """Where a reply goes, and what it answers.

    address: empty if there is none.  other: another address that the message names for answers; empty without one.
    in_reply_to: the Message-ID of that message.
    """

    message_id: UUID | None = None
    address: str = ""
    other: str = ""
    in_reply_to: str | None = None


def answer_address(connection: Connection, conversation_id: UUID, *, contact_id: UUID, channel: str) -> AnswerAddress:
    """Return where a reply goes: as the contact's last message on the channel says, or an agent chose."""
    statement, values = last_of_theirs(conversation_id, contact_id=contact_id, channel=channel)
    last = _KNOWN_ADDRESSES(connection, statement.rows(connection, values))
    return last[0] if last else AnswerAddress(address=_written_to(connection, conversation_id))


def last_of_theirs(conversation_id: UUID, *, contact_id: UUID, channel: str) -> Question:
    """Return the question of `answer_address`."""
    return _LAST_OF_THEIRS, {"conversation": conversation_id, "contact": contact_id, "channel": channel}


def _last_of_theirs() -> sa.Select[Any]:
    columns = table_of(MessageRow).c
    shown = (columns.id, columns.sender_handle, columns.answer_to, columns.other_address, columns.rfc_message_id)
    theirs = (columns.direction == Direction.INCOMING, columns.conversation_id == sa.bindparam("conversation"))
    there = (columns.channel == sa.bindparam("channel"), columns.contact_id == sa.bindparam("contact"))
    return sa.select(*shown).where(*theirs, *there).order_by(columns.received_at.desc(), columns.id.desc()).limit(1)


def _address(row: Sequence[Any]) -> AnswerAddress:
    message_id, sender, answer_to, other, rfc_message_id = row
    return AnswerAddress(message_id=message_id, address=answer_to or sender, other=other, in_reply_to=rfc_message_id)


_LAST_OF_THEIRS: Final = PlainStatement(_last_of_theirs())
_KNOWN_ADDRESSES: Final = KnownRows(types_of(_last_of_theirs()), _address, most=_REMEMBERED)


def _written_to(connection: Connection, conversation_id: UUID) -> str:
    """Return to whom we wrote in a conversation that we opened and no customer has answered; empty for no one."""
    columns = table_of(OutboundRow).c
    statement = sa.select(columns.recipient).where(columns.conversation_id == conversation_id, columns.kind == REPLY)
    return str(connection.execute(statement.order_by(columns.id.desc()).limit(1)).scalar() or "")


def last_copies(connection: Connection, conversation_id: UUID) -> tuple[str, ...]:
    """Return who got a copy of the last answer in the conversation that was not taken back."""
    statement, values = copies_of_last(conversation_id)
    return next(iter(_KNOWN_COPIES(connection, statement.rows(connection, values))), ())


def copies_of_last(conversation_id: UUID) -> Question:
    """Return the question of `last_copies`."""
    return _LAST_COPIES, {"conversation": conversation_id}


def _last_copies() -> sa.Select[Any]:
    columns = table_of(OutboundRow).c
    answers = (columns.kind == REPLY, columns.state != OutboundState.CANCELLED)
    found = sa.select(columns.copies).where(columns.conversation_id == sa.bindparam("conversation"), *answers)
    return found.order_by(columns.id.desc()).limit(1)


def _copies(row: Sequence[Any]) -> tuple[str, ...]:
    return tuple(row[0] or ())


_LAST_COPIES: Final = PlainStatement(_last_copies())
_KNOWN_COPIES: Final = KnownRows(types_of(_last_copies()), _copies, most=_REMEMBERED)


def choose_answer_address(
    connection: Connection, conversation_id: UUID, *, address: str, by: str, now: datetime
) -> None:
    """Send answers to the other address that the customer's last message names. by: the agent's name.

    Raises PermanentError for an address that the message does not name.
    """
    table, message = table_of(ConversationRow), table_of(MessageRow)
    case = connection.execute(sa.select(table.c.contact_id, table.c.channel).where(table.c.id == conversation_id)).one()
    found = answer_address(connection, conversation_id, contact_id=case.contact_id, channel=case.channel)
    if address == found.address:
        return
    if not found.other or address != found.other:
        raise PermanentError("expected one of the addresses that the customer's last message names")
    swapped = sa.update(message).where(message.c.id == found.message_id)
    # An address that holds a secret is not offered: it would be shown whole.
    before = found.address if mask_address(found.address) == found.address else ""
    connection.execute(swapped.values(answer_to=found.other, other_address=before))
    one = sa.update(table).where(table.c.id == conversation_id)
    connection.execute(one.values(version=table.c.version + 1))
    payload = {"message_id": str(found.message_id), "by": by}
    append_events(connection, [NewEvent(EventKind.CONVERSATION_REDIRECTED, conversation_id, payload, at=now)])
