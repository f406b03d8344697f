"""Rows of a desk after some days, for tests and for viewing the pages. A plain module.

`Builder` writes one row at a time and returns ids; `fill` writes many at once, for measurements.
"""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from connectors.originals import pack
from router.envelope import Attachment as FileInMail
from router.envelope import Envelope, Party, PartyKind, to_json
from store.conversations.search_index.indexed_words import index_messages
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database
from store.db.ids import new_id, new_reference
from store.desk.names_index import index_files, index_people
from store.events.append import EventKind, NewEvent, append_events
from store.events.feed import newest_number, number_events
from store.tables.messages import (
    AttachmentRow,
    ContactRow,
    ConversationRow,
    IdentityRow,
    InboundRow,
    InboundState,
    MessageRow,
    OriginalRow,
)
from store.tables.operations import CursorRow, OutboundRow

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
_OPEN_BY_RULE = {"key": "open_by_rule", "values": {"rule": {"key": "weekly_hours", "values": {"weekday": 5}}}}
TRACE: dict[str, Any] = {
    "origin": {"kind": "person", "why": []},
    "masked": [],
    "defects": [],
    "classification": {
        "category": "failed_transaction",
        "confidence": 0.82,
        "runner_up": "refund",
        "abstained": False,
        "emergency": False,
        "evidence": ["payment failed"],
        "model": "rules",
        "language": "en",
        "facts": ["amount"],
        "missing_facts": ["transaction"],
        "possible_danger": False,
        "danger": 0.02,
        "danger_threshold": 0.5,
        "danger_evidence": [],
        "remark": "",
    },
    "correlation": {"joined": None, "sign": "none", "why": {"key": "nothing_points"}, "linked_to": None},
    "hours": {"calendar": "office", "open": True, "why": _OPEN_BY_RULE, "opens_at": None},
    "route": {
        "fired": "money",
        "team": "payments",
        "priority": "high",
        "tried": [{"route": "stolen accounts", "why_not": {"key": "is_no_emergency"}}],
    },
    "due": {"sla": "money", "first_reply": "2026-11-20T08:00:00+00:00", "next_reply": None, "resolve": None},
    "reply": {"sent": "receipt", "language": "en", "why": {"key": "person_wrote"}},
}


@dataclass
class Builder:
    """Writes rows through one connection. now: when the last message came."""

    connection: Connection
    now: datetime = NOON
    contacts: dict[str, UUID] = field(default_factory=dict)

    def contact(self, handle: str, *, name: str = "") -> UUID:
        if handle not in self.contacts:
            contact_id = self.contacts[handle] = new_id()
            insert_rows(self.connection, ContactRow, rows=[{"id": contact_id, "name": name, "created_at": self.now}])
            kind = PartyKind.EMAIL if "@" in handle else PartyKind.PHONE
            identity = {"id": new_id(), "kind": kind, "handle": handle, "contact_id": contact_id}
            insert_rows(self.connection, IdentityRow, rows=[identity | {"created_at": self.now}])
            index_people(self.connection, {contact_id: (name, handle)})
        return self.contacts[handle]

    def inbound(self, mail: bytes = b"Subject: hello\r\n\r\nhello\r\n", **over: Any) -> UUID:
        inbound_id = new_id()
        envelope = Envelope(
            channel="support-mail", source_key="", sender=Party(PartyKind.EMAIL, "li@example.com"), received_at=self.now
        )
        row: dict[str, Any] = {
            "id": inbound_id,
            "channel": "support-mail",
            "source_key": f"7:{inbound_id.hex}",
            "content_hash": hashlib.sha256(mail + inbound_id.bytes).digest(),
            "state": InboundState.ROUTED,
            "envelope": to_json(envelope).decode(),
            "size": len(mail),
            "backfill": False,
            "conflict": False,
            "received_at": self.now,
            "accepted_at": self.now,
            "due_at": self.now,
            "attempts": 1,
            "reason": "",
        }
        insert_rows(self.connection, InboundRow, rows=[row | over])
        insert_rows(self.connection, OriginalRow, rows=[{"inbound_id": inbound_id, "content": pack(mail)}])
        return inbound_id

    def conversation(self, *, handle: str = "li@example.com", name: str = "Li Wei", **over: Any) -> UUID:
        """Open a conversation without messages; `message` adds them."""
        conversation_id = new_id()
        row: dict[str, Any] = {
            "id": conversation_id,
            "reference": new_reference(),
            "contact_id": self.contact(handle, name=name),
            "channel": "support-mail",
            "subject": "Payment failed",
            "status": "open",
            "category": "failed_transaction",
            "emergency": False,
            "team": "payments",
            "assignee": None,
            "priority": "high",
            "labels": [],
            "language": "en",
            "route": "money",
            "sla": "money",
            "opened_at": self.now,
            "last_message_at": self.now,
            "first_reply_due_at": None,
            "next_reply_due_at": None,
            "resolve_due_at": None,
            "version": 1,
            "opened_by_inbound": over.pop("opened_by_inbound", None) or self.inbound(),
            "linked_to": None,
        }
        insert_rows(self.connection, ConversationRow, rows=[row | over])
        return conversation_id

    def message(self, conversation_id: UUID, *, mail: bytes | None = None, **over: Any) -> UUID:
        table = table_of(ConversationRow)
        opened = self.connection.execute(sa.select(table).where(table.c.id == conversation_id)).mappings().one()
        message_id = new_id()
        row: dict[str, Any] = {
            "id": message_id,
            "conversation_id": conversation_id,
            "contact_id": opened["contact_id"],
            "inbound_id": None if mail is None else self.inbound(mail),
            "outbound_id": None,
            "direction": "incoming",
            "channel": opened["channel"],
            "sender_handle": "li@example.com",
            "sender_name": "Li Wei",
            "subject": opened["subject"],
            "text": "My payment failed but the money was taken.",
            "quoted": "",
            "html": "",
            "rfc_message_id": f"{message_id.hex}@example.com",
            "sent_at": self.now,
            "received_at": self.now,
            "origin": "person",
            "fingerprint": "",
            "trace": TRACE,
        }
        insert_rows(self.connection, MessageRow, rows=[row | over])
        index_messages(self.connection, [row | over])
        return message_id

    def event(self, conversation_id: UUID, kind: EventKind = EventKind.CONVERSATION_OPENED) -> None:
        """Write a published event of a conversation, numbered as by the publisher."""
        append_events(self.connection, [NewEvent(kind, conversation_id, at=datetime.now(UTC))])
        number_events(self.connection, after=newest_number(self.connection), limit=500)

    def attachment(self, message_id: UUID, **over: Any) -> UUID:
        attachment_id = new_id()
        row: dict[str, Any] = {
            "id": attachment_id,
            "message_id": message_id,
            "name": "receipt.pdf",
            "media_type": "application/pdf",
            "size": 9,
            "sha256": hashlib.sha256(b"%PDF-1.7\n").hexdigest(),
            "part": 1,
        }
        insert_rows(self.connection, AttachmentRow, rows=[row | over])
        index_files(self.connection, {attachment_id: (row | over)["name"]})
        return attachment_id

    def outbound(self, conversation_id: UUID, **over: Any) -> UUID:
        outbound_id = new_id()
        row: dict[str, Any] = {
            "id": outbound_id,
            "dedupe_key": f"auto:{outbound_id}",
            "conversation_id": conversation_id,
            "kind": "auto_reply",
            "channel": "support-mail",
            "recipient": "li@example.com",
            "subject": "Re: Payment failed",
            "text": "We have received your message.",
            "rfc_message_id": f"{outbound_id.hex}@desk.example",
            "state": "queued",
            "created_at": self.now,
            "due_at": self.now,
            "attempts": 0,
            "error": "",
        }
        insert_rows(self.connection, OutboundRow, rows=[row | over])
        return outbound_id

    def quarantined(
        self,
        *,
        text: str = "hello",
        subject: str = "Odd mail",
        mail: bytes = b"Subject: odd\r\n\r\nodd\r\n",
        **over: Any,
    ) -> UUID:
        envelope = Envelope(
            channel="support-mail",
            source_key="7:1",
            sender=Party(PartyKind.EMAIL, "odd@example.com", "Odd"),
            received_at=self.now,
            subject=subject,
            text=text,
            attachments=(FileInMail(name="a.bin", media_type="application/x-odd", size=1, sha256="00", part=1),),
        )
        defaults = {"state": InboundState.QUARANTINED, "reason": "its reading took longer than 20 s", "attempts": 4}
        return self.inbound(mail, **defaults | {"envelope": to_json(envelope).decode()} | over)

    def polled(self, channel: str, **over: Any) -> None:
        row = {"channel": channel, "epoch": "7", "position": "42", "moved_at": self.now, "polled_at": self.now}
        insert_rows(self.connection, CursorRow, rows=[row | {"error": "", "notice": ""} | over])


def mail_with_file(name: str = "receipt.pdf", *, content: bytes = b"%PDF-1.7\n") -> bytes:
    """Return a mail with one attached PDF."""
    message = EmailMessage()
    message["From"] = "Li Wei <li@example.com>"
    message["To"] = "support@example.com"
    message["Subject"] = "Payment failed"
    message.set_content("My payment failed but the money was taken.")
    message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    # Otherwise every call would generate another one.
    message.set_boundary("=_parts")
    return message.as_bytes()


def fill(database: Database, conversations: int, *, seed: int = 1) -> None:
    """Write many conversations of one message each, spread over statuses, teams, categories and time."""
    dice = random.Random(seed)
    for start in range(0, conversations, 5000):
        with database.write() as connection:
            _fill_page(connection, min(5000, conversations - start), dice=dice, start=start)


def _fill_page(connection: Connection, count: int, *, dice: random.Random, start: int) -> None:
    rows: dict[Any, list[dict[str, Any]]] = {
        model: [] for model in (ContactRow, IdentityRow, InboundRow, ConversationRow, MessageRow)
    }
    for number in range(start, start + count):
        at = NOON - timedelta(seconds=60 * number + dice.randrange(60))
        for model, row in _one_of_many(number, at=at, dice=dice).items():
            rows[model].append(row)
    for model, page in rows.items():
        insert_rows(connection, model, rows=page)
    index_messages(connection, rows[MessageRow])


def _one_of_many(number: int, *, at: datetime, dice: random.Random) -> dict[Any, dict[str, Any]]:
    contact_id, inbound_id, conversation_id, message_id = (new_id() for _ in range(4))
    handle, team = f"customer{number}@example.com", dice.choice(["front-line", "payments", "risk"])
    category = dice.choice(["refund", "failed_transaction", "password_reset", "locked_account", None])
    status = dice.choices(["open", "pending", "snoozed", "resolved"], weights=[80, 5, 5, 10])[0]
    subject, text = f"Case {number}", f"Hello, this is about order {number}. " * 10
    return {
        ContactRow: {"id": contact_id, "name": f"Customer {number}", "created_at": at},
        IdentityRow: {
            "id": new_id(), "kind": "email", "handle": handle, "contact_id": contact_id, "created_at": at,
        },
        InboundRow: {
            "id": inbound_id, "channel": "support-mail", "source_key": f"7:{number}", "content_hash": b"",
            "state": "routed", "envelope": json.dumps({"text": text}), "size": 400, "backfill": False,
            "conflict": False, "received_at": at, "accepted_at": at, "due_at": at, "attempts": 1, "reason": "",
        },
        ConversationRow: {
            "id": conversation_id, "reference": new_reference(), "contact_id": contact_id, "channel": "support-mail",
            "subject": subject, "status": status, "category": category, "emergency": False, "team": team,
            "assignee": None, "priority": "normal", "labels": [], "language": "en", "route": "money", "sla": "money",
            "opened_at": at, "last_message_at": at, "first_reply_due_at": at + timedelta(hours=4), "version": 1,
            "next_reply_due_at": None, "resolve_due_at": None, "opened_by_inbound": inbound_id, "linked_to": None,
        },
        MessageRow: {
            "id": message_id, "conversation_id": conversation_id, "contact_id": contact_id, "inbound_id": inbound_id,
            "outbound_id": None, "direction": "incoming", "channel": "support-mail", "sender_handle": handle,
            "sender_name": f"Customer {number}", "subject": subject, "text": text, "quoted": "", "html": "",
            "rfc_message_id": None, "sent_at": at, "received_at": at, "origin": "person", "fingerprint": "",
            "trace": {},
        },
    }  # fmt: skip
