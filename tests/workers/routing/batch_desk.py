"""A desk whose customers write several messages in a batch. A plain module."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from router.envelope import Envelope, Party, PartyKind
from router.threads.correlation import make_token
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.tables.messages import ConversationRow, IdentityRow, InboundRow, MessageRow
from tests.desk import TOML, Desk, envelope

CHAT = """
[channels.chat]
kind = "telegram"
token = "file:{data}/secret"
calendar = "office"
join_within = "1d"

[calendars.office]"""
NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
SAID = "I transferred 500 yuan to my friend yesterday but he has not received it, order 2026011588123"


class BatchDesk(Desk):
    """A desk whose customers are named by their situations."""

    seconds = 0

    def mail(self, customer: str, key: str, **fields: Any) -> Envelope:
        """Return the customer's next mail; `token` names a mail whose case's token is in the subject."""
        sender = Party(PartyKind.EMAIL, f"{customer}@customer.example")
        fields |= {"in_reply_to": tuple(f"{customer}.{each}@customer.example" for each in fields.pop("answers", ()))}
        if first := fields.pop("token", ""):
            fields["subject"] = f"{fields.get('subject', '')} [{self.token(f'{customer}.{first}')}]"
        return self.arrived(envelope(f"{customer}.{key}", **{"sender": sender} | fields))

    def line(self, customer: str, key: str, text: str) -> Envelope:
        """Return the customer's next line in the chat."""
        sender = Party(PartyKind.TELEGRAM, customer)
        said = envelope(f"{customer}.{key}", sender=sender, subject="", text=text, channel="chat", signed_by=())
        return self.arrived(replace(said, rfc_message_id=None, to=()))

    def arrived(self, each: Envelope) -> Envelope:
        """Return it with its time of arrival: each a second after the one before."""
        self.seconds += 1
        return replace(each, received_at=NOW + timedelta(seconds=self.seconds))

    def places(self) -> dict[str, str]:
        """Return for each message the message that opened its case."""
        inbound = {row.id: row.source_key for row in self.rows(InboundRow)}
        opened = {row.id: inbound[row.opened_by_inbound] for row in self.rows(ConversationRow)}
        return {inbound[row.inbound_id]: opened[row.conversation_id] for row in self.rows(MessageRow) if row.inbound_id}

    def case(self, opened_by: str) -> Any:
        """Return the case that a message opened."""
        inbound = {row.source_key: row.id for row in self.rows(InboundRow)}
        return next(row for row in self.rows(ConversationRow) if row.opened_by_inbound == inbound[opened_by])

    def token(self, opened_by: str) -> str:
        """Return the token of a case."""
        case = self.case(opened_by)
        return make_token(self.brain.key, reference=case.reference, contact_id=case.contact_id)

    def set(self, opened_by: str, **values: object) -> None:
        """Change a case, as an agent or the time would."""
        table = table_of(ConversationRow)
        with self.database.write() as connection:
            connection.execute(sa.update(table).where(table.c.id == self.case(opened_by).id).values(**values))

    def know_as(self, customer: str) -> None:
        """Give the contact of a mail address the chat's name too."""
        found = next(row for row in self.rows(IdentityRow) if row.handle == f"{customer}@customer.example")
        also = {"kind": "telegram", "handle": customer, "contact_id": found.contact_id, "created_at": NOW}
        with self.database.write() as connection:
            insert_rows(connection, IdentityRow, rows=[{"id": new_id()} | also])


@contextmanager
def open_batch_desk(migrated: Path, folder: Path, *, toml: str = TOML) -> Iterator[BatchDesk]:
    """Open a desk with a chat on a copy of an empty SQLite file. toml: without the chat."""
    shutil.copy(migrated, folder / "omniyard.db")
    (folder / "secret").write_text("123:abc")
    database = Database(f"sqlite:///{folder / 'omniyard.db'}")
    yield BatchDesk(database, folder, toml=toml.replace("\n[calendars.office]", CHAT, 1))
    database.close()
