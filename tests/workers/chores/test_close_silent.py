"""Cases whose customer says nothing more close by themselves, and open again; on both databases."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from router.conversation_status import Status
from router.envelope import Envelope, Party, PartyKind
from router.remarks.remark_kind import NO_QUESTION_YET
from store.conversations.ratings import take_closings
from store.conversations.sla import change_status
from store.db.engine import Database, read_clock
from store.outbound.silent_cases import SilenceKind, why_closed
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import EventRow
from tests import forks
from tests.desk import GREETED, SMS
from tests.outgoing_desk import Provider, SendingDesk
from workers.chores.close_silent import SilentCaseCloser
from workers.chores.publish_events import Publisher
from workers.runtime.failpoints import CLOSING

GREETED_BY_SMS = GREETED.replace("[calendars.office]", f"{SMS}\n[calendars.office]", 1)
# A pass in a process of its own, which an armed failpoint ends.
CLOSE = """
import sys
from router.settings import read_settings
from store.db.engine import Database
from workers.chores.close_silent import SilentCaseCloser
SilentCaseCloser(Database(sys.argv[1]), read_settings(open(sys.argv[2], encoding="utf-8").read())).once()
"""
CUSTOMER = Party(PartyKind.PHONE, "+447700900123")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> SendingDesk:
    return SendingDesk(database, tmp_path, toml=GREETED_BY_SMS, provider=Provider(channel="sms"))


def receive(desk: SendingDesk, text: str, *, ago: timedelta = timedelta(0)) -> None:
    key, at = f"SM{len(desk.rows(MessageRow))}", datetime.now(UTC) - ago
    desk.route(Envelope(source_key=key, sender=CUSTOMER, received_at=at, channel="sms", text=text))


def closer(desk: SendingDesk, **settings: Any) -> SilentCaseCloser:
    known = desk.settings
    changed = known.omniyard.model_copy(update=settings)
    return SilentCaseCloser(desk.database, known.model_copy(update={"omniyard": changed}), look_every=0)


def cases(desk: SendingDesk) -> list[ConversationRow]:
    """Return the customer's cases; the desk has another one, by mail."""
    return sorted((row for row in desk.rows(ConversationRow) if row.channel == "sms"), key=lambda row: row.opened_at)


def why(desk: SendingDesk) -> SilenceKind | None:
    with desk.database.read() as connection:
        return why_closed(connection, cases(desk)[0].id)


def test_a_greeting_that_nothing_follows_closes_after_a_day_with_its_reason_and_no_promise(desk: SendingDesk) -> None:
    receive(desk, "hello", ago=timedelta(hours=23))
    desk.deliverer().once()
    assert closer(desk).once() == 0
    desk.change(ConversationRow, last_message_at=datetime.now(UTC) - timedelta(hours=25))

    assert (closer(desk).once(), closer(desk).once()) == (1, 0)

    (case,) = cases(desk)
    assert (case.status, case.labels, why(desk)) == (Status.RESOLVED, [NO_QUESTION_YET], SilenceKind.NO_QUESTION)
    assert (case.clock_started_at, case.waiting_since, case.first_reply_due_at, case.resolve_due_at) == (None,) * 4
    kind = "conversation.status_changed"
    (closing,) = [row.payload for row in desk.rows(EventRow) if (row.kind, row.conversation_id) == (kind, case.id)]
    assert closing == {"from": "pending", "to": "resolved", "why": "no_question"}


@pytest.mark.parametrize("place", CLOSING)
def test_a_crash_closes_no_case_twice_and_forgets_none(
    desk: SendingDesk, database_url: str, tmp_path: Path, place: str
) -> None:
    receive(desk, "hello", ago=timedelta(days=3))
    desk.deliverer().once()
    config = tmp_path / "channels.toml"
    config.write_text(desk.text, encoding="utf-8")
    armed = os.environ | {"OMNIYARD_FAILPOINTS": f"{place}=kill"}
    died = forks.run(["-c", CLOSE, database_url, str(config)], env=armed)
    assert died.returncode == -9

    closer(desk).once()

    assert (cases(desk)[0].status, why(desk)) == (Status.RESOLVED, SilenceKind.NO_QUESTION)
    assert desk.rows(EventRow, "kind").count("conversation.status_changed") == 1


@pytest.mark.parametrize("words", ["where is my refund", "agent please"])
def test_what_the_customer_wants_opens_the_closed_greeting_again(desk: SendingDesk, words: str) -> None:
    receive(desk, "hello", ago=timedelta(days=3))
    desk.deliverer().once()
    closer(desk).once()

    receive(desk, words)

    (case,) = cases(desk)
    assert (case.status, NO_QUESTION_YET in case.labels, case.sla) == (Status.OPEN, False, "standard")
    assert None not in (case.clock_started_at, case.waiting_since)
    assert case.clock_started_at > datetime.now(UTC) - timedelta(hours=1)


def test_another_greeting_after_the_closing_is_asked_again(desk: SendingDesk) -> None:
    receive(desk, "hello", ago=timedelta(days=3))
    desk.deliverer().once()
    closer(desk).once()

    receive(desk, "hello?")
    desk.deliverer().once()

    first, second = cases(desk)
    assert (first.status, second.status, second.linked_to) == (Status.RESOLVED, Status.PENDING, first.id)
    assert len(desk.provider.kept) == 2


def test_thanks_after_the_closing_open_nothing(desk: SendingDesk) -> None:
    receive(desk, "hello", ago=timedelta(days=3))
    desk.deliverer().once()
    closer(desk).once()
    receive(desk, "thanks")
    assert [case.status for case in cases(desk)] == [Status.RESOLVED]


def test_a_greeting_whose_answer_has_not_left_stays(desk: SendingDesk) -> None:
    receive(desk, "hello", ago=timedelta(days=3))
    assert closer(desk).once() == 0


def test_other_pending_cases_close_only_where_the_operator_says_so(desk: SendingDesk) -> None:
    receive(desk, "where is my refund", ago=timedelta(days=30))
    pend(desk)
    desk.change(ConversationRow, last_message_at=datetime.now(UTC) - timedelta(days=15))
    assert closer(desk).once() == 0
    # Since it waits, and not since the last message.
    assert closer(desk, pending_closes_after=timedelta(days=14)).once() == 0

    assert closer(desk, pending_closes_after=timedelta(microseconds=1)).once() == 1

    assert (cases(desk)[0].status, why(desk)) == (Status.RESOLVED, SilenceKind.NO_ANSWER)
    receive(desk, "it is still not here")
    assert cases(desk)[-1].status == Status.OPEN


@pytest.mark.parametrize("change", [{"emergency": True}, {"possible_danger": True}])
def test_danger_never_closes_by_itself(desk: SendingDesk, change: dict[str, bool]) -> None:
    receive(desk, "where is my refund", ago=timedelta(days=30))
    pend(desk)
    desk.change(ConversationRow, **change)
    assert closer(desk, pending_closes_after=timedelta(microseconds=1)).once() == 0


def test_a_case_that_is_a_part_of_another_one_stays_as_it_is(desk: SendingDesk) -> None:
    receive(desk, "where is my refund", ago=timedelta(days=30))
    pend(desk)
    desk.change(ConversationRow, merged_into=cases(desk)[0].id)
    assert closer(desk, pending_closes_after=timedelta(microseconds=1)).once() == 0


def test_who_said_nothing_more_is_not_asked_how_it_was(desk: SendingDesk) -> None:
    with desk.database.write() as connection:
        take_closings(connection)
    receive(desk, "hello", ago=timedelta(days=3))
    desk.deliverer().once()
    closer(desk).once()
    while Publisher(desk.database, takeover=timedelta(seconds=15)).once():
        pass
    with desk.database.write() as connection:
        assert take_closings(connection)[0] == []


def test_without_the_reply_to_greetings_none_is_closed(desk: SendingDesk) -> None:
    receive(desk, "hello", ago=timedelta(days=3))
    desk.deliverer().once()
    assert closer(desk, greeting=None).once() == 0


def pend(desk: SendingDesk) -> None:
    """Let an agent set the only case to pending."""
    with desk.database.write() as connection:
        now = read_clock(connection)
        change_status(connection, conversation_id=cases(desk)[0].id, status=Status.PENDING, at=now, by="Li")
