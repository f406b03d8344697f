"""An answer that can still be taken back: what happens when it leaves, and what does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from router.conversation_status import Status
from router.errors import Conflict, Stale
from store.conversations.changes import lock, version_of
from store.conversations.sla import change_status
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.outbound.planned import has_planned, leave_status
from store.outbound.replies import lock_answerable
from store.outbound.review import take_back
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow
from tests.mail_desk import MailDesk, opened
from tests.outgoing_desk import AT_ONCE, Provider
from workers.sending.deliver import Deliverer, InFlight
from workers.sending.reply import ReplyRequest, ReplyService


class Waiting:
    """A case with an answer that waits to be taken back. version: of the case, as its agent has seen it."""

    def __init__(self, mails: MailDesk) -> None:
        database = mails.database
        self.mails, self.database, self.provider = mails, database, Provider(channel="mail")
        self.mails.mail("Where is my refund?")
        senders = {"mail": self.provider}
        self._deliverer = Deliverer(
            database, self.mails.desk.brain, lane="test", senders=senders, in_flight=InFlight(),
            stopped=threading.Event(), pace=AT_ONCE,
        )  # fmt: skip
        self._deliverer.once()
        self.provider.kept.clear()
        self.id: UUID = self.row.id
        wanted = ReplyRequest(
            key="12345678", agent_id=new_id(), author="Li", text="It is on its way.", undo=timedelta(seconds=8),
            then=Status.RESOLVED,
        )  # fmt: skip
        with database.write() as connection:
            case = lock_answerable(connection, self.id)
            ReplyService(self.mails.desk.settings, database).reply(connection, case, wanted)
            self.version = version_of(connection, self.id)
        assert self._deliverer.once() == 0

    @property
    def row(self) -> Any:
        (found,) = self.mails.desk.rows(ConversationRow)
        return found

    @property
    def outbound(self) -> Any:
        (found,) = (row for row in self.mails.desk.rows(OutboundRow) if row.kind == "reply")
        return found

    def leave(self) -> int:
        """Let the time pass; return how many mails have left."""
        table = table_of(OutboundRow)
        with self.database.write() as connection:
            connection.execute(sa.update(table).values(due_at=read_clock(connection)))
        self._deliverer.once()
        return len(self.provider.kept)


@pytest.fixture
def case(database: Database, tmp_path: Path) -> Iterator[Waiting]:
    with opened(database, tmp_path) as mails:
        yield Waiting(mails)


def test_it_leaves_with_its_conversations_status_and_makes_no_version_stale(database: Database, case: Waiting) -> None:
    assert (case.row.status, case.row.replied_at) == ("open", None)
    assert case.leave() == 1
    assert (case.row.status, case.row.version > case.version) == ("resolved", True)
    assert case.row.replied_at
    with database.write() as connection:
        # Who has read the version before may go on; not who has missed something else.
        assert lock(connection, case.id, version=case.version).version == case.row.version
        for stale in (case.version - 1, frozenset({case.version})):
            with pytest.raises(Stale):
                lock(connection, case.id, version=stale)
        change_status(connection, conversation_id=case.id, status=Status.OPEN, at=read_clock(connection))
        with pytest.raises(Stale):
            lock(connection, case.id, version=case.version)
        with pytest.raises(Conflict):
            take_back(connection, case.outbound.id, by="Li")


def test_a_status_that_an_agent_sets_meanwhile_stays(database: Database, case: Waiting) -> None:
    with database.write() as connection:
        # No one is asked about it, as one is about an answer that was planned for later.
        assert not has_planned(connection, case.id)
        leave_status(connection, case.id)
        change_status(connection, conversation_id=case.id, status=Status.SNOOZED, at=read_clock(connection))
    assert (case.leave(), case.row.status) == (1, "snoozed")


def test_a_customer_who_writes_meanwhile_holds_it(database: Database, case: Waiting) -> None:
    case.mails.mail("It has arrived!", In_Reply_To=f"<{case.outbound.rfc_message_id}>")
    assert (case.leave(), case.outbound.state, case.row.status) == (0, "needs_person", "open")


def test_what_is_taken_back_changes_nothing_and_never_leaves(database: Database, case: Waiting) -> None:
    with database.write() as connection:
        assert take_back(connection, case.outbound.id, by="Li").text == "It is on its way."
        with pytest.raises(Conflict):
            take_back(connection, case.outbound.id, by="Li")
    assert (case.leave(), case.row.status, case.row.version) == (0, "open", case.version)
