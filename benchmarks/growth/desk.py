"""A desk in this process, on any of the run's databases: it takes mails, routes, answers, sends and closes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from benchmarks.mailbox import AUTHSERV_ID
from connectors.base import Batch, RawMessage
from router.conversation_status import Status
from router.settings.validation import read_settings
from store.conversations.changes import Change, change, lock
from store.db.encryption import Sealer
from store.db.engine import Database, read_clock
from store.events.feed import newest_number, number_events
from store.outbound.ledger import begin, next_queued, settle_sent
from store.outbound.replies import lock_answerable
from workers.broker.doorbell import Bell
from workers.chores.sla import SlaWatch
from workers.intake.intake import Intake
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter
from workers.sending.reply import ReplyRequest, ReplyService

CHANNEL: Final = "desk-mail"
AGENT: Final = "Ann"
_AGENT_ID: Final = UUID(int=7)
_ROOT: Final = Path(__file__).resolve().parents[2]
_LEASE: Final = timedelta(seconds=30)
_AT_ONCE: Final = 500
# As in `benchmarks.intake`: the shipped model does not fit such a desk, and what it costs would hide the database.
_BY_WORDS_ALONE: Final = '\n[categories.spare]\ntitle = { zh = "备用", en = "Spare" }\n'
# No secret: it seals invented mail, and a run that continues must open what the run before sealed.
_KEY: Final = b"omniyard growth: an invented key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail to write. key: unique; its Message-ID and source key.  answers: a Message-ID."""

    key: str
    sender: str
    name: str
    subject: str
    text: str
    answers: str = ""

    @property
    def message_id(self) -> str:
        """Its Message-ID, without brackets."""
        return f"{self.key}@customers.example"


def open_database(url: str) -> Database:
    """Open a database as a desk does that seals its originals."""
    return Database(url, sealer=Sealer(lambda: _KEY))


class GrowthDesk:
    """The shipped desk, always open, with the parts that the processes have. folder: for what its parts write."""

    def __init__(self, database: Database, folder: Path) -> None:
        text = (_ROOT / "config" / "channels.toml").read_text(encoding="utf-8").replace('"office"', '"always"')
        keys = f'[omniyard]\ndata = "{folder}"\nauthserv_id = "{AUTHSERV_ID}"\n'
        self.settings = read_settings(text.replace("[omniyard]", keys, 1) + _BY_WORDS_ALONE)
        self.database = database
        self.brain = build_brain(self.settings)
        self.router = MessageRouter(database, self.brain)
        self.watch = SlaWatch(database, self.brain)
        self._intake = Intake(database, bell=Bell(lambda: None))
        self._replies = ReplyService(self.settings, database)

    def close(self) -> None:
        """End its parts, and the database's connections."""
        self._intake.close()
        self.database.close()

    def take(self, mails: Sequence[Mail]) -> tuple[UUID, ...]:
        """Accept a batch of mails; return the rows to route."""
        now = datetime.now(UTC)
        batch = [RawMessage(source_key=f"growth:{mail.key}", content=written(mail), received_at=now) for mail in mails]
        return self._intake.keep(Batch(channel=CHANNEL, messages=batch)).ids

    def route(self, mails: Sequence[Mail]) -> None:
        """Accept mails and route them, as a connector and a worker do."""
        ids = self.take(mails)
        while self.router.route_batch(ids):
            pass

    def answer(self, conversation_id: UUID, *, key: str, text: str) -> None:
        """Answer as an agent."""
        request = ReplyRequest(key=key, agent_id=_AGENT_ID, author=AGENT, text=text)
        with self.database.write() as connection:
            self._replies.reply(connection, lock_answerable(connection, conversation_id), request)

    def resolve(self, conversation_id: UUID) -> None:
        """Close a conversation as an agent."""
        with self.database.write() as connection:
            case = lock(connection, conversation_id)
            change(connection, case, wanted=Change(status=Status.RESOLVED), by=AGENT, now=read_clock(connection))

    def settle(self) -> None:
        """Send what waits (to nowhere), compute the promises, and number the events."""
        while self._send_one() or self.watch.once():
            pass
        with self.database.write() as connection:
            number_events(connection, after=newest_number(connection), limit=_AT_ONCE)

    def _send_one(self) -> bool:
        with self.database.write() as connection:
            row = next_queued(connection, channel=CHANNEL)
            return row is not None and settle_sent(connection, begin(connection, row, lease=_LEASE))

    def newest_conversation(self) -> UUID:
        """Return the id of the conversation that was opened last."""
        return UUID(str(self.values("SELECT id FROM conversation ORDER BY id DESC LIMIT 1")[0]))

    def values(self, query: str) -> list[Any]:
        """Return the first column of what a query selects."""
        with self.database.read() as connection:
            return list(connection.execute(sa.text(query)).scalars())


def written(mail: Mail) -> bytes:
    """Return the mail's bytes: some 300 of headers and a short text."""
    message = EmailMessage()
    message["Authentication-Results"] = f"{AUTHSERV_ID}; dmarc=pass header.from=customers.example"
    message["From"] = f"{mail.name} <{mail.sender}>"
    message["To"] = "support@wallet.example"
    message["Subject"] = mail.subject
    message["Message-ID"] = f"<{mail.message_id}>"
    if mail.answers:
        message["In-Reply-To"] = message["References"] = f"<{mail.answers}>"
    message.set_content(mail.text)
    return message.as_bytes(policy=SMTP)
