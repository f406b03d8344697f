"""Mail of our own side: an answer where it is proven, else a note; and copies of what we sent, from bytes to rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import Batch, RawMessage
from router.routing.sla import clock_rests
from store.db.engine import Database
from store.tables.messages import InboundRow
from tests.absent_inputs import NO_CASES
from tests.desk import RECEIVED_AT
from tests.mail_desk import CASES, SERVER, MailDesk, opened, proven

ZHAO = "Agent Zhao <zhao@wallet.example>"
OURS = proven("wallet.example")

needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=NO_CASES)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[MailDesk]:
    with opened(database, tmp_path, desk=f'authserv_id = "{SERVER}"\ncolleagues = ["li@branch.example"]') as made:
        yield made


def first(desk: MailDesk) -> None:
    """Take Ann's mail that the shared cases answer."""
    desk.mail(
        From="Ann Lee <ann@cust.example>",
        Subject="Statement for October",
        Message_ID="<first.1@cust.example>",
        Authentication_Results=proven("cust.example"),
    )


@needs_cases
@pytest.mark.parametrize("name", ["e13-agent-sent-copy", "e50-colleague-cc"])
def test_a_proven_mail_of_our_side_is_our_answer_in_the_customers_case(desk: MailDesk, name: str) -> None:
    first(desk)
    assert desk.cases[0].waiting_since is not None
    desk.case(name, Authentication_Results=OURS)

    (case,) = desk.cases
    assert (desk.last.direction, desk.last.origin, desk.last.sender_proof) == ("outgoing", "ourselves", "proven")
    assert (case.status, case.waiting_since, case.first_reply_due_at) == ("pending", None, None)
    assert case.replied_at is not None
    assert desk.automatic == ["ann@cust.example"]
    assert desk.contacts == ["ann@cust.example"]
    # The answer still goes to the customer, who may answer our colleague's mail with us in copy.
    assert desk.answer(case).recipient == "ann@cust.example"


@needs_cases
@pytest.mark.parametrize("name", ["e13-agent-sent-copy", "e50-colleague-cc"])
def test_an_unproven_mail_of_our_side_is_a_note_that_stops_no_clock(desk: MailDesk, name: str) -> None:
    first(desk)
    (before,) = desk.cases
    desk.case(name)

    (case,) = desk.cases
    assert (desk.last.direction, desk.last.origin, desk.last.sender_proof) == ("note", "ourselves", "unproven")
    assert case.waiting_since == before.waiting_since
    assert (case.status, case.first_reply_due_at) == ("open", before.first_reply_due_at)
    assert case.replied_at is None
    assert desk.automatic == ["ann@cust.example"]


@needs_cases
@pytest.mark.parametrize("results", ["", OURS], ids=["unproven", "proven"])
@pytest.mark.parametrize("is_known", [False, True])
def test_a_colleague_answers_and_the_customer_answers_all(desk: MailDesk, results: str, is_known: bool) -> None:
    if is_known:
        first(desk)
    desk.case("e50-colleague-cc", **({"Authentication_Results": results} if results else {}))
    assert not is_known or desk.cases[0].status == ("pending" if results else "open")
    desk.case("e51-reply-all-irt-only")

    # An unproven mail of ours proves nothing about who quotes it, where the customer's case has more in it.
    assert len(desk.cases) == (2 if is_known and not results else 1)
    assert "zhao@wallet.example" not in desk.automatic
    assert desk.contacts == ["ann@cust.example"]
    assert {desk.contact(case) for case in desk.cases} == {"ann@cust.example"}
    assert desk.cases[-1].status == "open"


def test_what_our_side_wrote_first_waits_and_lets_no_second_stranger_in(desk: MailDesk) -> None:
    desk.mail(From=ZHAO, To="ann@cust.example", Cc="support@wallet.example", Message_ID="<z1@wallet.example>")
    (case,) = desk.cases
    assert clock_rests(case.status)
    assert (case.first_reply_due_at, case.waiting_since, desk.automatic) == (None, None, [])

    desk.mail(From="ann@cust.example", In_Reply_To="<z1@wallet.example>")
    assert len(desk.cases) == 1
    desk.mail(From="ann@cust.example", In_Reply_To="<z1@wallet.example>", Subject="Once more")
    assert len(desk.cases) == 2


@pytest.mark.parametrize(
    ("fields", "direction", "contact"),
    [
        # A colleague elsewhere, named by a key; a sub-domain of ours.
        ({"From": "li@branch.example", "To": "ann@cust.example", "Authentication_Results": proven("branch.example")},
         "outgoing", "ann@cust.example"),
        ({"From": "li@hk.wallet.example", "To": "ann@cust.example", "Authentication_Results": OURS},
         "outgoing", "ann@cust.example"),
        # Not to the customer: a word among us.
        ({"From": ZHAO, "To": "support@wallet.example", "Authentication_Results": OURS}, "note", "ann@cust.example"),
        ({"From": ZHAO, "To": "bob@bank.example", "Authentication_Results": OURS}, "note", "ann@cust.example"),
        # An answer to all: the desk is in To as well, or the customer is not the first.
        ({"From": ZHAO, "To": "Ann <ann@cust.example>, support@wallet.example", "Authentication_Results": OURS},
         "outgoing", "ann@cust.example"),
        ({"From": ZHAO, "To": "support@wallet.example", "Cc": "Ann@cust.example", "Authentication_Results": OURS},
         "outgoing", "ann@cust.example"),
        ({"From": ZHAO, "To": "bob@bank.example, ann@cust.example", "Authentication_Results": OURS},
         "outgoing", "ann@cust.example"),
        ({"From": ZHAO, "To": "ann@cust.example, support@wallet.example"}, "note", "ann@cust.example"),
        ({"From": ZHAO, "To": "bob@bank.example, support@wallet.example", "Authentication_Results": OURS},
         "note", "ann@cust.example"),
        # A colleague's program is no colleague.
        ({"From": ZHAO, "To": "ann@cust.example", "Auto_Submitted": "auto-replied"}, "incoming", "ann@cust.example"),
    ],
)  # fmt: skip
def test_who_writes_for_us_and_to_whom(desk: MailDesk, fields: dict[str, str], direction: str, contact: str) -> None:
    first(desk)
    desk.mail(**fields, In_Reply_To="<first.1@cust.example>")

    assert desk.last.direction == direction
    assert desk.contact(desk.cases[0]) == contact
    assert desk.automatic == ["ann@cust.example"]


def test_a_forged_mail_of_our_side_enters_no_case(desk: MailDesk) -> None:
    first(desk)
    failed = f"{SERVER}; dmarc=fail header.from=wallet.example"
    desk.mail(From=ZHAO, To="ann@cust.example", In_Reply_To="<first.1@cust.example>", Authentication_Results=failed)

    assert desk.last.conversation_id != desk.cases[0].id
    assert desk.last.sender_proof == "failed"
    assert desk.automatic == ["ann@cust.example"]


def test_a_colleagues_own_question_is_a_customers(desk: MailDesk) -> None:
    desk.mail(From=ZHAO, Message_ID="<q1@wallet.example>", Authentication_Results=OURS)
    desk.mail(From=ZHAO, In_Reply_To="<q1@wallet.example>", Authentication_Results=OURS)

    assert [(row.direction, row.origin) for row in desk.messages] == [("incoming", "person")] * 2
    assert [desk.contact(case) for case in desk.cases] == ["zhao@wallet.example"]


@needs_cases
def test_a_colleagues_forward_has_the_customer_as_contact_and_no_receipt(desk: MailDesk) -> None:
    desk.case("e12-agent-forward", Authentication_Results=OURS)
    desk.mail(
        "FYI\n\n-----Original Message-----\nFrom: Bo Li [mailto:bo@cust.example]\nSent: Friday\nTo: Zhao\n"
        "Subject: Card\n\nMy card is stuck.",
        From=ZHAO,
        Subject="FW: Card",
    )
    desk.mail(
        "请处理\n\n-------- 转发邮件信息 --------\n发件人： 王伟 <wang@cust.example>\n发送日期： 2026年11月27日\n"
        "收件人： zhao@wallet.example\n主题： 退款\n\n退款还没有到账。",
        From=ZHAO,
        Subject="转发: 退款",
    )

    contacts = ["mei@cust.example", "bo@cust.example", "wang@cust.example"]
    assert [desk.contact(case) for case in desk.cases] == contacts
    assert [desk.answer(case).recipient for case in desk.cases] == contacts
    assert desk.automatic == []
    incoming = [row for row in desk.messages if row.direction == "incoming"]
    assert {(row.sender_handle, row.other_address, row.sender_proof) for row in incoming} == {
        ("zhao@wallet.example", "zhao@wallet.example", "unproven")
    }
    assert {case.status for case in desk.cases} == {"pending"}


def test_a_mail_of_ours_that_comes_back_is_that_mail(desk: MailDesk) -> None:
    first(desk)
    (case,) = desk.cases
    ours = desk.answer(case).rfc_message_id
    before = len(desk.messages)
    # From a list, from a colleague, from our own mailbox.
    desk.mail(From="support@wallet.example", To="ann@cust.example", Message_ID=f"<{ours}>")
    desk.mail(From="'Help' via List <list@lists.example>", Message_ID=f"<{ours}>", List_Id="<list.lists.example>")

    assert len(desk.messages) == before
    assert desk.states == ["routed", "duplicate", "duplicate"]
    assert {row.duplicate_of for row in desk.desk.rows(InboundRow)} == {None, case.opened_by_inbound}

    # A program that answers under the Message-ID of what it answers is no copy.
    desk.mail(From="ann@cust.example", Message_ID=f"<{ours}>", In_Reply_To=f"<{ours}>")
    assert desk.states[-1] == "routed"


def test_mail_from_our_own_folder_of_sent_mail_is_ours(desk: MailDesk) -> None:
    first(desk)
    content = (
        b"From: zhao@wallet.example\r\nTo: ann@cust.example\r\nIn-Reply-To: <first.1@cust.example>\r\n"
        b"Message-ID: <s1@wallet.example>\r\nSubject: Re: Statement\r\n\r\nIt is on its way.\r\n"
    )
    raw = RawMessage(source_key="sent:1", content=content, received_at=RECEIVED_AT)
    desk.intake.take(Batch(channel="mail", messages=[replace(raw, from_sent=True)]))
    desk.desk.route()

    assert (desk.last.direction, desk.last.sender_proof) == ("outgoing", "proven")
    assert desk.cases[0].status == "pending"
