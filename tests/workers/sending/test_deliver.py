"""Sending: the outcome of a message for each answer, without an answer, and with concurrent changes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from router.delivery import DeliveryReport, DeliveryStatus, Window
from router.errors import TransientError
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.outbound import ledger, limits
from store.outbound.delivery_receipts import note_delivery
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import EventRow, OutboundRow
from store.tables.self_service import AutoAnswerRow, AutoAnswerState
from tests import forks
from tests.desk import TOML, envelope
from tests.outgoing_desk import AT_ONCE, UNKNOWN, Provider, SendingDesk, not_sent
from workers.sending.deliver import InFlight, SendingPace

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
# A pass in a process of its own, which an armed failpoint ends.
DELIVER = """
import sys, threading
from router.settings import read_settings
from store.db.engine import Database
from tests.outgoing_desk import AT_ONCE, Provider
from workers.routing.brain import build_brain
from workers.sending.deliver import Deliverer, InFlight
database, brain = Database(sys.argv[1]), build_brain(read_settings(open(sys.argv[2], encoding="utf-8").read()))
made = {"lane": "test", "senders": {"mail": Provider()}, "in_flight": InFlight(), "stopped": threading.Event()}
Deliverer(database, brain, pace=AT_ONCE, **made).once()
"""


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> SendingDesk:
    return SendingDesk(database, tmp_path)


def settle(desk: SendingDesk, *, passes: int = 8, pace: SendingPace = AT_ONCE) -> None:
    """Run passes, and let all leases and waits end before each."""
    for _ in range(passes):
        let_time_pass(desk)
        desk.deliverer(pace=pace).once()


def let_time_pass(desk: SendingDesk) -> None:
    table = table_of(OutboundRow)
    with desk.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.state == "sending").values(lease_until=LONG_AGO))
        connection.execute(sa.update(table).values(due_at=LONG_AGO))


def die_after_claiming(desk: SendingDesk) -> None:
    """Act as a process that claims the row and is killed."""
    with desk.database.write() as connection:
        row = ledger.next_queued(connection, channel="mail")
        assert row
        ledger.begin(connection, row, lease=timedelta(seconds=30))


def claim_and_break(desk: SendingDesk) -> None:
    """Act as a process that is killed before it commits its claim."""
    with desk.database.write() as connection:
        row = ledger.next_queued(connection, channel="mail")
        assert row
        ledger.begin(connection, row, lease=timedelta(seconds=1 / 0))


def test_a_queued_message_is_sent_once(desk: SendingDesk) -> None:
    outbound_id = desk.queue()
    deliverer = desk.deliverer()

    assert [deliverer.once(), deliverer.once()] == [1, 0]
    row = desk.row(outbound_id)
    assert (row.state, row.attempts, row.provider_id) == ("sent", 1, f"P{outbound_id.hex}")
    assert "outbound.sent" in desk.rows(EventRow, "kind")


def test_its_date_is_fixed_with_the_first_attempt_and_its_message_id_before(desk: SendingDesk) -> None:
    desk.provider.repeatable = True
    desk.provider.answers = ["lost", not_sent(), "lost"]
    desk.queue()

    settle(desk)

    first, *others = desk.provider.tried
    assert len(others) == 3
    assert {(each.rfc_message_id, each.dated_at) for each in others} == {(first.rfc_message_id, first.dated_at)}
    assert len({each.attempt_id for each in desk.provider.tried}) == 4


# The meaning of each answer: the row's state, and whether the attempt counts.
@pytest.mark.parametrize(
    ("answer", "state", "attempts"),
    [
        (not_sent("connection refused", whole_channel=True), "queued", 0),
        (not_sent("429", whole_channel=True, retry_after=timedelta(minutes=7)), "queued", 0),
        (not_sent("451 try again later"), "queued", 1),
        (Receipt(verdict=SendVerdict.REFUSED, why="400"), "failed", 1),
        (Receipt(verdict=SendVerdict.UNKNOWN, why="500"), "unknown", 1),
        (Receipt(verdict=SendVerdict.UNKNOWN, why="read timed out"), "unknown", 1),
        (lambda: 1 / 0, "unknown", 1),
    ],
)
def test_each_answer_has_its_state(desk: SendingDesk, answer: Any, state: str, attempts: int) -> None:
    outbound_id = desk.queue()
    desk.provider.answers = [answer]

    desk.deliverer().once()

    row = desk.row(outbound_id)
    assert (row.state, row.attempts) == (state, attempts)
    if isinstance(answer, Receipt) and answer.retry_after:
        assert row.due_at - row.claimed_at >= answer.retry_after
    assert desk.provider.copies(outbound_id) == 0


def test_two_messages_never_share_a_providers_id(desk: SendingDesk) -> None:
    ids = [desk.queue(), desk.queue()]
    desk.provider.answers = [Receipt(verdict=SendVerdict.ACCEPTED, provider_id="same")] * 2

    desk.deliverer().once()

    assert [(desk.row(each).state, desk.row(each).provider_id) for each in ids] == [("sent", "same"), ("sent", None)]


def test_an_unreachable_channel_stops_the_attempts_of_its_other_messages(desk: SendingDesk) -> None:
    for _ in range(3):
        desk.queue()
    desk.provider.answers = [not_sent(whole_channel=True)] * 9
    deliverer = desk.deliverer()

    deliverer.once()
    let_time_pass(desk)
    deliverer.once()

    assert len(desk.provider.tried) == 1


def test_a_message_refused_for_long_goes_to_a_person(desk: SendingDesk) -> None:
    outbound_id = desk.queue()
    desk.provider.answers = [not_sent()] * 99

    settle(desk, passes=15)

    assert desk.row(outbound_id).state == "needs_person"
    assert len(desk.provider.tried) == 12


# --- Killed or cut at each step --------------------------------------------------------------------------------------
# The steps before the row is queued: tests/api/rest/test_replies.py and journeys/crashes/test_sending_failpoints.py.


def test_before_the_claim_is_committed_another_sender_takes_it(desk: SendingDesk) -> None:
    outbound_id = desk.queue()
    with pytest.raises(ZeroDivisionError):
        claim_and_break(desk)
    assert desk.row(outbound_id).state == "queued"

    desk.deliverer().once()

    assert desk.provider.copies(outbound_id) == 1


def test_killed_after_the_claim_is_unknown_and_an_sms_goes_to_a_person(desk: SendingDesk) -> None:
    outbound_id = desk.queue()
    die_after_claiming(desk)
    desk.deliverer().once()
    assert desk.row(outbound_id).state == "sending"

    settle(desk)

    assert desk.row(outbound_id).state == "needs_person"
    assert desk.provider.looks == 2
    assert desk.provider.tried == []


def test_killed_after_the_claim_a_mail_is_sent(desk: SendingDesk) -> None:
    desk.provider.repeatable = True
    outbound_id = desk.queue()
    die_after_claiming(desk)

    settle(desk)

    assert (desk.row(outbound_id).state, desk.provider.copies(outbound_id)) == ("sent", 1)


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_request_that_broke_on_its_way_is_unknown(desk: SendingDesk, repeatable: bool) -> None:
    desk.provider.repeatable = repeatable
    desk.provider.answers = ["dropped"]
    outbound_id = desk.queue()

    settle(desk)

    expected = ("sent", 1) if repeatable else ("needs_person", 0)
    assert (desk.row(outbound_id).state, desk.provider.copies(outbound_id)) == expected


@pytest.mark.parametrize("repeatable", [True, False])
def test_an_answer_that_got_lost_doubles_no_sms_and_a_mail_only_under_one_message_id(
    desk: SendingDesk, repeatable: bool
) -> None:
    desk.provider.repeatable = repeatable
    desk.provider.answers = ["lost"]
    outbound_id = desk.queue()

    settle(desk)

    assert desk.row(outbound_id).state == "sent"
    assert desk.provider.copies(outbound_id) == (2 if repeatable else 1)
    assert len({each.rfc_message_id for each in desk.provider.kept}) == 1


@pytest.mark.parametrize("repeatable", [True, False])
def test_killed_between_the_answer_and_the_commit_is_as_a_lost_answer(desk: SendingDesk, repeatable: bool) -> None:
    desk.provider.repeatable = repeatable
    outbound_id = desk.queue()
    die_after_claiming(desk)
    claimed = desk.row(outbound_id)
    # The provider has it; the process died after the answer.
    desk.provider.kept.append(kept(claimed))

    settle(desk)

    assert desk.row(outbound_id).state == "sent"
    assert desk.provider.copies(outbound_id) == (2 if repeatable else 1)


def kept(row: Any) -> Outgoing:
    return Outgoing(
        outbound_id=row.id,
        attempt_id=row.lease_token,
        attempt=row.attempts,
        channel=row.channel,
        recipient=row.recipient,
        text=row.text,
        rfc_message_id=row.rfc_message_id,
        dated_at=row.dated_at,
    )


def test_a_commit_whose_answer_got_lost_is_written_again_without_harm(
    desk: SendingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbound_id = desk.queue()
    deliverer, real = desk.deliverer(), desk.database.write
    answers = iter([True, False, True])

    # The database commits, and the connection breaks before the answer.
    class Lossy:
        def __init__(self) -> None:
            self.inner, self.fine = real(), next(answers, True)

        def __enter__(self) -> Any:
            return self.inner.__enter__()

        def __exit__(self, *why: object) -> Any:
            ended = self.inner.__exit__(*why)
            if not self.fine and why[0] is None:
                raise TransientError("the database did not answer")
            return ended

    monkeypatch.setattr(desk.database, "write", Lossy)
    with pytest.raises(TransientError):
        deliverer.once()
    assert desk.row(outbound_id).state == "sent"
    deliverer.once()

    assert (desk.row(outbound_id).state, desk.provider.copies(outbound_id)) == ("sent", 1)


def test_the_result_of_a_message_is_written_when_the_database_is_back(
    desk: SendingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbound_id = desk.queue()
    deliverer, real = desk.deliverer(), desk.database.write
    calls = iter([real])

    def away() -> Any:
        try:
            return next(calls)()
        except StopIteration:
            raise TransientError("the database is away") from None

    monkeypatch.setattr(desk.database, "write", away)
    with pytest.raises(TransientError):
        deliverer.once()
    assert desk.row(outbound_id).state == "sending"
    monkeypatch.undo()
    deliverer.once()

    assert (desk.row(outbound_id).state, desk.provider.copies(outbound_id)) == ("sent", 1)


def report(desk: SendingDesk, outbound_id: Any, delivery: DeliveryStatus, *, why: str = "") -> bool:
    with desk.database.write() as connection:
        news = DeliveryReport(delivery=delivery, provider_id=f"P{outbound_id.hex}", why=why)
        return note_delivery(connection, outbound_id, news)


def test_a_callback_may_come_before_our_own_commit(desk: SendingDesk) -> None:
    outbound_id = desk.queue()
    desk.provider.answers = [lambda: report(desk, outbound_id, DeliveryStatus.DELIVERED) and UNKNOWN]

    desk.deliverer().once()

    row = desk.row(outbound_id)
    assert (row.state, row.delivery, row.provider_id) == ("sent", "delivered", f"P{outbound_id.hex}")


def test_callbacks_in_any_order_only_move_forward(desk: SendingDesk) -> None:
    outbound_id = desk.queue()
    order = [
        DeliveryStatus.SENT,
        DeliveryStatus.DELIVERED,
        DeliveryStatus.SENT,
        DeliveryStatus.UNDELIVERED,
        DeliveryStatus.READ,
        DeliveryStatus.DELIVERED,
    ]

    moved = [report(desk, outbound_id, delivery) for delivery in order]

    assert moved == [True, True, False, False, True, False]
    assert desk.row(outbound_id).delivery == "read"


def test_the_row_is_sent_even_without_its_event(desk: SendingDesk) -> None:
    outbound_id = desk.queue()
    desk.deliverer().once()
    with desk.database.write() as connection:
        connection.execute(sa.delete(table_of(EventRow)))

    settle(desk, passes=2)

    assert (desk.row(outbound_id).state, desk.provider.copies(outbound_id)) == ("sent", 1)


@pytest.mark.parametrize("repeatable", [True, False])
def test_after_a_restore_nothing_is_sent_before_it_is_looked_for(desk: SendingDesk, repeatable: bool) -> None:
    # Given a sent message, and a database restored to the moment before
    desk.provider.repeatable = repeatable
    outbound_id, unsent = desk.queue(), desk.queue()
    now = datetime.now(UTC)
    for each in (outbound_id, unsent):
        desk.put(each, created_at=now, due_at=now - timedelta(seconds=1))
    die_after_claiming(desk)
    desk.provider.kept.append(kept(desk.row(outbound_id)))
    desk.put(outbound_id, state="queued", attempts=0, lease_token=None, lease_until=None, claimed_at=None)
    with desk.database.write() as connection:
        limits.freeze(connection, why="restored from the backup of 3 o'clock")

    assert desk.deliverer().once() == 0
    with desk.database.write() as connection:
        assert limits.thaw(connection) == 2
    settle(desk)

    assert desk.provider.copies(outbound_id) == (2 if repeatable else 1)
    assert desk.row(outbound_id).state == "sent"
    assert desk.row(unsent).state == ("sent" if repeatable else "needs_person")


# --- Lost answers, stops, storms (also test_smtp_sender.py and tests/api/rest/test_replies.py) ------------------------


def test_an_answer_lost_after_acceptance_a_hundred_times_makes_no_copy(desk: SendingDesk) -> None:
    ids = [desk.queue() for _ in range(100)]
    desk.provider.answers = ["lost"] * 100

    desk.deliverer().once()
    settle(desk, passes=2)

    assert {desk.row(each).state for each in ids} == {"sent"}
    assert len(desk.provider.kept) == 100


def test_unknown_mail_is_repeated_a_quarter_of_an_hour_apart_and_twice_at_most(desk: SendingDesk) -> None:
    desk.provider.repeatable = True
    desk.provider.answers = ["dropped"] * 9
    outbound_id = desk.queue()
    desk.deliverer(pace=SendingPace()).once()
    row = desk.row(outbound_id)
    assert row.due_at - row.unknown_at == timedelta(minutes=15)

    settle(desk)

    assert (desk.row(outbound_id).state, len(desk.provider.tried)) == ("needs_person", 3)


def test_an_sms_is_looked_for_twice_over_ten_minutes_before_a_person_is_asked(desk: SendingDesk) -> None:
    desk.provider.answers = ["dropped"]
    outbound_id = desk.queue()
    settle(desk, passes=3, pace=SendingPace())
    assert (desk.row(outbound_id).state, desk.provider.looks) == ("unknown", 2)

    desk.put(outbound_id, unknown_at=LONG_AGO)
    settle(desk, passes=1, pace=SendingPace())

    assert desk.row(outbound_id).state == "needs_person"


def test_a_provider_that_cannot_be_asked_now_is_asked_later(desk: SendingDesk) -> None:
    desk.provider.answers = ["lost"]
    outbound_id = desk.queue()
    desk.provider.away = True
    settle(desk)
    assert desk.row(outbound_id).state == "unknown"

    desk.provider.away = False
    settle(desk, passes=1)

    assert (desk.row(outbound_id).state, desk.provider.copies(outbound_id)) == ("sent", 1)


def test_a_process_whose_lease_has_ended_sends_nothing(desk: SendingDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    outbound_id = desk.queue()
    deliverer = desk.deliverer()
    ticks = iter([0.0, 0.0, 99.0])
    monkeypatch.setattr("workers.sending.deliver.time.monotonic", lambda: next(ticks, 99.0))

    deliverer.once()

    assert desk.provider.tried == []
    assert desk.row(outbound_id).state == "queued"


def test_an_answer_after_the_last_look_still_counts(desk: SendingDesk) -> None:
    outbound_id = desk.queue()

    def slow() -> Receipt:
        settle_elsewhere(desk)
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id="late")

    desk.provider.answers = [slow]
    desk.deliverer().once()

    row = desk.row(outbound_id)
    assert (row.state, row.provider_id) == ("sent", "late")


def settle_elsewhere(desk: SendingDesk) -> None:
    """Act as other processes that find this one's leases ended."""
    asked = Provider()
    other = desk.provider
    desk.provider = asked
    try:
        settle(desk, passes=4)
    finally:
        desk.provider = other
    assert asked.tried == []


def test_an_attempt_in_flight_keeps_its_lease_while_its_process_lives(desk: SendingDesk) -> None:
    outbound_id = desk.queue()
    die_after_claiming(desk)
    with desk.database.read() as connection:
        row = ledger.due(connection, channels=["mail"])
    assert not row.dead
    in_flight = InFlight()
    with desk.database.write() as connection:
        claimed = ledger.find(connection, outbound_id)
    let_time_pass(desk)

    in_flight.put("test", claimed)
    in_flight.renew(desk.database, lease=timedelta(minutes=1))

    assert desk.deliverer().once() == 0
    assert desk.row(outbound_id).state == "sending"


def test_nothing_overtakes_within_a_conversation(desk: SendingDesk) -> None:
    first, second = desk.queue(text="one"), desk.queue(text="two")
    desk.provider.answers = [not_sent()]

    desk.deliverer().once()
    assert [desk.row(each).state for each in (first, second)] == ["queued", "queued"]
    settle(desk, passes=2)

    assert [each.text for each in desk.provider.kept] == ["one", "two"]


def test_a_message_that_is_not_due_stays(desk: SendingDesk) -> None:
    outbound_id = desk.queue(due_at=datetime.now(UTC) + timedelta(hours=1))

    assert desk.deliverer().once() == 0
    assert desk.row(outbound_id).state == "queued"


# --- Windows, budgets, the breaker ------------------------------------------------------------------------------------


def test_a_window_that_closed_while_the_reply_waited_goes_to_a_person(desk: SendingDesk) -> None:
    desk.provider.bounds = Window(lasts=timedelta(hours=24))
    outbound_id = desk.queue()

    desk.deliverer().once()

    row = desk.row(outbound_id)
    assert (row.state, desk.provider.tried) == ("needs_person", [])
    assert "24 h" in row.error


def test_an_open_window_lets_a_reply_leave_and_a_template_needs_none(desk: SendingDesk) -> None:
    desk.provider.bounds = Window(lasts=timedelta(hours=24))
    template = desk.queue(template="HX1")
    desk.deliverer().once()
    desk.change(MessageRow, received_at=datetime.now(UTC))
    free = desk.queue()
    desk.deliverer().once()

    assert [desk.row(each).state for each in (template, free)] == ["sent", "sent"]


def test_the_sixth_message_after_the_customers_last_one_goes_to_a_person(desk: SendingDesk) -> None:
    desk.provider.bounds = Window(lasts=timedelta(hours=48), messages=5)
    desk.change(MessageRow, received_at=datetime.now(UTC) - timedelta(hours=1))
    ids = [desk.queue() for _ in range(6)]

    desk.deliverer().once()

    assert [desk.row(each).state for each in ids] == ["sent"] * 5 + ["needs_person"]


def automatic(desk: SendingDesk, **over: Any) -> Any:
    # Due for a second, because SQLite's clock may be a millisecond behind ours.
    now = datetime.now(UTC)
    due_at = now - timedelta(seconds=1)
    return desk.queue(**{"kind": "auto_reply", "created_at": now, "due_at": due_at, "dated_at": None} | over)


def test_a_customer_gets_three_automatic_replies_a_day(desk: SendingDesk) -> None:
    ids = [automatic(desk) for _ in range(5)]
    other = automatic(desk, recipient="bob@customer.example")

    desk.deliverer().once()

    assert [desk.row(each).state for each in ids] == ["sent"] * 3 + ["cancelled"] * 2
    assert desk.row(other).state == "sent"


def test_a_storm_trips_the_breaker_with_one_alarm_and_people_still_get_through(
    database: Database, tmp_path: Path
) -> None:
    bounded = '[channels.mail.send]\nhost = "127.0.0.1"\nautomatic_per_hour = 4\n\n[channels.sales]'
    desk = SendingDesk(database, tmp_path, toml=TOML.replace("[channels.sales]", bounded))
    ids = [automatic(desk, recipient=f"c{number}@customer.example") for number in range(7)]
    reply = desk.queue()

    desk.deliverer().once()

    assert sorted(desk.row(each).state for each in ids) == ["cancelled"] * 3 + ["sent"] * 4
    assert desk.row(reply).state == "sent"
    assert desk.rows(EventRow, "kind").count("outbound.breaker_tripped") == 1
    with database.write() as connection:
        # By the database's clock, which is rounded and by which the breaker rests.
        limits.trip(connection, channel="mail", until=read_clock(connection))
    again = automatic(desk, recipient="late@customer.example")
    desk.deliverer().once()
    assert desk.row(again).state == "sent"


def test_a_storm_that_rests_leaves_the_queue_in_few_statements_and_short_transactions(
    database: Database, tmp_path: Path
) -> None:
    # Given many replies of a channel whose replies rest, one of them late, and a person's reply behind them
    desk = SendingDesk(database, tmp_path)
    ids = [automatic(desk, recipient=f"c{number}@customer.example") for number in range(130)]
    late, reply = automatic(desk, created_at=LONG_AGO), desk.queue()
    with database.write() as connection:
        limits.trip(connection, channel="mail", until=read_clock(connection) + timedelta(hours=1))
    statements: list[str] = []
    commits: list[int] = []
    sa.event.listen(database.engine, "before_cursor_execute", lambda *row: statements.append(row[2]))
    sa.event.listen(database.engine, "commit", lambda _: commits.append(len(statements)))

    # When they are due
    desk.deliverer().once()
    sql = [*statements]

    # Then each is cancelled with its reason and its event, and the person's reply is sent
    outbound = table_of(OutboundRow)
    with database.read() as connection:
        rows = {row.id: row for row in connection.execute(sa.select(outbound.c.id, outbound.c.state, outbound.c.error))}
    assert {rows[each].state for each in ids} == {"cancelled"}
    assert {rows[each].error for each in ids} == {rows[ids[0]].error}
    assert "replies_rest" in rows[ids[0]].error
    assert (rows[late].state, rows[reply].state) == ("cancelled", "sent")
    assert "replies_rest" not in rows[late].error
    assert desk.rows(EventRow, "kind").count("outbound.cancelled") == len(ids) + 1
    # And they took fewer statements than messages, and no transaction all of them
    assert len(sql) < len(ids)
    assert len(commits) >= 3


@pytest.mark.parametrize(("place", "left"), [("deliver.written", 130), ("deliver.claimed", 29)])
def test_a_crash_while_replies_leave_the_queue_cancels_and_reports_each_once(
    database: Database, database_url: str, tmp_path: Path, place: str, left: int
) -> None:
    desk = SendingDesk(database, tmp_path)
    ids = [automatic(desk, recipient=f"c{number}@customer.example") for number in range(130)]
    with database.write() as connection:
        limits.trip(connection, channel="mail", until=read_clock(connection) + timedelta(hours=1))
    config = tmp_path / "channels.toml"
    config.write_text(desk.text, encoding="utf-8")
    armed = os.environ | {"OMNIYARD_FAILPOINTS": f"{place}=kill"}
    died = forks.run(["-c", DELIVER, database_url, str(config)], env=armed)
    assert died.returncode == -9
    assert desk.rows(OutboundRow, "state").count("queued") == left

    desk.deliverer().once()

    assert [desk.row(each).state for each in ids] == ["cancelled"] * len(ids)
    assert desk.rows(EventRow, "kind").count("outbound.cancelled") == len(ids)


def test_of_a_storm_that_rests_an_answer_of_the_machine_is_looked_at_by_itself(
    database: Database, tmp_path: Path
) -> None:
    # Given a reply of a channel whose replies rest, and behind it an answer to a question
    desk = SendingDesk(database, tmp_path)
    ids = [automatic(desk, recipient=f"c{number}@customer.example") for number in range(2)]
    answer = automatic(desk, recipient="asked@customer.example")
    (message,) = desk.rows(MessageRow)
    with database.write() as connection:
        limits.trip(connection, channel="mail", until=read_clock(connection) + timedelta(hours=1))
        asked = {"id": new_id(), "conversation_id": desk.conversation_id, "message_id": message.id, "channel": "mail"}
        times = {"asked_at": LONG_AGO, "due_at": LONG_AGO, "decided_at": LONG_AGO}
        given = asked | times | {"state": AutoAnswerState.ANSWERED, "outbound_id": answer}
        insert_rows(connection, AutoAnswerRow, rows=[given])

    desk.deliverer().once()

    assert [desk.row(each).state for each in (*ids, answer)] == ["cancelled"] * 3
    assert desk.rows(AutoAnswerRow, "state") == [AutoAnswerState.TAKEN_OVER]


def test_an_automatic_reply_that_could_not_leave_for_a_day_is_dropped_and_a_persons_is_not(desk: SendingDesk) -> None:
    stale, reply = automatic(desk, created_at=LONG_AGO), desk.queue(created_at=LONG_AGO, dated_at=LONG_AGO)

    desk.deliverer().once()

    assert (desk.row(stale).state, desk.row(reply).state) == ("cancelled", "sent")


def test_a_machine_gets_no_automatic_reply(desk: SendingDesk) -> None:
    desk.close()
    machines: list[dict[str, Any]] = [
        {"machine_headers": (("auto-submitted", "auto-replied"),)},
        {"machine_headers": (("list-id", "<x.example>"),)},
        {"machine_headers": (("return-path", "<>"),)},
        {"subject": "Automatic reply: out of office"},
    ]
    desk.route(*(envelope(f"m{number}", **fields) for number, fields in enumerate(machines)))

    assert desk.rows(OutboundRow) == []


# --- The effect on the conversation -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda desk: desk.provider.answers.append(Receipt(verdict=SendVerdict.REFUSED, why="550 no such user")),
        lambda desk: setattr(desk.provider, "bounds", Window(lasts=timedelta(hours=1))),
    ],
)
def test_a_reply_that_does_not_leave_puts_its_case_back_on_the_desk(
    desk: SendingDesk, spoil: Callable[[SendingDesk], None]
) -> None:
    outbound_id = desk.queue()
    desk.change(ConversationRow, status="pending", waiting_since=None, replied_at=desk.row(outbound_id).created_at)
    spoil(desk)

    desk.deliverer().once()

    (row,) = desk.rows(ConversationRow)
    assert (row.status, row.replied_at) == ("open", None)
    assert row.waiting_since is not None


def test_a_scheduled_reply_answers_when_it_has_left(desk: SendingDesk) -> None:
    # Planned after the customer's message, and due a moment later.
    created_at = datetime.now(UTC) + timedelta(milliseconds=5)
    dated_at = created_at + timedelta(milliseconds=1)
    desk.queue(created_at=created_at, dated_at=dated_at)
    while datetime.now(UTC) <= dated_at:
        time.sleep(0.001)

    desk.deliverer().once()

    (row,) = desk.rows(ConversationRow)
    assert (row.status, row.waiting_since) == ("pending", None)
    assert row.replied_at is not None
