"""An alarm that no one confirms goes on: in turn, once a step, whatever dies in between, on both databases."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from router.conversation_status import Status
from router.envelope import Party, PartyKind
from router.reason import Reason, ReasonKey
from router.settings import load_settings
from router.settings.files import shipped_file
from store.conversations.alarms import answer_to, find_emergency
from store.conversations.sla import change_status
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.desk.agents import add_agent, revoke_agent
from store.desk.assignment import set_duty
from store.outbound.delivery_receipts import ReturnedMail, note_returned
from store.outbound.replies import FORWARD, NewReply, add_note, add_reply, lock_answerable
from store.tables.agents import SkillKind
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import EventRow, OutboundRow
from store.tables.outbound_state import LEFT, OutboundState
from tests import forks
from tests.desk import TOML, Desk, envelope
from workers.chores.unanswered_alarms import AlarmEscalator
from workers.routing.danger_findings import EmergencyService
from workers.runtime.failpoints import ALARM

AFTER = timedelta(minutes=10)
# A pass in a process of its own, which an armed failpoint ends.
ESCALATE = """
import sys
from router.settings import read_settings
from store.db.engine import Database
from workers.chores.unanswered_alarms import AlarmEscalator
from workers.routing.brain import build_brain
settings = read_settings(open(sys.argv[2], encoding="utf-8").read())
AlarmEscalator(Database(sys.argv[1]), build_brain(settings)).once()
"""


def escalating_desk(database: Database, folder: Path, *, to: str = '"Li Na", "front-line"') -> Desk:
    listed = f"escalate_to = [{to}]" if to else ""
    desk = Desk(database, folder, toml=TOML + f'\n[emergency]\nescalate_after = "10m"\n{listed}\n')
    desk.route(envelope("1", text="I was hacked"))
    wait(desk)
    return desk


def agent(desk: Desk, name: str, *, team: str = "risk", available: bool = True) -> None:
    with desk.database.write() as connection:
        add_agent(connection, name=name, role="agent")
        set_duty(connection, name=name, available=available, skills={SkillKind.TEAM: [team]})


def wait(desk: Desk) -> None:
    """Let the time pass that an alarm may stay where it is."""
    (alarm,) = desk.rows(EmergencyRow)
    # The database rounds its clock down: a whole second more than it takes.
    started = datetime.now(UTC) - AFTER - timedelta(seconds=1)
    desk.change(EmergencyRow, **({"stepped_at": started} if alarm.steps else {"at": started}))


def escalate(desk: Desk) -> int:
    return AlarmEscalator(desk.database, desk.brain).once()


def steps(desk: Desk) -> list[Any]:
    events = sorted((row for row in desk.rows(EventRow) if row.kind == "emergency.escalated"), key=lambda row: row.id)
    return [(row.payload["step"], row.payload["to"]) for row in events]


def case(desk: Desk) -> tuple[str, str | None]:
    (row,) = desk.rows(ConversationRow)
    return row.team, row.assignee


def test_it_goes_to_each_in_turn_and_then_from_the_start_again(database: Database, tmp_path: Path) -> None:
    desk = escalating_desk(database, tmp_path)
    agent(desk, "Li Na", available=False)  # who is named is called, on duty or not
    for _ in range(3):
        assert escalate(desk) == 1
        assert escalate(desk) == 0  # it may stay there for ten minutes again
        wait(desk)

    assert steps(desk) == [(1, "Li Na"), (2, "front-line"), (3, "Li Na")]
    assert case(desk) == ("risk", "Li Na")  # who sees that team only
    (alarm,) = desk.rows(EmergencyRow)
    assert (alarm.steps, alarm.stepped_to) == (3, "Li Na")


def test_a_name_that_no_one_has_is_passed_over(database: Database, tmp_path: Path) -> None:
    desk = escalating_desk(database, tmp_path)
    agent(desk, "Li Na")
    with desk.database.write() as connection:
        revoke_agent(connection, name="Li Na")

    escalate(desk)

    assert steps(desk) == [(1, "front-line")]


def test_without_a_list_the_next_agent_of_the_team_is_called(database: Database, tmp_path: Path) -> None:
    desk = escalating_desk(database, tmp_path, to="")
    escalate(desk)
    assert (steps(desk), case(desk)) == ([(1, None)], ("risk", None))  # no one is there, and the event says so

    for name in ("Ann", "Bo"):
        agent(desk, name)
    agent(desk, "Cy", team="front-line")
    for _ in range(3):
        wait(desk)
        escalate(desk)
    assert steps(desk)[1:] == [(2, "Ann"), (3, "Bo"), (4, "Ann")]


@pytest.mark.parametrize("danger", [True, False])
def test_a_judged_alarm_stays_where_it_is(database: Database, tmp_path: Path, danger: bool) -> None:
    desk = escalating_desk(database, tmp_path)
    (row,) = desk.rows(ConversationRow)
    with desk.database.write() as connection:
        EmergencyService(desk.settings).judge(connection, row.id, danger=danger, by="Bo")

    assert escalate(desk) == 0


def answer(desk: Desk, *, state: OutboundState = OutboundState.SENT, **more: Any) -> None:
    """Let an agent answer. state: of the answer, after it was queued."""
    (row,) = desk.rows(ConversationRow)
    with desk.database.write() as connection:
        now = read_clock(connection)
        reply = NewReply(
            id=new_id(), dedupe_key=new_id().hex, author="Bo", sender="support@desk.example", subject="Re",
            text="We lock it now.", masked="We lock it now.", rfc_message_id=f"{new_id().hex}@desk.example",
            due_at=now, **more,
        )  # fmt: skip
        add_reply(connection, lock_answerable(connection, row.id), reply=reply, now=now)
        table = table_of(OutboundRow)
        connection.execute(sa.update(table).where(table.c.id == reply.id).values(state=state))


def answered(desk: Desk) -> str | None:
    (row,) = desk.rows(ConversationRow)
    with desk.database.read() as connection:
        found = answer_to(connection, find_emergency(connection, row.id))
        return found.by if found else None


@pytest.mark.parametrize("state", OutboundState)
def test_an_alarm_whose_customer_an_agent_answered_stays_where_it_is(
    database: Database, tmp_path: Path, state: OutboundState
) -> None:
    desk = escalating_desk(database, tmp_path)
    answer(desk, state=state)

    # What waits, failed or was taken back has not reached the customer.
    has_left = state in LEFT
    assert answered(desk) == ("Bo" if has_left else None)
    assert escalate(desk) == (0 if has_left else 1)
    (alarm,) = desk.rows(EmergencyRow)
    assert alarm.confirmed is None  # an answer is no verdict


def test_what_is_passed_on_and_what_was_said_before_answers_no_alarm(database: Database, tmp_path: Path) -> None:
    desk = escalating_desk(database, tmp_path)
    answer(desk, kind=FORWARD, recipient="bank@example.com")
    assert (answered(desk), escalate(desk)) == (None, 1)

    answer(desk)
    desk.change(EmergencyRow, at=datetime.now(UTC) + timedelta(seconds=2), stepped_at=datetime.now(UTC) - AFTER * 2)
    assert (answered(desk), escalate(desk)) == (None, 1)


@pytest.mark.parametrize("status", ["open", "resolved"])
def test_danger_that_is_said_again_after_an_answer_starts_the_alarm_again(
    database: Database, tmp_path: Path, status: str
) -> None:
    desk = escalating_desk(database, tmp_path)
    escalate(desk)
    answer(desk)
    past = datetime.now(UTC) - timedelta(hours=1)
    (first,) = desk.rows(EmergencyRow)
    desk.change(EmergencyRow, at=past, stepped_at=past)
    desk.change(MessageRow, received_at=past + timedelta(minutes=1))
    desk.change(ConversationRow, status=status)
    assert escalate(desk) == 0

    desk.route(envelope("2", text="I was hacked again, they are in my account", in_reply_to=("1@customer.example",)))

    assert (answered(desk), escalate(desk)) == (None, 0)  # it may stay where it is for ten minutes
    wait(desk)
    assert (escalate(desk), steps(desk)) == (1, [(1, "front-line"), (1, "front-line")])
    (again,) = desk.rows(EmergencyRow)
    assert again.inbound_id != first.inbound_id
    assert (again.paged, again.calm) == (first.paged, first.calm)


@pytest.mark.parametrize(("status", "calls"), [("open", False), ("resolved", True)])
def test_danger_in_a_confirmed_case_that_was_resolved_is_a_new_one(
    database: Database, tmp_path: Path, status: str, calls: bool
) -> None:
    desk = escalating_desk(database, tmp_path)
    (row,) = desk.rows(ConversationRow)
    with desk.database.write() as connection:
        EmergencyService(desk.settings).judge(connection, row.id, danger=True, by="Bo")
    desk.change(ConversationRow, status=status)

    desk.route(envelope("2", text="I was hacked again", in_reply_to=("1@customer.example",)))
    wait(desk)

    (alarm,) = desk.rows(EmergencyRow)
    assert (alarm.confirmed, escalate(desk)) == ((None, 1) if calls else (True, 0))


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("你好，上次被盗刷的钱已经到账，谢谢", False),
        ("The money that was stolen from my account has been refunded, thank you!", False),
        ("钱退回来了，可是又被盗刷了一笔", True),
        ("The refund arrived, but someone stole money from my card again", True),
    ],
)
def test_thanks_in_a_confirmed_case_that_was_resolved_call_no_one_and_new_danger_does(
    database: Database, tmp_path: Path, text: str, calls: bool
) -> None:
    desk = escalating_desk(database, tmp_path)
    # The words of danger that come with an installation.
    desk.use(desk.settings.with_danger(load_settings(shipped_file()).danger))
    (row,) = desk.rows(ConversationRow)
    with desk.database.write() as connection:
        EmergencyService(desk.settings).judge(connection, row.id, danger=True, by="Bo")
        change_status(connection, conversation_id=row.id, status=Status.RESOLVED, at=read_clock(connection), by="Bo")

    desk.route(envelope("2", text=text, in_reply_to=("1@customer.example",)))
    wait(desk)

    (alarm,) = desk.rows(EmergencyRow)
    assert (alarm.confirmed, escalate(desk)) == ((None, 1) if calls else (True, 0))


@pytest.mark.parametrize("verdict", [True, None])
@pytest.mark.parametrize("together", [True, False])
def test_danger_in_a_case_that_an_ordinary_message_opened_again_is_a_new_one(
    database: Database, tmp_path: Path, verdict: bool | None, together: bool
) -> None:
    desk = escalating_desk(database, tmp_path)
    escalate(desk)
    (row,) = desk.rows(ConversationRow)
    with desk.database.write() as connection:
        EmergencyService(desk.settings).judge(connection, row.id, danger=verdict, by="Bo")
        change_status(connection, conversation_id=row.id, status=Status.RESOLVED, at=read_clock(connection), by="Bo")
    ordinary = envelope("2", text="Thank you for your help.", in_reply_to=("1@customer.example",))
    danger = envelope("3", text="I was hacked again", in_reply_to=("1@customer.example",))

    for mails in [(ordinary, danger)] if together else [(ordinary,), (danger,)]:
        desk.route(*mails)

    (alarm,) = desk.rows(EmergencyRow)
    (said,) = [each.inbound_id for each in desk.rows(MessageRow) if each.rfc_message_id == "3@customer.example"]
    assert (alarm.confirmed, alarm.steps, alarm.inbound_id) == (None, 0, said)
    assert escalate(desk) == 0
    wait(desk)
    assert escalate(desk) == 1


def test_danger_in_a_case_that_was_resolved_before_its_verdict_has_its_agent(
    database: Database, tmp_path: Path
) -> None:
    desk = escalating_desk(database, tmp_path)
    (row,) = desk.rows(ConversationRow)
    with desk.database.write() as connection:
        now = read_clock(connection)
        change_status(connection, conversation_id=row.id, status=Status.RESOLVED, at=now - AFTER, by="Bo")
        change_status(connection, conversation_id=row.id, status=Status.OPEN, at=now, by="Bo")
        EmergencyService(desk.settings).judge(connection, row.id, danger=True, by="Bo")

    desk.route(envelope("2", text="I was hacked, do you hear", in_reply_to=("1@customer.example",)))
    wait(desk)

    assert escalate(desk) == 0


def test_danger_in_an_emergency_of_an_archive_calls_for_the_first_time(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path, toml=TOML + '\n[emergency]\nescalate_after = "10m"\n')
    desk.route(envelope("1", text="I was hacked"), backfill=True)
    assert (desk.rows(EmergencyRow), case(desk)[0]) == ([], "risk")

    desk.route(envelope("2", text="I was hacked again", in_reply_to=("1@customer.example",)))
    wait(desk)

    assert escalate(desk) == 1


def test_danger_that_is_said_again_without_an_answer_delays_no_step(database: Database, tmp_path: Path) -> None:
    desk = escalating_desk(database, tmp_path)
    desk.route(envelope("2", text="I was hacked, do you hear", in_reply_to=("1@customer.example",)))

    assert escalate(desk) == 1


@pytest.mark.parametrize(("minutes", "counts"), [(-20, False), (1, True)])
def test_a_mail_programs_answer_counts_by_when_it_was_sent_and_not_by_when_its_copy_came(
    database: Database, tmp_path: Path, minutes: int, counts: bool
) -> None:
    desk = escalating_desk(database, tmp_path)
    ours, ann = Party(PartyKind.EMAIL, "support@desk.example"), Party(PartyKind.EMAIL, "ann@customer.example")
    (alarm,) = desk.rows(EmergencyRow)
    copy = envelope("copy", sender=ours, text="We look into it.", in_reply_to=("1@customer.example",))
    now = datetime.now(UTC)

    desk.route(replace(copy, to=(ann,), received_at=now, sent_at=alarm.at + timedelta(minutes=minutes)))

    assert [row.direction for row in desk.rows(MessageRow)].count("outgoing") == 1
    assert (answered(desk) is not None, escalate(desk)) == (counts, 0 if counts else 1)


def test_an_answer_that_came_back_lets_the_alarm_go_on(database: Database, tmp_path: Path) -> None:
    desk = escalating_desk(database, tmp_path)
    answer(desk)
    (sent,) = [row for row in desk.rows(OutboundRow) if row.author == "Bo"]
    with desk.database.write() as connection:
        mail = ReturnedMail(
            rfc_message_id=sent.rfc_message_id,
            addresses=frozenset({sent.recipient}),
            why=Reason(ReasonKey.MAIL_CAME_BACK, {"status": "5.1.1"}),
        )
        note_returned(connection, [mail])

    assert (answered(desk), escalate(desk)) == (None, 1)


def test_a_note_and_an_automatic_reply_answer_no_alarm(database: Database, tmp_path: Path) -> None:
    desk = escalating_desk(database, tmp_path)
    (row,) = desk.rows(ConversationRow)
    with desk.database.write() as connection:
        add_note(
            connection, lock_answerable(connection, row.id), author="Bo", masked="I look.", now=read_clock(connection)
        )
    desk.change(OutboundRow, state=OutboundState.SENT)

    assert [each.kind for each in desk.rows(OutboundRow)] == ["auto_reply"]
    assert (answered(desk), escalate(desk)) == (None, 1)


def test_a_resolved_case_calls_no_one(database: Database, tmp_path: Path) -> None:
    desk = escalating_desk(database, tmp_path)
    desk.change(ConversationRow, status="resolved")

    assert escalate(desk) == 0


def test_a_release_takes_back_where_the_alarm_went(database: Database, tmp_path: Path) -> None:
    desk = escalating_desk(database, tmp_path, to='"sales"')
    desk.use(desk.settings.model_copy(update={"teams": {**desk.settings.teams, "sales": desk.settings.teams["risk"]}}))
    escalate(desk)
    assert case(desk) == ("sales", None)
    (row,) = desk.rows(ConversationRow)
    with desk.database.write() as connection:
        EmergencyService(desk.settings).judge(connection, row.id, danger=False, by="Bo")

    assert case(desk) == ("front-line", None)


def test_without_escalate_after_it_stays(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path)
    desk.route(envelope("1", text="I was hacked"))
    wait(desk)

    assert escalate(desk) == 0


@pytest.mark.parametrize("place", ALARM)
def test_a_crash_leaves_neither_a_double_step_nor_a_gap(
    database: Database, database_url: str, tmp_path: Path, place: str
) -> None:
    desk = escalating_desk(database, tmp_path)
    agent(desk, "Li Na")
    config = tmp_path / "channels.toml"
    config.write_text(desk.text, encoding="utf-8")
    armed = os.environ | {"OMNIYARD_FAILPOINTS": f"{place}=kill"}
    died = forks.run(["-c", ESCALATE, database_url, str(config)], env=armed)
    assert died.returncode == -9

    escalate(desk)
    escalate(desk)

    assert steps(desk) == [(1, "Li Na")]
    (alarm,) = desk.rows(EmergencyRow)
    assert alarm.steps == 1
