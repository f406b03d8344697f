"""What stands below a receipt: the link to the case, and the words of a proven customer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from router.envelope import Envelope, Party, PartyKind
from router.origin.sender_proof import ProofKind
from router.replies.receipt import receipt_of

LINK = "https://desk.example/case/abc"
AT = datetime(2026, 11, 27, 10, 42, tzinfo=UTC)
ENVELOPE = Envelope(
    channel="mail", source_key="1", sender=Party(PartyKind.EMAIL, "li@example.com"), received_at=AT, text="x"
)


class Analysed:
    """As much of an analysis as a receipt asks for."""

    def __init__(self, text: str, *, proof: ProofKind = ProofKind.PROVEN, kind: PartyKind = PartyKind.EMAIL) -> None:
        self.shown = type("ShownWords", (), {"text": text})
        self.envelope = replace(ENVELOPE, sender=Party(kind, "li@example.com"))
        self.proof = type("Proof", (), {"kind": proof})


def receipt(analysed: object, *, text: str = "We have it.\n", language: str = "en", link: str = LINK) -> str:
    zone = ZoneInfo("Asia/Shanghai")
    return receipt_of(text, analysis=analysed, language=language, status_link=link, zone=zone)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "You wrote on Friday 27 November 2026 at 18:42:"),
        ("zh", "您于 2026年11月27日（星期五）18:42 写道："),
        ("zh-Hant", "您於 2026年11月27日（星期五）18:42 寫道："),
    ],
)
def test_a_receipt_quotes_the_words_with_their_day(language: str, expected: str) -> None:
    said = receipt(Analysed("My payment failed.\n\nPlease help"), language=language)
    assert said.startswith("We have it.\n\n")
    assert LINK in said
    assert said.endswith(f"{expected}\n> My payment failed.\n>\n> Please help\n")


def test_the_words_of_an_unproven_sender_are_not_sent_to_the_address_they_name() -> None:
    assert receipt(Analysed("Buy now: https://spam.example", proof=ProofKind.UNPROVEN)).count("spam") == 0


def test_a_short_message_stays_short_and_a_link_is_given_once() -> None:
    assert receipt(Analysed("hello", kind=PartyKind.PHONE)) == "We have it.\n"
    assert receipt(Analysed("hello"), text=f"Here: {LINK}\n").count(LINK) == 1
    assert LINK not in receipt(Analysed("hello"), link="")


def test_a_long_quote_is_cut_and_says_so() -> None:
    said = receipt(Analysed("\n".join(f"line {number}" for number in range(60))))
    assert "> line 19" in said
    assert "> line 20" not in said
    assert said.endswith("> …\n")
