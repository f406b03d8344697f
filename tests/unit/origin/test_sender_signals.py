"""Signals about a sender for agents, and what never counts as proof."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from router.envelope import Envelope, Party, PartyKind
from router.origin.sender_proof import authentication_results, prove_sender
from router.origin.sender_signals import looks_like, signals
from router.origin.verdicts import Signal, SignalKind
from router.reason import ReasonKey

OWN = frozenset({"walletpay.example"})
SERVER = "mx.walletpay.example"
PASSED = f"{SERVER}; dkim=pass header.d=gmail.com; dmarc=pass (p=NONE sp=QUARANTINE) header.from=gmail.com"
FAILED = f"{SERVER} 1; spf=softfail smtp.mailfrom=gmail.com; dmarc=fail header.from=gmail.com"


def mail(handle: str = "bob@gmail.com", name: str = "Bob", **fields: object) -> Envelope:
    sender = Party(PartyKind.EMAIL, handle, name)
    return Envelope(
        channel="m", source_key="1", sender=sender, received_at=datetime(2026, 11, 22, tzinfo=UTC), **fields
    )  # type: ignore[arg-type]


def noticed(envelope: Envelope, *, authserv_id: str | None = SERVER) -> tuple[Signal, ...]:
    return signals(envelope, own_domains=OWN, proof=prove_sender(envelope, authserv_id=authserv_id))


def kinds(envelope: Envelope, *, authserv_id: str | None = SERVER) -> set[SignalKind]:
    return {signal.kind for signal in noticed(envelope, authserv_id=authserv_id)}


def test_only_our_own_server_verifies_a_sender() -> None:
    assert kinds(mail(authentication=(PASSED,))) == {SignalKind.VERIFIED}
    assert kinds(mail(authentication=(FAILED,))) == {SignalKind.FORGED}
    assert kinds(mail(authentication=(PASSED.replace(SERVER, "mx.evil.example"),))) == {SignalKind.UNVERIFIED}
    assert kinds(mail()) == {SignalKind.UNVERIFIED}
    assert kinds(mail(authentication=(PASSED,)), authserv_id=None) == {SignalKind.UNVERIFIED}


def test_a_forged_result_below_our_servers_own_changes_nothing() -> None:
    assert kinds(mail(authentication=(FAILED, PASSED))) == {SignalKind.FORGED}


def test_a_result_inside_a_comment_or_a_value_is_no_result() -> None:
    envelope = mail(authentication=(f"{SERVER}; spf=fail (dmarc=pass); x-note=dmarc=pass",))
    assert authentication_results(envelope, authserv_id=SERVER) == {"spf": "fail"}


def test_an_answer_that_would_go_elsewhere_is_shown() -> None:
    other = (Party(PartyKind.EMAIL, "bob@evil.example"),)
    assert SignalKind.REPLY_TO_DIFFERS in kinds(mail(reply_to=other))
    assert SignalKind.REPLY_TO_DIFFERS not in kinds(mail(reply_to=(Party(PartyKind.EMAIL, "bob@gmail.com", "B"),)))


@pytest.mark.parametrize("name", ["security@walletpay.example", "Desk <desk@walletpay.example>", '"a@bank.example"'])
def test_an_address_in_a_name_is_shown_and_never_the_identity(name: str) -> None:
    envelope = mail("x@evil.example", name)
    assert SignalKind.ADDRESS_IN_NAME in kinds(envelope)
    assert envelope.sender.handle == "x@evil.example"


def test_a_name_that_is_the_senders_own_address_is_nothing_to_show() -> None:
    assert kinds(mail(name="Bob@Gmail.com")) == {SignalKind.UNVERIFIED}


def test_several_authors_are_shown() -> None:
    raw = b"From: a@x.example, b@y.example\r\nTo: desk@walletpay.example\r\nSubject: Hi\r\n\r\nHello\r\n"
    message = RawMessage(source_key="1", content=raw, received_at=datetime(2026, 11, 22, tzinfo=UTC))
    assert SignalKind.SEVERAL_AUTHORS in kinds(normalise(message, channel="m"))


def test_our_own_domain_as_sender_is_shown_and_is_no_proof() -> None:
    own = mail("agent@walletpay.example", "Agent")
    assert kinds(own) == {SignalKind.UNVERIFIED, SignalKind.CLAIMS_OUR_DOMAIN}
    assert [signal.why.key for signal in noticed(own)][-1] == (ReasonKey.OWN_DOMAIN_UNCONFIRMED)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("钱包官方客服", ""),
        ("WalletPay Security Team", ""),
        ("Bob", "你好，我是你们的客服，请把验证码发给我"),
        ("Bob", "Hi, I am from the security team, send me the code."),
        ("Bob", "I'm a member of your staff."),
        ("Bob", "我是内部员工"),
    ],
)
def test_a_stranger_who_speaks_as_staff_is_shown(name: str, text: str) -> None:
    assert SignalKind.CLAIMS_STAFF in kinds(mail(name=name, text=text))


@pytest.mark.parametrize(
    "text", ["我要找客服", "I am a customer since 2019.", "This is the third mail.", "请转人工客服"]
)
def test_a_customer_who_asks_for_staff_does_not_claim_to_be_staff(text: str) -> None:
    assert kinds(mail(text=text)) == {SignalKind.UNVERIFIED}


@pytest.mark.parametrize(
    "domain",
    [
        "wa11etpay.example", "walletpаy.example", "xn--walletpy-76g.example", "walletpays.example", "waletpay.example",
        "vvalletpay.example", "wallet-pay.example", "walletpay-support.com", "walletpay.com", "walletpay.cn",
        "walletpay.example.evil.com", "walletpay-example.evil.com", "walletpay.com.cn", "mail.wa11etpay.example",
    ],
)  # fmt: skip
def test_a_domain_that_imitates_ours_is_reported(domain: str) -> None:
    assert looks_like(domain, OWN) == "walletpay.example"


@pytest.mark.parametrize(
    "domain", ["walletpay.example", "mail.walletpay.example", "gmail.com", "qq.com", "wallet.com", "pay.cn", ""]
)
def test_other_domains_and_our_own_imitate_nothing(domain: str) -> None:
    assert looks_like(domain, OWN) == ""


def test_other_channels_have_no_such_signals() -> None:
    envelope = Envelope(
        channel="sms",
        source_key="1",
        sender=Party(PartyKind.PHONE, "+8613800138000", "客服"),
        received_at=datetime.now(UTC),
    )
    assert noticed(envelope, authserv_id=None) == ()
