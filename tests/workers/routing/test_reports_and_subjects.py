"""Reports of machines, subjects that grow, and mails that name nothing that they answer: from bytes to rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from router.threads.subject_lines import answer_subject
from store.db.engine import Database
from store.tables.messages import ConversationRow
from tests.absent_inputs import NO_CASES
from tests.mail_desk import CASES, SERVER, MailDesk, opened, proven

needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=NO_CASES)
PRINTED = "ASJQY8C43-FE7EC4ECF6"
EXCHANGE = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@wallet.onmicrosoft.example"


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[MailDesk]:
    with opened(database, tmp_path, desk=f'authserv_id = "{SERVER}"') as made:
        yield made


def resolved(desk: MailDesk) -> str:
    """Make a case with an answer of ours that is closed; return its token."""
    desk.mail(From="lost@qq.example", Subject="查询余额", Message_ID="<first@qq.example>")
    (case,) = desk.cases
    desk.answer(case)
    desk.desk.change(ConversationRow, status="resolved")
    return desk.token(case)


@needs_cases
@pytest.mark.parametrize("name", ["e41-qq-bounce-html", "e43-qmail-style"])
def test_our_token_in_a_bounce_proves_it_and_reopens_the_case(desk: MailDesk, name: str) -> None:
    token = resolved(desk)
    desk.case(name, edits={PRINTED: token})

    (case,) = desk.cases
    assert (desk.last.conversation_id, desk.last.origin, case.status) == (case.id, "bounce", "open")
    # Another token proves nothing: the report stays aside, and opens no case.
    desk.case(name, edits={PRINTED: f"{case.reference}-0000000000", "Message-ID: <": "Message-ID: <2."})
    assert (len(desk.cases), desk.states[-1]) == (1, "quarantined")
    assert desk.automatic == ["lost@qq.example"]


RETURNED = """\
--R
Content-Type: text/plain

{said}

--R
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; lost@qq.example
Action: {action}
Status: {status}

--R
Content-Type: text/rfc822-headers

From: support@wallet.example
To: lost@qq.example
Subject: Re: x [{token}]

--R--
"""


@pytest.mark.parametrize(
    ("action", "status", "subject", "reopens"),
    [
        # The token stands in the returned header alone; in the subject alone.
        ("failed", "5.1.1", "Undeliverable", True),
        ("failed", "5.1.1", "Undeliverable: Re: x [{token}]", True),
        ("delayed", "4.4.1", "Delivery delayed", False),
        ("delivered", "2.0.0", "Delivered", False),
    ],
)
def test_a_failure_reopens_and_a_delay_does_not(
    desk: MailDesk, action: str, status: str, subject: str, reopens: bool
) -> None:
    token = resolved(desk)
    body = RETURNED.format(said="This is a report.", action=action, status=status, token=token)
    if "{token}" in subject:
        body = body.replace(f"Re: x [{token}]", "Re: x")
    head = (
        "From: postmaster@mx.example\nTo: support@wallet.example\nMIME-Version: 1.0\n"
        f"Subject: {subject.replace('{token}', token)}\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="R"\n\n'
    )
    desk.raw((head + body).encode())

    (case,) = desk.cases
    assert (desk.last.origin, desk.last.conversation_id) == ("bounce", case.id)
    assert case.status == ("open" if reopens else "resolved")


@needs_cases
def test_a_journals_report_of_a_mail_that_is_here_is_a_copy_of_it(desk: MailDesk) -> None:
    desk.case("e21b-journal-report")
    assert (desk.states, desk.cases, desk.automatic) == (["quarantined"], [], [])
    desk.case("e21a-journaled")
    desk.case("e21b-journal-report", edits={"05 +0000": "06 +0000"})

    assert desk.states == ["quarantined", "routed", "duplicate"]
    assert desk.automatic == ["quin@cust.example"]

    # Another journal's address; the journal of an answer of ours, which is no bounce of it.
    ours = desk.answer(desk.cases[0]).rfc_message_id
    words = f"Sender: support@wallet.example\nMessage-Id: <{ours}>\nTo: quin@cust.example"
    for sender in ("journal@wallet.example", EXCHANGE):
        desk.mail(words, From=sender, X_MS_Journal_Report=" ", Subject="Re: Statement of 2025")
    assert desk.states[-2:] == ["duplicate", "duplicate"]
    assert len(desk.cases) == 1
    assert desk.cases[0].status == "pending"


def test_exchanges_own_address_is_a_machine(desk: MailDesk) -> None:
    desk.mail("A word about quotas.", From=EXCHANGE)
    assert (desk.states, desk.automatic) == (["quarantined"], [])


@needs_cases
def test_the_same_person_under_the_same_subject_is_offered_as_a_link(desk: MailDesk) -> None:
    desk.mail(From="Ann Lee <ann@cust.example>", Subject="Statement for October")
    desk.case("e17-subject-only")
    desk.mail(From="Ann Lee <ann@cust.example>", Subject="Something else")
    desk.mail(From="Bo <bo@cust.example>", Subject="Statement for October")
    forged = f"{SERVER}; dmarc=fail header.from=cust.example"
    desk.mail(From="ann@cust.example", Subject="AW: Statement for October", Authentication_Results=forged)
    results = proven("cust.example")
    desk.mail(From="ann@cust.example", Subject="回复：Statement for October", Authentication_Results=results)

    first, second, *others, third = desk.cases
    assert [each.linked_to for each in (first, second, *others)] == [None, first.id, None, None, None]
    # Two of them are open: an answer's subject alone does not say which is meant.
    assert third.linked_to == second.id
    assert second.route == "everything"


@needs_cases
def test_a_plus_address_and_a_person_in_copy_get_a_linked_case(desk: MailDesk) -> None:
    for name in ("e54a", "e54b", "e07a-with-cc", "e07b-cc-answers"):
        desk.case(name)

    first, second, third, fourth = desk.cases
    assert (second.linked_to, fourth.linked_to) == (first.id, third.id)
    assert desk.last.trace["correlation"]["why"]["key"] == "sender_is_no_participant"


def test_who_got_a_message_of_ours_may_answer_it_in_its_case(desk: MailDesk) -> None:
    desk.mail(From="ann@cust.example")
    (case,) = desk.cases
    ours = desk.answer(case, copies=("eva@firm.example",)).rfc_message_id

    desk.mail(From="Eva <eva@firm.example>", In_Reply_To=f"<{ours}>")
    assert desk.last.conversation_id == case.id
    # An answer still goes to the case's own customer.
    assert desk.answer(case).recipient == "ann@cust.example"
    desk.mail(From="Dan <dan@firm.example>", In_Reply_To=f"<{ours}>")
    assert desk.last.conversation_id != case.id


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("Refund", "Re: Refund [T]"),
        ("Re: Refund", "Re: Refund [T]"),
        ("RE: Re[2]: AW: 回复：答复: Refund", "Re: Refund [T]"),
        ("Re: Refund [K7QF2MXD4-9F3A61C20B]", "Re: Refund [T]"),
        ("Fwd: Re: Refund", "Re: Fwd: Re: Refund [T]"),
        ("[shop] Re: Refund", "Re: [shop] Re: Refund [T]"),
        ("Research: a question", "Re: Research: a question [T]"),
        ("Re:", "Re: [T]"),
        ("", "Re: [T]"),
    ],
)
def test_an_answers_subject_has_one_prefix_and_one_token(subject: str, answered: str) -> None:
    assert answer_subject(subject, token="T") == answered


def test_the_subject_of_a_thread_never_grows(desk: MailDesk) -> None:
    desk.mail(Subject="Re: RE: Refund")
    subject = desk.answer(desk.cases[0]).subject
    desk.mail(Subject=f"Re: {subject}", In_Reply_To=f"<{desk.sent[-1].rfc_message_id}>")

    (case,) = desk.cases
    assert {row.subject for row in desk.sent} == {f"Re: Refund [{desk.token(case)}]"}
    assert desk.answer(case).subject == subject


def test_one_address_in_all_its_writings_is_one_person(desk: MailDesk) -> None:
    for sender in ("li@bücher.example", "LI@xn--bcher-kva.example", "li＠xn--bcher-kva.example"):
        head = f"From: {sender}\nTo: support@wallet.example\nSubject: {sender}\n\nWords of {sender}.\n"
        desk.raw(head.encode())
    desk.raw(b"From: <mailto:li@xn--bcher-kva.example>\nTo: support@wallet.example\nSubject: x\n\nOther words here.\n")

    assert desk.contacts == ["li@xn--bcher-kva.example"]
