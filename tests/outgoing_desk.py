"""A provider that stores what senders send, and a desk whose messages are sent through it. A plain module."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from connectors.base import Health
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from router.delivery import Window
from router.errors import TransientError
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow
from tests.desk import Desk, envelope
from workers.sending.deliver import Deliverer, InFlight, SendingPace

# Waits that a test can skip.
AT_ONCE = SendingPace(first_look=timedelta(0), next_look=timedelta(0), repeat_after=timedelta(0))

ACCEPTED = Receipt(verdict=SendVerdict.ACCEPTED)
UNKNOWN = Receipt(verdict=SendVerdict.UNKNOWN, why="no answer")


def not_sent(why: str = "no connection", **more: Any) -> Receipt:
    return Receipt(verdict=SendVerdict.NOT_SENT, why=why, **more)


@dataclass
class Provider:
    """Keeps each message that it accepts, answers as a test wants, and can be asked which messages it has.

    answers: the outcome of the next messages, in order; later ones are accepted.  "lost": accepted, but the answer is
    lost; "dropped": lost before the provider.
    """

    channel: str = "mail"
    repeatable: bool = False
    bounds: Window = field(default_factory=Window)
    answers: list[Receipt | str | Callable[[], Receipt]] = field(default_factory=list)
    kept: list[Outgoing] = field(default_factory=list)
    tried: list[Outgoing] = field(default_factory=list)
    looks: int = 0
    away: bool = False

    def window(self, recipient: str) -> Window:
        return self.bounds

    def send(self, outgoing: Outgoing) -> Receipt:
        self.tried.append(outgoing)
        answer = self.answers.pop(0) if self.answers else ACCEPTED
        if callable(answer):
            answer = answer()
        if answer == "dropped":
            return UNKNOWN
        if answer == "lost":
            self.kept.append(outgoing)
            return UNKNOWN
        assert isinstance(answer, Receipt)
        if answer.verdict is SendVerdict.ACCEPTED:
            self.kept.append(outgoing)
            return answer if answer.provider_id else self.receipt(outgoing)
        return answer

    def receipt(self, outgoing: Outgoing) -> Receipt:
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=f"P{outgoing.outbound_id.hex}")

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        if self.away:
            raise TransientError("the provider is away")
        self.looks += 1
        has = any(kept.outbound_id == outgoing.outbound_id for kept in self.kept)
        return self.receipt(outgoing) if has and not self.repeatable else None

    def probe(self) -> Health:
        return Health(ok=True, findings=())

    def close(self) -> None:
        pass

    def copies(self, outbound_id: UUID) -> int:
        return sum(kept.outbound_id == outbound_id for kept in self.kept)


class SendingDesk(Desk):
    """A desk with one conversation, whose channel `mail` sends through a provider."""

    def __init__(self, database: Database, folder: Path, *, provider: Provider | None = None, **more: Any) -> None:
        super().__init__(database, folder, **more)
        self.provider = provider or Provider()
        self.route(envelope("1"))
        with database.read() as connection:
            self.conversation_id = connection.execute(sa.select(table_of(ConversationRow).c.id)).scalar_one()
        # These tests do not concern the automatic answers of routing.
        with database.write() as connection:
            connection.execute(sa.delete(table_of(OutboundRow)))

    def deliverer(self, *, pace: SendingPace = AT_ONCE, stopped: threading.Event | None = None) -> Deliverer:
        return Deliverer(
            self.database,
            self.brain,
            lane="test",
            senders={self.provider.channel: self.provider},
            in_flight=InFlight(),
            stopped=stopped or threading.Event(),
            pace=pace,
        )

    def queue(self, **over: Any) -> UUID:
        """Queue one message, as routing does; return its id."""
        outbound_id = new_id()
        with self.database.write() as connection:
            now = connection.execute(sa.select(table_of(ConversationRow).c.opened_at)).scalar_one()
            values: dict[str, Any] = {
                "id": outbound_id,
                "dedupe_key": outbound_id.hex,
                "conversation_id": self.conversation_id,
                "kind": "reply",
                "channel": "mail",
                "recipient": "ann@customer.example",
                "text": "We look into it.",
                "rfc_message_id": f"{outbound_id.hex}@desk.example",
                "created_at": now,
                "due_at": now,
                "dated_at": now,
            }
            connection.execute(sa.insert(table_of(OutboundRow)), [values | over])
        return outbound_id

    def row(self, outbound_id: UUID) -> Any:
        with self.database.read() as connection:
            table = table_of(OutboundRow)
            return connection.execute(sa.select(table).where(table.c.id == outbound_id)).one()

    def put(self, outbound_id: UUID, **values: Any) -> None:
        """Change a row of the ledger, as time or another process might."""
        table = table_of(OutboundRow)
        with self.database.write() as connection:
            connection.execute(sa.update(table).where(table.c.id == outbound_id).values(**values))
