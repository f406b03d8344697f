"""Erase a contact: texts and identity are deleted, the rows that are counted stay, so that the books still balance.

Ids, times, states, counts and the content's hash stay; by the hash, a mailbox that is read again brings nothing
back. Older copies of the database must be erased separately.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlmodel import SQLModel

from router.conversation_status import Status
from router.envelope import Envelope, Party, PartyKind, to_json
from router.errors import Conflict
from router.masking.mask import mask
from store.calls.phone_calls import forget_calls_of
from store.chat.erasure_of_chats import erase_chats
from store.contacts.merge import hold_handles
from store.contacts.profiles import refuse_gone
from store.conversations.search_index.indexed_words import forget_messages
from store.conversations.sla import change_status
from store.conversations.undo_log import forget_regroupings
from store.db.bulk import among, table_of
from store.db.engine import overwrite_deleted
from store.desk.names_index import forget_names
from store.events.append import EventKind, NewEvent, append_events
from store.tables.case_records import CaseCodeRow, ContactLabelRow, RatingRow
from store.tables.composer import AnswerFileRow, DraftRow
from store.tables.emergencies import DangerQuestionRow, EmergencyRow
from store.tables.gates import ContactPointRow, FetchedFileRow
from store.tables.generated import GeneratedTextRow
from store.tables.messages import (
    AttachmentRow,
    ContactRow,
    ConversationRow,
    IdentityRow,
    InboundRow,
    MessageRow,
    OriginalRow,
    ThreadKeyRow,
)
from store.tables.operations import IdempotencyRow, OutboundRow, OutboundState, SuppressionRow
from store.tables.self_service import AnswerGapRow, AutoAnswerRow, PhrasingRow

# Replaces a handle, which must stay unique; no channel has such addresses.
_ERASED: Final = "erased:"


def erase_contact(connection: Connection, contact_id: UUID, *, by: str, reason: str, now: datetime) -> dict[str, int]:
    """Erase a contact with all their conversations; return the numbers of erased rows. It cannot be undone.

    Call `purge_forgotten` after the transaction: until then the file of the search index still has some words.
    Raises Conflict when the contact was merged or erased before, or a message is being sent to them.
    """
    overwrite_deleted(connection)
    hold_handles(connection, contact_id)
    refuse_gone(connection, contact_id)
    cases = _ids(connection, ConversationRow, table_of(ConversationRow).c.contact_id == contact_id)
    _erase_outbound(connection, cases)
    for case in cases:
        change_status(connection, conversation_id=case, status=Status.RESOLVED, at=now, by=by)
    messages = _erase_messages(connection, cases, contact_id=contact_id)
    _erase_conversations(connection, cases)
    _erase_person(connection, contact_id, now=now)
    counts = {"conversations": len(cases), "messages": messages}
    payload = {"contact_id": str(contact_id), "by": by, "reason": mask(reason).text, **counts}
    append_events(connection, [NewEvent(EventKind.CONTACT_ERASED, None, payload, at=now)])
    return counts


def _ids(connection: Connection, model: type[SQLModel], condition: sa.ColumnElement[bool]) -> list[UUID]:
    table = table_of(model)
    return list(connection.execute(sa.select(table.c.id).where(condition)).scalars())


def _erase_outbound(connection: Connection, cases: list[UUID]) -> None:
    table = table_of(OutboundRow)
    theirs = among(table.c.conversation_id, cases)
    leaving = sa.select(table.c.id).where(theirs, table.c.state == OutboundState.SENDING).limit(1)
    if connection.execute(leaving).first() is not None:
        raise Conflict("a message is being sent to this contact now; try again in a minute")
    waiting = (OutboundState.QUEUED, OutboundState.UNKNOWN, OutboundState.NEEDS_PERSON)
    stopped = sa.update(table).where(theirs, among(table.c.state, waiting))
    connection.execute(stopped.values(state=OutboundState.CANCELLED))
    nothing = {"recipient": "", "subject": "", "text": "", "error": "", "copies": None, "ancestors": None}
    more = {"template": None, "variables": None, "in_reply_to": None, "blind_copies": None, "below": ""}
    connection.execute(sa.update(table).where(theirs).values(**nothing, **more))


def _erase_messages(connection: Connection, cases: list[UUID], *, contact_id: UUID) -> int:
    table = table_of(MessageRow)
    theirs = sa.or_(among(table.c.conversation_id, cases), table.c.contact_id == contact_id)
    names = ("id", "inbound_id", "subject", "text")
    rows = connection.execute(sa.select(*(table.c[name] for name in names)).where(theirs)).mappings().all()
    forget_messages(connection, [dict(row) for row in rows])
    ids, inbound = [row["id"] for row in rows], [row["inbound_id"] for row in rows if row["inbound_id"]]
    nothing: dict[str, Any] = dict.fromkeys(
        ("sender_handle", "sender_name", "subject", "text", "quoted", "html", "fingerprint", "echo", "gist"), ""
    )
    nothing |= {"answer_to": "", "other_address": ""}
    statement = sa.update(table).where(among(table.c.id, ids))
    connection.execute(statement.values(**nothing, rfc_message_id=None, trace={}))
    attachment = table_of(AttachmentRow)
    forget_names(connection, [contact_id, *_ids(connection, AttachmentRow, among(attachment.c.message_id, ids))])
    connection.execute(sa.delete(attachment).where(among(attachment.c.message_id, ids)))
    opened = table_of(ConversationRow)
    openers = connection.execute(sa.select(opened.c.opened_by_inbound).where(among(opened.c.id, cases))).scalars()
    _erase_inbound(connection, [*inbound, *openers])
    return len(ids)


def _erase_inbound(connection: Connection, ids: list[UUID]) -> None:
    table, original = table_of(InboundRow), table_of(OriginalRow)
    # A duplicate of a message has the same text.
    copies = _ids(connection, InboundRow, among(table.c.duplicate_of, ids))
    rows = connection.execute(
        sa.select(table.c.id, table.c.channel, table.c.source_key, table.c.received_at).where(
            among(table.c.id, [*ids, *copies])
        )
    ).all()
    for row in rows:
        empty = Envelope(
            channel=row.channel,
            source_key=row.source_key,
            sender=Party(PartyKind.EMAIL, f"{_ERASED}{row.id.hex}"),
            received_at=row.received_at,
        )
        statement = sa.update(table).where(table.c.id == row.id)
        connection.execute(statement.values(envelope=to_json(empty).decode(), reason=""))
    connection.execute(sa.delete(original).where(among(original.c.inbound_id, [row.id for row in rows])))
    file = table_of(FetchedFileRow)
    connection.execute(sa.delete(file).where(among(file.c.inbound_id, [row.id for row in rows])))
    forget_calls_of(connection, [row.source_key for row in rows])


def _erase_conversations(connection: Connection, cases: list[UUID]) -> None:
    table, key = table_of(ConversationRow), table_of(ThreadKeyRow)
    nothing: dict[str, Any] = {
        "subject": "",
        "labels": [],
        "watch_at": None,
        "possible_danger": False,
        "version": table.c.version + 1,
    }
    connection.execute(sa.update(table).where(among(table.c.id, cases)).values(**nothing))
    connection.execute(sa.delete(key).where(among(key.c.conversation_id, cases)))
    for table in (table_of(DraftRow), table_of(AnswerFileRow)):
        connection.execute(sa.delete(table).where(among(table.c.conversation_id, cases)))
    rating, emergency, answer = table_of(RatingRow), table_of(EmergencyRow), table_of(IdempotencyRow)
    connection.execute(sa.update(rating).where(among(rating.c.conversation_id, cases)).values(word=""))
    # What the cases were before holds their labels.
    forgotten: dict[str, Any] = {"evidence": {}, "calm": None, "changed": None}
    connection.execute(sa.update(emergency).where(among(emergency.c.conversation_id, cases)).values(**forgotten))
    code = table_of(CaseCodeRow)
    connection.execute(sa.delete(code).where(among(code.c.conversation_id, cases)))
    question = table_of(DangerQuestionRow)
    connection.execute(sa.update(question).where(among(question.c.conversation_id, cases)).values(evidence={}))
    forget_regroupings(connection, cases)
    erase_chats(connection, cases)
    _erase_answers(connection, cases)
    for case in cases:
        # Stored answers to repeated requests contain message text.
        statement = sa.update(answer).where(answer.c.answer.contains(str(case)))
        connection.execute(statement.values(answer="{}"))


def _erase_answers(connection: Connection, cases: list[UUID]) -> None:
    """Delete the questions that found nothing, the proposed phrasings and a model's texts, and empty the traces."""
    given, gap, phrasing = table_of(AutoAnswerRow), table_of(AnswerGapRow), table_of(PhrasingRow)
    text = table_of(GeneratedTextRow)
    connection.execute(sa.delete(text).where(among(text.c.conversation_id, cases)))
    connection.execute(sa.update(given).where(among(given.c.conversation_id, cases)).values(trace=None))
    connection.execute(sa.delete(gap).where(among(gap.c.conversation_id, cases)))
    connection.execute(sa.delete(phrasing).where(among(phrasing.c.conversation_id, cases)))


def _erase_person(connection: Connection, contact_id: UUID, *, now: datetime) -> None:
    contact, identity, label = table_of(ContactRow), table_of(IdentityRow), table_of(ContactLabelRow)
    rows = connection.execute(
        sa.select(identity.c.id, identity.c.handle).where(identity.c.contact_id == contact_id)
    ).all()
    stop = table_of(SuppressionRow)
    connection.execute(sa.delete(stop).where(among(stop.c.handle, [row.handle for row in rows])))
    for row in rows:
        tombstone = f"{_ERASED}{row.id.hex}"
        connection.execute(sa.update(identity).where(identity.c.id == row.id).values(handle=tombstone))
    connection.execute(sa.delete(label).where(label.c.contact_id == contact_id))
    point = table_of(ContactPointRow)
    same = _ids(connection, ContactRow, contact.c.merged_into == contact_id)
    connection.execute(sa.delete(point).where(among(point.c.contact_id, [contact_id, *same])))
    gone = sa.update(contact).where(contact.c.id == contact_id)
    connection.execute(gone.values(name="", note="", erased_at=now))
    # Contacts that were merged into this one are the same person.
    merged = sa.update(contact).where(contact.c.merged_into == contact_id)
    connection.execute(merged.values(name="", note="", erased_at=now))
