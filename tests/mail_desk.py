"""A desk that takes mails as bytes, routes them and answers as an agent does: all parts real, from gate to rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from connectors.base import Batch, RawMessage
from router.threads.correlation import make_token
from store.db.bulk import table_of
from store.db.engine import Database
from store.outbound.replies import lock_answerable
from store.tables.messages import ContactRow, ConversationRow, IdentityRow, InboundRow, MessageRow
from store.tables.operations import OutboundRow
from tests.desk import RECEIVED_AT, Desk
from tests.mail_reader import LentReader
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake
from workers.sending.reply import ReplyRequest, ReplyService

SHARED = Path(__file__).resolve().parents[2] / "shared" / "cases"
CASES = Path(os.environ.get("OMNIYARD_CASES", SHARED)) / "mail"

TOML = """
[omniyard]
data = "{data}"
{desk}

[channels.mail]
kind = "smtp"
address = "support@wallet.example"
{channel}
[channels.mail.send]
host = "127.0.0.1"
port = 25
security = "none"

[teams.front-line]
title = "Front line"

[sla.standard]
calendar = "always"
first_reply = "4h"
next_reply = "4h"

[replies.receipt]
text = {{ en = "We have your message {{reference}}." }}

{more}

[[routes]]
name = "everything"
team = "front-line"
sla = "standard"
reply = "receipt"
"""
SERVER = "mx.wallet.example"


def proven(domain: str) -> str:
    """Return what our mail server writes about a sender whom it could verify."""
    return f"{SERVER}; dkim=pass header.d={domain}; dmarc=pass header.from={domain}"


class MailDesk:
    """A desk with the mailbox support@wallet.example."""

    def __init__(self, database: Database, folder: Path, *, desk: str = "", more: str = "") -> None:
        toml = TOML.replace("{desk}", desk).replace("{more}", more).replace("{channel}", "")
        self.desk = Desk(database, folder, toml=toml)
        self.database = database
        self.intake = Intake(database, bell=Bell(lambda: None), new_guard=LentReader)
        self.taken = 0

    def case(self, name: str, *, edits: Mapping[str, str] | None = None, **fields: str) -> None:
        """Take one of the shared cases, with further fields on top."""
        content = (CASES / f"{name}.eml").read_bytes()
        for old, new in (edits or {}).items():
            content = content.replace(old.encode(), new.encode())
        head = "".join(f"{key.replace('_', '-')}: {value}\r\n" for key, value in fields.items())
        self.raw(head.encode() + content)

    def mail(self, text: str = "", **fields: str) -> None:
        """Take a mail of these fields."""
        message = EmailMessage()
        written = {"From": "Ann <ann@cust.example>", "To": "support@wallet.example", "Subject": "A question"}
        for name, value in (written | {key.replace("_", "-"): each for key, each in fields.items()}).items():
            if value:
                message[name] = value
        message.set_content(text or f"These are the words of the mail {self.taken}.")
        self.raw(bytes(message))

    def raw(self, content: bytes) -> None:
        self.taken += 1
        raw = RawMessage(source_key=f"mail:{self.taken}", content=content, received_at=RECEIVED_AT)
        self.intake.take(Batch(channel="mail", messages=[raw]))
        self.desk.route()

    # What the desk has now.

    @property
    def messages(self) -> list[Any]:
        return sorted(self.desk.rows(MessageRow), key=lambda row: row.id)

    @property
    def last(self) -> Any:
        return self.messages[-1]

    @property
    def cases(self) -> list[Any]:
        return sorted(self.desk.rows(ConversationRow), key=lambda row: row.id)

    @property
    def states(self) -> list[str]:
        return [row.state for row in sorted(self.desk.rows(InboundRow), key=lambda row: row.id)]

    @property
    def sent(self) -> list[Any]:
        """What waits to leave, automatic replies and answers."""
        return sorted(self.desk.rows(OutboundRow), key=lambda row: row.id)

    @property
    def automatic(self) -> list[str]:
        return [row.recipient for row in self.sent if row.kind == "auto_reply"]

    def contact(self, case: Any) -> str:
        """Return the first handle of a case's contact."""
        with self.database.read() as connection:
            table = table_of(IdentityRow)
            found = sa.select(table.c.handle).where(table.c.contact_id == case.contact_id).order_by(table.c.id)
            return str(connection.execute(found).scalars().first())

    @property
    def contacts(self) -> list[str]:
        return sorted(self.desk.rows(IdentityRow, "handle"))

    @property
    def names(self) -> list[str]:
        return sorted(self.desk.rows(ContactRow, "name"))

    def token(self, case: Any) -> str:
        return make_token(self.desk.brain.key, reference=case.reference, contact_id=case.contact_id)

    def answer(self, case: Any, *, copies: tuple[str, ...] = ()) -> Any:
        """Answer as an agent; return the row of the ledger."""
        service = ReplyService(self.desk.settings, self.database)
        with self.database.write() as connection:
            request = ReplyRequest(
                key=f"k{len(self.sent)}",
                agent_id=UUID(int=1),
                author="Zoe",
                text="Here is our answer.",
                copies=copies,
            )
            message_id = service.reply(connection, lock_answerable(connection, case.id), request)
        outbound = next(row.outbound_id for row in self.messages if row.id == message_id)
        return next(row for row in self.sent if row.id == outbound)


@contextmanager
def opened(database: Database, folder: Path, *, desk: str = "", more: str = "") -> Iterator[MailDesk]:
    """Open a desk for one test."""
    made = MailDesk(database, folder, desk=desk, more=more)
    try:
        yield made
    finally:
        made.intake.close()
