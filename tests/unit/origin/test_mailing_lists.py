"""The desk's own group is no mailing list; every other list stays one, also behind that group."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.envelope import Envelope, Party, PartyKind
from router.origin.automatic import may_autorespond, recognise
from router.origin.correspondent import find_correspondent
from router.origin.own_side import OwnSide
from router.origin.sender_proof import prove_sender
from router.origin.verdicts import OriginKind

OWN = frozenset({"support@wallet.example", "help@lists.wallet.example"})
GOOGLE = (
    ("precedence", "list"),
    ("mailing-list", "list support@wallet.example; contact support+owners@wallet.example"),
    ("list-id", "<support.wallet.example>"),
    ("list-post", "<https://groups.google.com/a/wallet.example/group/support/post>, <mailto:support@wallet.example>"),
    ("list-help", "<https://support.google.com/a/wallet.example/bin/topic.py?topic=25838>"),
    ("list-archive", "<https://groups.google.com/a/wallet.example/group/support/>"),
    ("list-unsubscribe", "<mailto:googlegroups-manage+1+unsubscribe@googlegroups.com>"),
)
MAILMAN = (
    ("precedence", "bulk"),
    ("list-id", "Customers of the wallet <help.lists.wallet.example>"),
    ("list-post", "<mailto:Help@lists.wallet.example>"),
    ("list-unsubscribe", "<https://lists.wallet.example/options/help>, <mailto:help-request@lists.wallet.example>"),
)
EZMLM = (
    ("mailing-list", "contact support-help@wallet.example; run by ezmlm"),
    ("list-post", "<mailto:support@wallet.example>"),
    ("precedence", "bulk"),
)
NEWS = (("list-id", "<news.shop.example>"), ("list-unsubscribe", "<https://shop.example/u?to=support@wallet.example>"))


def mail(*headers: tuple[str, str], reply_to: str = "") -> Envelope:
    return Envelope(
        channel="m",
        source_key="1",
        sender=Party(PartyKind.EMAIL, "bob@example.com"),
        received_at=datetime(2026, 11, 22, tzinfo=UTC),
        to=(Party(PartyKind.EMAIL, "support@wallet.example"),),
        reply_to=(Party(PartyKind.EMAIL, reply_to),) if reply_to else (),
        machine_headers=headers,
    )


@pytest.mark.parametrize(
    "headers",
    [GOOGLE, MAILMAN, EZMLM, (("list-id", "<SUPPORT.wallet.example>"),), (("mailing-list", "support@wallet.example"),)],
    ids=["google", "mailman", "ezmlm", "list-id alone", "mailing-list alone"],
)  # fmt: skip
def test_what_a_group_of_our_own_address_passes_on_is_a_persons(headers: tuple[tuple[str, str], ...]) -> None:
    envelope = mail(*headers)
    origin = recognise(envelope, own_addresses=OWN)
    assert origin.kind is OriginKind.PERSON
    assert may_autorespond(envelope, origin=origin, own_addresses=OWN)[0]


@pytest.mark.parametrize(
    "headers",
    [
        NEWS,
        # Another list, or a program for campaigns, before or behind our group.
        (*GOOGLE, *NEWS),
        (*NEWS, *GOOGLE),
        (*GOOGLE, ("x-campaignid", "7")),
        (*MAILMAN, ("list-unsubscribe", "<mailto:leave@news.example>")),
        # A list of our own domain that is no desk.
        (("list-id", "<announce.wallet.example>"), ("precedence", "list")),
        (*GOOGLE, ("list-id", "<announce.wallet.example>")),
        # It only says our address somewhere.
        (("list-id", "<news.shop.example>"), ("list-help", "<mailto:support@wallet.example>")),
        (("list-id", "support.wallet.example <news.shop.example>"),),
        (*GOOGLE[1:], ("precedence", "junk")),
    ],
)
def test_every_other_list_stays_a_list(headers: tuple[tuple[str, str], ...]) -> None:
    assert recognise(mail(*headers), own_addresses=OWN).kind is OriginKind.BULK


def test_a_group_of_ours_leaves_the_customers_reply_to_as_an_offer() -> None:
    for headers, offered in ((GOOGLE, "bob@home.example"), (NEWS, "")):
        envelope = mail(*headers, reply_to="bob@home.example")
        found = find_correspondent(envelope, side=OwnSide(desk=OWN), proof=prove_sender(envelope, authserv_id=None))
        assert (found.answer_to, found.other) == ("bob@example.com", offered)
