"""Newsletters are told from persons whose mail only carries a list's fields: each doubt speaks for the person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from router.envelope import Envelope, Party, PartyKind
from router.origin.automatic import recognise
from router.origin.verdicts import OriginKind
from router.reason import ReasonKey

OWN = frozenset({"support@wallet.example"})
US = Party(PartyKind.EMAIL, "support@wallet.example")
LEAVE = ("list-unsubscribe", "<https://shop.example/u?to=support@wallet.example>")
BOB = "bob@firm.example"
GROUP = Party(PartyKind.EMAIL, "help@partner.example")
BULK = ("precedence", "bulk")
OTHERS = ("list-unsubscribe", "<mailto:help+unsubscribe@lists.partner.example>")


def mail(*headers: tuple[str, str], sender: str = "news@shop.example", **fields: Any) -> Envelope:
    values: dict[str, Any] = {"to": (US,), "text": "Everything for your weekend: 20 % off."} | fields
    return Envelope(
        channel="m",
        source_key="1",
        sender=Party(PartyKind.EMAIL, sender),
        received_at=datetime(2026, 11, 22, tzinfo=UTC),
        machine_headers=headers,
        **values,
    )


@pytest.mark.parametrize(
    "envelope",
    [
        mail(LEAVE, BULK),
        mail(LEAVE, ("list-id", "<news.shop.example>"), sender="hello@shop.example"),
        mail(LEAVE, ("x-campaignid", "7"), sender="li.na@shop.example"),
        mail(LEAVE, ("list-post", "NO"), ("list-id", "<news.shop.example>"), sender="hello@shop.example"),
        # From an address that takes no answers, and the mail itself says how to get no more.
        mail(LEAVE, sender="no-reply@shop.example", text="See who wants to connect. Unsubscribe"),
        mail(LEAVE, ("auto-submitted", "auto-generated"), ("list-id", "<news.shop.example>")),
        # From a mailbox of advertising.
        mail(LEAVE, text="双十一来了，全场五折。如不想再收到此类邮件，请点击退订。", sender="edm@shop.example"),
        mail(LEAVE, signature="To unsubscribe, click here."),
        # Answers go to the same house.
        mail(LEAVE, BULK, sender="news@mail.shop.example", reply_to=(Party(PartyKind.EMAIL, "care@shop.example"),)),
    ],
    ids=["precedence", "list-id", "campaign", "no posts", "no-reply", "auto-submitted", "退订", "footer", "answers"],
)  # fmt: skip
def test_a_newsletter_is_one(envelope: Envelope) -> None:
    origin = recognise(envelope, own_addresses=OWN)
    assert origin.is_campaign
    assert origin.kind in {OriginKind.BULK, OriginKind.AUTO_GENERATED}
    assert origin.why[-1].key is ReasonKey.WRITTEN_TO_MANY


@pytest.mark.parametrize(
    "envelope",
    [
        # No field of a list says that mail was sent to many.
        mail(sender="bob@shop.example"),
        mail(BULK, sender="bob@shop.example"),
        # A customer who writes to a group of others, in which the desk is.
        mail(OTHERS, ("list-post", "<mailto:help@lists.partner.example>"), ("precedence", "list"), sender=BOB),
        mail(OTHERS, ("mailing-list", "list help@partner.example"), BULK, sender=BOB),
        mail(OTHERS, ("precedence", "list"), ("list-id", "<help.partner.example>"), sender=BOB),
        mail(OTHERS, ("x-original-from", BOB), BULK, sender="help@partner.example"),
        # The same by software that names only the list as the addressee.
        mail(OTHERS, BULK, sender=BOB, to=(GROUP,)),
        # Our own group under software that names itself nowhere else, or under a host of groups.
        mail(("list-unsubscribe", "<mailto:support-off@wallet.example>"), BULK, sender=BOB),
        mail(("list-unsubscribe", "<mailto:support-off@lists.wallet.example>"), BULK, sender=BOB),
        mail(("list-unsubscribe", "<mailto:manage+1+unsubscribe@googlegroups.com>"), BULK),
        # A small shop whose mail server adds the field to every mail.
        mail(LEAVE, sender="bob@shop.example", text="We paid 300 too much, please send it back."),
        # From a person's own mailbox, whatever their program adds.
        mail(LEAVE, BULK, sender="bob@gmail.com"),
        mail(LEAVE, ("list-id", "<x.y>"), sender="10086@qq.com"),
        # In answer to a mail, also of ours.
        mail(LEAVE, BULK, in_reply_to=("1@wallet.example",)),
        mail(LEAVE, BULK, references=("1@wallet.example",)),
        # Some webmail answers without a word on what.
        mail(LEAVE, BULK, sender=BOB, subject="Re: Sale", text="I was charged for it."),
        mail(LEAVE, BULK, sender=BOB, subject="回复：双十一", text="扣款了没收到货。"),
        # A customer's own words, their company's last lines, and our own newsletter below.
        mail(LEAVE, sender=BOB, text="我想退订会员，这个月又扣了15元。"),
        mail(LEAVE, sender=BOB, text="Please unsubscribe me. And my card was charged."),
        mail(LEAVE, sender="info@shop.example", text="Our payout is late.", signature="To unsubscribe, click here."),
        mail(LEAVE, sender=BOB, quoted="> Sale! To unsubscribe click here"),
        # A partner's notice from an address that takes no answers.
        mail(LEAVE, sender="no-reply@bank.example", text="A chargeback was filed on case 1234."),
        mail(LEAVE, sender="news@corp.example", text="We cannot log in to our wallet."),
        # What a form or a market place sends on, with the customer as the one to answer.
        mail(LEAVE, BULK, sender="noreply@forms.example", reply_to=(Party(PartyKind.EMAIL, "carol@gmail.com"),)),
        mail(LEAVE, BULK, sender="wordpress@shop.example", reply_to=(Party(PartyKind.EMAIL, "carol@firm.example"),)),
        mail(LEAVE, BULK, sender="a@notice.m.example", reply_to=(Party(PartyKind.EMAIL, "b@buyers.m.example"),)),
    ],
)  # fmt: skip
def test_what_may_be_a_persons_is_none(envelope: Envelope) -> None:
    assert not recognise(envelope, own_addresses=OWN).is_campaign


def test_what_our_own_form_or_list_writes_for_a_customer_is_none() -> None:
    envelope = mail(LEAVE, BULK)
    assert not recognise(envelope, own_addresses=OWN, speaks_for_customer=True).is_campaign


def test_a_report_or_an_absence_note_stays_one() -> None:
    for headers in ((("x-failed-recipients", "a@b.example"),), (("auto-submitted", "auto-replied"),)):
        assert not recognise(mail(LEAVE, BULK, *headers), own_addresses=OWN).is_campaign
