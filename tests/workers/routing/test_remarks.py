"""Messages without a matter at a desk: thanks reopen nothing, a greeting waits, a call for a person ends machines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from connectors.sender_contract import Receipt, SendVerdict
from router.conversation_status import Status
from router.envelope import Envelope, Party, PartyKind
from router.remarks.remark_kind import NO_QUESTION_YET, NOTHING_TO_DO, WANTS_PERSON
from store.db.bulk import insert_rows, table_of
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.outbound import limits
from store.outbound.automatic_answers import answer_case
from store.tables.emergencies import EmergencyRow
from store.tables.messages import ConversationRow, Direction, MessageRow
from store.tables.operations import OutboundRow, SuppressionRow
from tests.desk import GREETED, SMS, Desk, envelope
from tests.outgoing_desk import Provider, SendingDesk

PERSON = """
[replies.soon]
follow_ups = true
text = {{ en = "A colleague answers here.", zh = "同事会在这里回复您。" }}
[replies.later]
follow_ups = true
text = {{ en = "A colleague answers when we open {{next_opening}}.", zh = "{{next_opening}} 开始后同事回复您。" }}
"""
CUSTOMER = Party(PartyKind.PHONE, "+447700900123")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path, toml=GREETED.replace("[calendars.office]", f"{SMS}\n[calendars.office]", 1))


def sms(key: str, text: str, *, minute: int = 0) -> Envelope:
    at = datetime.now(UTC) + timedelta(minutes=minute - 60)
    return Envelope(source_key=key, sender=CUSTOMER, received_at=at, channel="sms", text=text)


def receive(desk: Desk, *texts: str) -> None:
    """Route text messages, one after the other."""
    known = len(desk.rows(MessageRow))
    for number, text in enumerate(texts, known):
        desk.route(sms(f"SM{number}", text, minute=number))


def the_case(desk: Desk) -> ConversationRow:
    (row,) = desk.rows(ConversationRow)
    found: ConversationRow = row
    return found


def say(desk: Desk, text: str) -> None:
    """Let an agent answer in the only case, which then waits for its customer."""
    case = the_case(desk)
    with desk.database.write() as connection:
        now = read_clock(connection)
        row = {
            "id": new_id(), "conversation_id": case.id, "contact_id": case.contact_id, "direction": Direction.OUTGOING,
            "channel": "sms", "sender_handle": "", "text": text, "received_at": now, "origin": "ourselves", "trace": {},
        }  # fmt: skip
        insert_rows(connection, MessageRow, rows=[row])
    desk.change(ConversationRow, status=Status.PENDING, waiting_since=None, watch_at=None)


@pytest.mark.parametrize("text", ["谢谢", "收到谢谢", "ok thanks bye", "好的", "👍", "拜拜"])
def test_thanks_after_a_closed_case_stay_in_it_and_reopen_nothing(desk: Desk, text: str) -> None:
    receive(desk, "where is my refund")
    desk.change(ConversationRow, status=Status.RESOLVED)
    receive(desk, text)
    case = the_case(desk)
    assert (case.status, len(desk.rows(MessageRow))) == (Status.RESOLVED, 2)


def test_thanks_do_not_end_what_waits(desk: Desk) -> None:
    receive(desk, "where is my refund", "thanks in advance")
    case = the_case(desk)
    assert (case.status, case.waiting_since is not None) == (Status.OPEN, True)


@pytest.mark.parametrize(
    ("asked", "said", "status"),
    [
        ("Your refund leaves today.", "ok", Status.PENDING),
        ("Your refund leaves today.", "谢谢", Status.PENDING),
        # An answer to our question is no courtesy.
        ("Shall we send it to your card?", "ok", Status.OPEN),
        ("需要退到您的银行卡吗？", "好的", Status.OPEN),
        ("需要退到您的银行卡吗", "好的，谢谢", Status.OPEN),
        ("Shall we send it to your card?", "ok thanks", Status.OPEN),
        ("Please send us the form.", "done", Status.OPEN),
        ("Shall we still cancel it?", "不用了，谢谢", Status.OPEN),
        ("Shall we send it or cancel?", "STOP", Status.OPEN),
        ("Say which one you want.", "YES", Status.OPEN),
        ("Say which one you want.", "cancel", Status.OPEN),
        ("Is there anything else?", "no, thats all, thanks", Status.PENDING),
        ("Is there anything else?", "ok thanks", Status.PENDING),
        ("Is there anything else?", "yes, my card", Status.OPEN),
    ],
)
def test_ok_is_an_answer_only_where_we_asked(desk: Desk, asked: str, said: str, status: Status) -> None:
    receive(desk, "where is my refund")
    say(desk, asked)
    receive(desk, said)
    assert the_case(desk).status == status


@pytest.mark.parametrize("text", ["谢谢", "Thank you!", "ok", "🙏"])
def test_thanks_that_belong_nowhere_are_filed_without_alarm_promise_or_reply(desk: Desk, text: str) -> None:
    desk.close()
    receive(desk, text)
    case = the_case(desk)
    assert (case.status, case.labels, case.emergency) == (Status.RESOLVED, [NOTHING_TO_DO], False)
    assert (case.clock_started_at, case.waiting_since, case.watch_at, case.first_reply_due_at) == (None,) * 4
    assert desk.rows(OutboundRow) == []


def test_a_mail_of_thanks_leaves_a_resolved_emergency_alone(desk: Desk) -> None:
    desk.route(envelope("1", subject="my account was hacked", text="please help"))
    desk.change(ConversationRow, status=Status.RESOLVED)
    answer = envelope("2", subject="Re: my account was hacked", text="Thank you!", in_reply_to=("1@customer.example",))
    desk.route(answer)
    assert (the_case(desk).status, len(desk.rows(MessageRow))) == (Status.RESOLVED, 2)


def test_thanks_with_a_file_are_read_by_an_agent(desk: Desk) -> None:
    receive(desk, "where is my refund")
    desk.change(ConversationRow, status=Status.RESOLVED)
    receive(desk, "thanks, but here is another one")
    assert sorted(desk.rows(ConversationRow, "status")) == [Status.OPEN, Status.RESOLVED]


@pytest.mark.parametrize("text", ["你好", "hello?", "", "???", "[图片]"])
def test_a_greeting_or_nothing_is_asked_what_it_is_about_and_waits(desk: Desk, text: str) -> None:
    receive(desk, text)
    case = the_case(desk)
    assert (case.status, case.category, case.labels) == (Status.PENDING, None, [NO_QUESTION_YET])
    assert (case.clock_started_at, case.watch_at) == (None, None)
    (reply,) = desk.rows(OutboundRow)
    assert reply.kind == "auto_reply"
    assert reply.text in {"How can we help?", "请问有什么可以帮您？"}


@pytest.mark.parametrize(("words", "category"), [("where is my refund", "refund"), ("退款还没到", "refund")])
def test_the_first_words_of_a_matter_decide_the_case_that_a_greeting_opened(
    desk: Desk, words: str, category: str
) -> None:
    receive(desk, "hello", words)
    case = the_case(desk)
    assert (case.status, case.category, case.labels) == (Status.OPEN, category, [])
    assert (case.subject, case.sla, case.clock_started_at is not None) == (words, "standard", True)


def test_a_greeting_before_an_emergency_hides_nothing(desk: Desk) -> None:
    receive(desk, "在吗", "我的账户被盗了")
    case = the_case(desk)
    assert (case.status, case.emergency, case.team) == (Status.OPEN, True, "risk")


@pytest.mark.parametrize("text", ["人工", "转人工", "agent please", "I want to speak to a human"])
def test_a_call_for_a_person_is_queued_and_ends_the_machine(desk: Desk, text: str) -> None:
    receive(desk, text)
    case = the_case(desk)
    assert (case.status, case.category, case.labels, case.team) == (Status.OPEN, None, [WANTS_PERSON], "front-line")
    assert is_for_person(desk, case.id)


def test_a_call_for_a_person_in_a_case_counts_for_all_that_follows(desk: Desk) -> None:
    receive(desk, "where is my refund")
    assert not is_for_person(desk, the_case(desk).id)
    receive(desk, "人工", "how long does it take")
    case = the_case(desk)
    assert (case.category, case.labels, case.status) == ("refund", [WANTS_PERSON], Status.OPEN)
    assert is_for_person(desk, case.id)


def test_a_call_for_a_person_while_closed_hears_the_hours(desk: Desk) -> None:
    desk.close()
    receive(desk, "转人工")
    (reply,) = desk.rows(OutboundRow)
    assert "开门" in reply.text


class TestCallForPerson:
    """The reply to a call for a person says that one comes, in place of the route's reply."""

    @pytest.fixture
    def desk(self, database: Database, tmp_path: Path) -> Desk:
        named = 'greeting = "how"\ncall_for_person = "soon"\ncall_for_person_closed = "later"'
        toml = GREETED.replace('greeting = "how"', named, 1).replace("[replies.danger]", f"{PERSON}[replies.danger]", 1)
        return Desk(database, tmp_path, toml=toml.replace("[calendars.office]", f"{SMS}\n[calendars.office]", 1))

    @pytest.mark.parametrize(
        ("text", "is_closed", "said"),
        [
            ("人工", False, "同事会在这里回复您。"),
            ("agent please", False, "A colleague answers here."),
            ("转人工", True, "开始后同事回复您。"),
            ("agent please", True, "A colleague answers when we open"),
        ],
    )
    def test_a_call_for_a_person_hears_that_one_comes(self, desk: Desk, text: str, is_closed: bool, said: str) -> None:
        if is_closed:
            desk.close()
        receive(desk, text)
        (reply,) = desk.rows(OutboundRow)
        assert said in reply.text

    def test_a_call_in_a_later_message_is_answered_once(self, desk: Desk) -> None:
        receive(desk, "where is my refund", "agent please", "agent please")
        assert [row.text for row in desk.rows(OutboundRow)] == ["A colleague answers here."]

    def test_an_emergency_keeps_its_own_reply(self, desk: Desk) -> None:
        receive(desk, "agent please", "my account was hacked")
        assert sorted(row.text[:10] for row in desk.rows(OutboundRow)) == ["A colleagu", "Our risk t"]

    def test_a_matter_or_a_greeting_hears_nothing_of_it(self, desk: Desk) -> None:
        receive(desk, "hello", "where is my refund")
        assert [row.text for row in desk.rows(OutboundRow)] == ["How can we help?"]

    def test_a_mail_gets_the_reply_of_its_route(self, desk: Desk) -> None:
        desk.route(envelope("1", subject="", text="agent please"))
        assert desk.rows(OutboundRow) == []


@pytest.mark.parametrize("text", ["STOP", "退订", "Stop texting me", "别再给我发短信了"])
def test_a_stop_is_obeyed_and_filed(desk: Desk, text: str) -> None:
    receive(desk, text)
    assert (the_case(desk).status, the_case(desk).labels) == (Status.RESOLVED, [NOTHING_TO_DO])
    assert [row.stopped for row in desk.rows(SuppressionRow)] == [True]
    assert desk.rows(OutboundRow) == []


def test_a_stop_in_an_open_case_leaves_it_to_the_agent(desk: Desk) -> None:
    receive(desk, "where is my refund", "STOP")
    assert the_case(desk).status == Status.OPEN


def is_for_person(desk: Desk, case: UUID) -> bool:
    with desk.database.read() as connection:
        assert connection.execute(sa.select(table_of(ConversationRow).c.id)).scalar_one() == case
        return answer_case(connection, case).wants_person


@pytest.mark.parametrize(
    ("text", "remark"), [("谢谢", "courtesy"), ("ok", "assent"), ("人工", "person"), ("", "empty")]
)
def test_the_trace_says_what_it_was_taken_for(desk: Desk, text: str, remark: str) -> None:
    receive(desk, text)
    (trace,) = desk.rows(MessageRow, "trace")
    assert trace["classification"]["remark"] == remark
    assert trace["classification"]["category"] is None


REFUSED = Receipt(verdict=SendVerdict.REFUSED, why="21610 the number has stopped us")


@pytest.mark.parametrize("spoiled_by", ["provider", "limit", "STOP"])
def test_a_greeting_that_could_not_be_answered_goes_to_the_agents(
    database: Database, tmp_path: Path, spoiled_by: str
) -> None:
    provider = Provider(channel="sms", answers=[REFUSED] if spoiled_by == "provider" else [])
    none = "[channels.sms.send]\nautomatic_per_customer = 0\n" if spoiled_by == "limit" else ""
    toml = GREETED.replace("[calendars.office]", f"{SMS}{none}\n[calendars.office]", 1)
    desk = SendingDesk(database, tmp_path, toml=toml, provider=provider)
    receive(desk, *(["STOP"] if spoiled_by == "STOP" else []), "hello")

    desk.deliverer().once()

    (case,) = [row for row in desk.rows(ConversationRow) if row.labels == [NO_QUESTION_YET]]
    assert (case.status, provider.kept) == (Status.OPEN, [])
    assert None not in (case.clock_started_at, case.waiting_since, case.watch_at)
    assert case.waiting_since == case.opened_at


def test_greetings_whose_answers_rest_go_to_the_agents(database: Database, tmp_path: Path) -> None:
    # Given three customers who greet, on a channel whose automatic replies rest
    provider = Provider(channel="sms")
    toml = GREETED.replace("[calendars.office]", f"{SMS}\n[calendars.office]", 1)
    desk = SendingDesk(database, tmp_path, toml=toml, provider=provider)
    people = [Party(PartyKind.PHONE, f"+44770090012{number}") for number in range(3)]
    desk.route(*(replace(sms(each.handle, "hello"), sender=each) for each in people))
    with database.write() as connection:
        limits.trip(connection, channel="sms", until=read_clock(connection) + timedelta(hours=1))

    # When their answers are due
    desk.deliverer().once()

    # Then none leaves, and each case waits for an agent
    cases = [row for row in desk.rows(ConversationRow) if row.labels == [NO_QUESTION_YET]]
    assert [row.status for row in cases] == [Status.OPEN] * len(people)
    assert all(row.waiting_since == row.opened_at and row.clock_started_at for row in cases)
    assert provider.kept == []


def test_a_greeting_that_was_answered_waits(database: Database, tmp_path: Path) -> None:
    provider = Provider(channel="sms")
    toml = GREETED.replace("[calendars.office]", f"{SMS}\n[calendars.office]", 1)
    desk = SendingDesk(database, tmp_path, toml=toml, provider=provider)
    receive(desk, "hello")
    desk.deliverer().once()
    (case,) = [row for row in desk.rows(ConversationRow) if row.labels == [NO_QUESTION_YET]]
    assert (case.status, len(provider.kept)) == (Status.PENDING, 1)


def test_a_second_greeting_is_seen_by_the_agents(desk: Desk) -> None:
    receive(desk, "hello", "anyone there?")
    case = the_case(desk)
    assert (case.status, case.labels) == (Status.OPEN, [NO_QUESTION_YET])
    assert case.waiting_since is not None


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("words", ["where is my refund", "我的账户被盗了", "my money is gone!", "人工"])
@pytest.mark.parametrize("in_one_page", [False, True])
def test_the_first_words_after_a_greeting_are_a_first_message(
    desk: Desk, is_closed: bool, words: str, in_one_page: bool
) -> None:
    if is_closed:
        desk.close()
    alone = replace(sms("alone", words, minute=1), sender=Party(PartyKind.PHONE, "+447700900124"))
    messages = [sms("SM0", "hello"), sms("SM1", words, minute=1)]
    if in_one_page:
        desk.route(alone, *messages)
    else:
        desk.route(alone)
        for each in messages:
            desk.route(each)
    cases = {row.id: row for row in desk.rows(ConversationRow)}
    of = {row.sender_handle: cases[row.conversation_id] for row in desk.rows(MessageRow)}
    one, other = of["+447700900124"], of[CUSTOMER.handle]
    names = "status category emergency possible_danger team priority labels language route sla held_until subject"
    assert [(name, getattr(other, name)) for name in names.split()] == [
        (name, getattr(one, name)) for name in names.split()
    ]
    replies = sorted(row.text[:9] for row in desk.rows(OutboundRow) if row.conversation_id == one.id)
    assert replies == sorted(
        row.text[:9]
        for row in desk.rows(OutboundRow)
        if row.conversation_id == other.id and "help?" not in row.text and "帮您" not in row.text
    )
    assert (other.clock_started_at is None, other.watch_at is None) == (
        one.clock_started_at is None,
        one.watch_at is None,
    )
    assert len({row.conversation_id for row in desk.rows(EmergencyRow)}) == 2 * one.emergency


def test_the_words_of_the_operator_make_a_greeting_a_matter(database: Database, tmp_path: Path) -> None:
    toml = GREETED.replace('keywords = ["refund", "退款"]', 'keywords = ["refund", "hello"]')
    toml = toml.replace('hints = ["money + gone"]', 'hints = ["can you help me"]')
    desk = Desk(database, tmp_path, toml=toml.replace("[calendars.office]", f"{SMS}\n[calendars.office]", 1))
    receive(desk, "hello")
    case = the_case(desk)
    assert (case.status, case.category, case.labels) == (Status.OPEN, "refund", [])
    desk.close()
    desk.route(replace(sms("x", "can you help me"), sender=Party(PartyKind.PHONE, "+447700900125")))
    (urgent,) = [row for row in desk.rows(ConversationRow) if row.emergency]
    assert (urgent.status, urgent.labels, urgent.clock_started_at is None) == (Status.OPEN, [], False)


@pytest.mark.parametrize(
    ("subject", "text", "quoted", "status"),
    [
        ("Re: my account was hacked", "Thanks", "", Status.RESOLVED),
        ("回复：my account was hacked", "谢谢！", "", Status.RESOLVED),
        # An old mail is answered to write of another matter.
        ("my money is gone", "Thanks", "", Status.OPEN),
        ("Fwd: your parcel waits, pay here", "Thanks", "", Status.OPEN),
        ("", " ", "---------- Forwarded message ---------\nPay here", Status.OPEN),
        ("Re: my account was hacked", "help me", "", Status.OPEN),
    ],
)
def test_a_mail_says_its_matter_in_a_new_subject_or_what_it_forwards(
    desk: Desk, subject: str, text: str, quoted: str, status: Status
) -> None:
    desk.route(envelope("1", subject="my account was hacked", text="please see to it"))
    desk.change(ConversationRow, status=Status.RESOLVED)
    answer = envelope("2", subject=subject, text=text, quoted=quoted, in_reply_to=("1@customer.example",))
    desk.route(answer)
    assert min({row.status for row in desk.rows(ConversationRow)}) == status


@pytest.mark.parametrize("text", ["yes", "Cancel", "END", "停止"])
def test_a_command_that_may_be_a_matter_is_read_by_an_agent(desk: Desk, text: str) -> None:
    receive(desk, text)
    assert (the_case(desk).status, the_case(desk).labels) == (Status.OPEN, [])
