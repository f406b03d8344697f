"""Reports on our mail, from bytes to what they say: RFC 3464, RFC 5965, RFC 5429, and prose. Each mail is our own."""

# ruff: noqa: E501, ISC004

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from router.envelope import BouncedRecipient, Envelope, Party, PartyKind, from_json, to_json
from router.origin.automatic import recognise
from router.origin.bounces import Cover, Section, read_bounce
from router.origin.verdicts import OriginKind
from tests.growth import grows_linearly

RETURNED = "From: desk@wallet.example\nTo: bob@customer.example\nMessage-ID: <ours.1@wallet.example>\nSubject: Your refund\n\nHello Bob\n"


def read(head: str, body: str) -> Envelope:
    raw = f"{head}\nTo: desk@wallet.example\nDate: Sun, 22 Nov 2026 10:00:00 +0800\n\n{body}".replace(
        "\n", "\r\n"
    ).encode()
    return normalise(
        RawMessage(source_key="1", content=raw, received_at=datetime(2026, 11, 22, tzinfo=UTC)), channel="m"
    )


def report(status: str, *, kind: str = "delivery-status", returned: str = RETURNED, note: str = "Sorry.") -> Envelope:
    parts = (("text/plain; charset=utf-8", note), (f"message/{kind}", status), ("message/rfc822", returned))
    body = "".join(f"--b\nContent-Type: {media_type}\n\n{content}\n" for media_type, content in parts) + "--b--\n"
    kinds = {
        "delivery-status": "delivery-status",
        "feedback-report": "feedback-report",
        "disposition-notification": "disposition-notification",
    }
    head = f'From: MTA <x@mx.example>\nSubject: Report\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type={kinds[kind]}; boundary="b"'
    return read(head, body)


def reported(envelope: Envelope) -> list[tuple[str, str, str, bool]]:
    assert envelope.bounce is not None
    return [(each.address, each.action, each.status, each.permanent) for each in envelope.bounce.recipients]


STATUS = "Reporting-MTA: dns; mx.example\n\nOriginal-Recipient: rfc822;bob@customer.example\nFinal-Recipient: rfc822; bob@inner.example\nAction: {}\nStatus: {}\nDiagnostic-Code: smtp; {}\n"


def test_a_delivery_report_says_whom_for_how_long_and_which_message() -> None:
    envelope = report(STATUS.format("failed", "5.1.1", "550 5.1.1 no such user"))
    assert reported(envelope) == [("bob@customer.example", "failed", "5.1.1", True)]
    assert envelope.bounce is not None
    assert envelope.bounce.original_message_id == "ours.1@wallet.example"
    assert envelope.bounce.recipients[0].diagnostic == "550 5.1.1 no such user"
    assert envelope.ancestors[0] == "ours.1@wallet.example"
    assert recognise(envelope, own_addresses=frozenset()).kind is OriginKind.BOUNCE


@pytest.mark.parametrize(
    ("action", "status", "permanent"),
    [
        ("failed", "5.0.0", True),
        ("Failed (bad address)", "5.2.2", True),
        # RFC 3463 section 2: a passing condition lasted too long; later the address may work.
        ("failed", "4.4.7", False),
        ("delayed", "4.4.1", False),
        ("delivered", "2.0.0", False),
        ("relayed", "2.0.0", False),
    ],
)
def test_permanence_follows_action_and_class(action: str, status: str, permanent: bool) -> None:
    assert reported(report(STATUS.format(action, status, "x")))[0][3] is permanent


def test_each_recipient_of_a_report_is_returned() -> None:
    more = (
        STATUS.format("failed", "5.1.1", "x")
        + "\nFinal-Recipient: RFC822; <ann@customer.example>\nAction: delayed\nStatus: 4.2.1\n"
    )
    assert [(address, permanent) for address, _, _, permanent in reported(report(more))] == [
        ("bob@customer.example", True),
        ("ann@customer.example", False),
    ]


def test_a_complaint_is_a_report_on_our_mail() -> None:
    envelope = report(
        "Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <bob@customer.example>\n", kind="feedback-report"
    )
    assert reported(envelope) == [("bob@customer.example", "complained", "", False)]
    assert recognise(envelope, own_addresses=frozenset()).kind is OriginKind.BOUNCE


def test_a_receipt_is_no_bounce_unless_it_refuses() -> None:
    fields = "Final-Recipient: rfc822;bob@customer.example\nDisposition: automatic-action/MDN-sent-automatically; displayed\n"
    read_receipt = report(fields, kind="disposition-notification", note="Your message was displayed.")
    assert read_receipt.bounce is None
    assert recognise(read_receipt, own_addresses=frozenset()).kind is OriginKind.AUTO_REPLIED
    refused = report(
        fields,
        kind="disposition-notification",
        note="Your message to <bob@customer.example> was automatically rejected:\nQuota exceeded",
    )
    assert [address for address, *_ in reported(refused)] == ["bob@customer.example"]


PROSE = {
    "qmail": (
        "MAILER-DAEMON@mx.example",
        "failure notice",
        "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n<bob@customer.example>:\n192.0.2.1 does not like recipient.\n"
        "Remote host said: 550 5.1.1 no such user\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <desk@wallet.example>\n",
        [("bob@customer.example", "failed", "5.1.1", True)],
    ),
    "Exim": (
        "Mail Delivery System <Mailer-Daemon@mx.example>",
        "Mail delivery failed: returning message to sender",
        "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n"
        "  bob@customer.example\n    SMTP error from remote mail server after RCPT TO:<bob@customer.example>:\n    550 unknown user\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\n",
        [("bob@customer.example", "failed", "5.0.0", True)],
    ),
    "Exim, late": (
        "Mail Delivery System <Mailer-Daemon@mx.example>",
        "Warning: message 1abc delayed 24 hours",
        "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\n"
        "recipients after more than 24 hours on the queue.\nThe address to which the message has not yet been delivered is:\n\n  bob@customer.example\n\n"
        "No action is required on your part. Delivery attempts will continue for\nsome time.\n",
        [("bob@customer.example", "delayed", "", False)],
    ),
    "Postfix": (
        "MAILER-DAEMON@mx.example (Mail Delivery System)",
        "Undelivered Mail Returned to Sender",
        "This is the mail system at host mx.example.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients.\n\n"
        "For further assistance, please send mail to postmaster.\n\n<bob@customer.example>: host mx.customer.example[192.0.2.1] said: 552 5.2.2\n    Mailbox full (in reply to RCPT TO command)\n",
        [("bob@customer.example", "failed", "5.2.2", True)],
    ),
    "sendmail": (
        "Mail Delivery Subsystem <MAILER-DAEMON@mx.example>",
        "Returned mail: see transcript for details",
        "The original message was received at Sun, 22 Nov 2026 10:00:00 +0800\nfrom desk [192.0.2.2]\n\n   ----- The following addresses had permanent fatal errors -----\n"
        "<bob@customer.example>\n    (reason: 550 5.1.1 <bob@customer.example>... User unknown)\n\n   ----- Transcript of session follows -----\n... while talking to mx.customer.example.:\n",
        [("bob@customer.example", "failed", "5.1.1", True)],
    ),
    "Exchange": (
        "System Administrator <postmaster@customer.example>",
        "Undeliverable: Your refund",
        "Your message\n\n  To:      bob@customer.example\n  Subject: Your refund\n  Sent:    Sun, 22 Nov 2026 10:00:00 +0800\n\ndid not reach the following recipient(s):\n\n"
        "bob@customer.example on Sun, 22 Nov 2026 10:00:01 +0800\n    The recipient name is not recognized\n",
        [("bob@customer.example", "failed", "", True)],
    ),
    "Google": (
        "Mail Delivery Subsystem <mailer-daemon@googlemail.example>",
        "Delivery Status Notification (Failure)",
        "** Address not found **\n\nYour message wasn't delivered to bob@customer.example because the address couldn't be found.\n\nThe response was:\n550 5.1.1 The email account does not exist.\n",
        [("bob@customer.example", "failed", "5.1.1", True)],
    ),
    "NetEase": (
        "Postmaster@163.example",
        "系统退信",
        "抱歉，您的邮件被退回来了……\n\n原邮件信息：\n时间：2026-11-22 10:00:00\n主题：Your refund\n收件人：\nbob@customer.example\n退信原因：\n收件人邮件地址不存在，邮件无法送达。SMTP error, RCPT TO: 550 User not found\n",
        [("bob@customer.example", "failed", "5.0.0", True)],
    ),
    "QQ Mail": (
        "PostMaster@qq.example",
        "来自qq.com的退信",
        "抱歉，您的邮件被退回来了……\n您发送的邮件无法投递到 bob@customer.example ：收件人（bob@customer.example）所属域名不存在。\nhost mx.customer.example said: 550 Mailbox not found\n",
        [("bob@customer.example", "failed", "5.0.0", True)],
    ),
    "Coremail": (
        "MAILER-DAEMON@mx.example",
        "邮件投递失败",
        "很抱歉，您发送的邮件未能送达以下收件人：\n\n<bob@customer.example>\n    原因：452 4.2.2 邮箱空间不足\n",
        [("bob@customer.example", "failed", "4.2.2", False)],
    ),
}


@pytest.mark.parametrize(("sender", "subject", "body", "expected"), PROSE.values(), ids=PROSE)
def test_prose_is_read_as_its_system_means_it(
    sender: str, subject: str, body: str, expected: list[tuple[str, str, str, bool]]
) -> None:
    head = f"Return-Path: <>\nFrom: {sender}\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8"
    envelope = read(head, body)
    assert reported(envelope) == expected
    assert recognise(envelope, own_addresses=frozenset()).kind is OriginKind.BOUNCE


@pytest.mark.parametrize(
    ("sender", "subject", "body"),
    [
        (
            "bob@customer.example",
            "Undelivered mail",
            "Hello, my mail to\n<desk@wallet.example>\ncould not be delivered: 550 user unknown. Why?",
        ),
        (
            "bob@customer.example",
            "Fwd: failure notice",
            "Look at this:\n> Hi. This is the qmail-send program\n> <desk@wallet.example>:\n> 550",
        ),
        ("bob@customer.example", "退信", "我给你们发邮件被退回了，地址 desk@wallet.example 不存在吗？"),
        ("bob@customer.example", "邮件系统", "无法投递 <a@b.example>"),
        ("shop@customer.example", "Parcel", "Your parcel was not delivered."),
    ],
)
def test_people_who_write_about_returned_mail_are_people(sender: str, subject: str, body: str) -> None:
    head = f"Return-Path: <{sender}>\nFrom: {sender}\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8"
    envelope = read(head, body)
    assert envelope.bounce is None
    assert recognise(envelope, own_addresses=frozenset()).kind is OriginKind.PERSON


def test_a_report_survives_the_way_through_json() -> None:
    envelope = report(STATUS.format("failed", "5.1.1", "x"))
    assert from_json(to_json(envelope)) == envelope


def test_the_address_that_we_wrote_to_counts_not_where_an_alias_led() -> None:
    recipient = report(STATUS.format("failed", "5.1.1", "x")).bounce
    assert recipient is not None
    assert recipient.recipients == (BouncedRecipient(address="bob@customer.example", status="5.1.1", diagnostic="x"),)


@pytest.mark.parametrize(
    "unit",
    ["a@b.c\n", "a@", "a@b.c: 550 x\n", "<a@b>\n", "Final-Recipient: rfc822;a@b\n\n", "a:\n ", "From: a\nx\n", " \n"],
)
@pytest.mark.parametrize("media_type", ["text/plain", "message/delivery-status", "message/rfc822"])
def test_hostile_reports_cost_little(unit: str, media_type: str) -> None:
    cover = Cover(sender=Party(PartyKind.EMAIL, "mailer-daemon@x.example"), subject="failure notice", headers={})
    assert grows_linearly(
        lambda text: read_bounce(cover, sections=[Section(media_type=media_type, text=text)]), unit, size=50_000
    )
