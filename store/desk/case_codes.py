"""One-time codes by which a customer opens their conversation: few a day, few tries each, and only a proof is kept."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from store.db.bulk import insert_new, insert_rows, table_of
from store.tables.case_records import CaseCodeRow
from store.tables.messages import ConversationRow, Direction, IdentityRow, MessageRow, ThreadKeyRow, digest
from store.tables.operations import ONE_TIME_CODE, OutboundRow

LASTS: Final = timedelta(minutes=10)
# With six digits each and five tries, a day of guessing finds a code once in 40,000 days.
MOST_A_DAY: Final = 5
MOST_TRIES: Final = 5
_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMessage:
    """The message that brings a code. id: of the row in the ledger."""

    id: UUID
    channel: str
    recipient: str
    subject: str
    text: str
    rfc_message_id: str


def takes_part(connection: Connection, conversation_id: UUID, *, contact_id: UUID, handle: str) -> bool:
    """Return whether the contact has written in the conversation from this address, and it was not forged."""
    message = table_of(MessageRow)
    statement = sa.select(message.c.id).where(
        message.c.conversation_id == conversation_id,
        message.c.contact_id == contact_id,
        message.c.direction == Direction.INCOMING,
        message.c.sender_proof != "failed",
        message.c.sender_handle == handle,
    )
    return connection.execute(statement.limit(1)).first() is not None


def kind_of_address(connection: Connection, *, contact_id: UUID, handle: str) -> str:
    """Return the kind of the contact's address; empty if it no longer belongs to the contact."""
    table = table_of(IdentityRow)
    statement = sa.select(table.c.kind).where(table.c.contact_id == contact_id, table.c.handle == handle)
    return str(connection.execute(statement.order_by(table.c.kind).limit(1)).scalar() or "")


def keep_code(
    connection: Connection, *, code_id: UUID, conversation_id: UUID, proof: bytes, now: datetime
) -> bool:  # fmt: skip
    """Keep a code's proof; False if the conversation had too many codes within a day."""
    case, table = table_of(ConversationRow), table_of(CaseCodeRow)
    # Locked, so that two requests at once are counted one after the other.
    connection.execute(sa.select(case.c.id).where(case.c.id == conversation_id).with_for_update())
    ours = table.c.conversation_id == conversation_id
    connection.execute(sa.delete(table).where(ours, table.c.asked_at <= now - _A_DAY))
    if connection.execute(sa.select(sa.func.count()).where(ours)).scalar_one() >= MOST_A_DAY:
        return False
    row = {"id": code_id, "conversation_id": conversation_id, "proof": proof, "asked_at": now, "until": now + LASTS}
    insert_rows(connection, CaseCodeRow, rows=[row])
    return True


def queue_code(connection: Connection, conversation_id: UUID, *, code: CodeMessage, now: datetime) -> None:
    """Put the message with the code into the ledger. An answer to it joins the conversation."""
    row = {
        "id": code.id,
        "dedupe_key": f"code:{code.id}",
        "conversation_id": conversation_id,
        "kind": ONE_TIME_CODE,
        "channel": code.channel,
        "recipient": code.recipient,
        "subject": code.subject,
        "text": code.text,
        "rfc_message_id": code.rfc_message_id,
        "created_at": now,
        "due_at": now,
        "attempts": 0,
    }
    insert_rows(connection, OutboundRow, rows=[row])
    key = {"digest": digest(code.rfc_message_id), "conversation_id": conversation_id, "own": True}
    insert_new(connection, ThreadKeyRow, rows=[key])


def use_code(
    connection: Connection, conversation_id: UUID, *, prove: Callable[[UUID], bytes], now: datetime
) -> bool:  # fmt: skip
    """Return whether what was entered is a valid code; each try counts for every valid code of the conversation.

    prove: returns the proof of what was entered, for a row's id.
    """
    table = table_of(CaseCodeRow)
    valid = (table.c.conversation_id == conversation_id, table.c.used_at.is_(None), table.c.until > now)
    rows = sa.select(table.c.id, table.c.proof).where(*valid, table.c.tries < MOST_TRIES)
    live = connection.execute(rows.with_for_update()).all()
    connection.execute(sa.update(table).where(*valid).values(tries=table.c.tries + 1))
    # Every row is compared, so that the time says nothing.
    fitting = [row.id for row in live if hmac.compare_digest(bytes(row.proof), prove(row.id))]
    for code_id in fitting:
        connection.execute(sa.update(table).where(table.c.id == code_id).values(used_at=now))
        sent = table_of(OutboundRow)
        spent = sa.update(sent).where(sent.c.dedupe_key == f"code:{code_id}", sent.c.state == "sent")
        connection.execute(spent.values(text=""))
    return bool(fitting)
