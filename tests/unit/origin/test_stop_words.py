"""The words by which people stop and start text messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.envelope import Envelope, Party, PartyKind
from router.origin.stop_words import Command, command_of

MAINLAND, ABROAD = "+8613800138000", "+15550100"


def command(text: str, *, sender: str = MAINLAND, kind: PartyKind = PartyKind.PHONE) -> Command | None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    return command_of(Envelope(channel="sms", source_key="1", sender=Party(kind, sender), received_at=at, text=text))


@pytest.mark.parametrize(
    "word",
    [
        "STOP", "StopAll", "stop all", "UNSUBSCRIBE", "cancel", "END", "quit.", "OPTOUT", "Opt out",
        "opt-out", "REVOKE", "ARRÊT",
        "TD", "ＴＤ", "td退订", "回复TD", "回TD退订", "回T退订", "退订回N", "退订回复 R", "“退订”", "拒收",
        "T\u200bD", "T D", "T退订",
    ],
)  # fmt: skip
@pytest.mark.parametrize("sender", [MAINLAND, ABROAD])
def test_a_stop_word_stops_in_every_country(word: str, sender: str) -> None:
    assert command(word, sender=sender) is Command.STOP


# One letter is the opt-out of Chinese texts; elsewhere it answers a question.
@pytest.mark.parametrize("letter", ["T", "n", "R。", "Ｔ"])
def test_a_letter_alone_stops_in_mainland_china_only(letter: str) -> None:
    assert command(letter) is Command.STOP
    assert command(letter, sender=ABROAD) is None


@pytest.mark.parametrize("word", ["START", "unstop", "恢复", "恢复接收", "opt in", "订阅"])
def test_a_start_word_starts_again(word: str) -> None:
    assert command(word) is Command.START


@pytest.mark.parametrize(
    "text",
    ["please stop the transfer", "end of story", "TD还没到账", "退订失败了怎么办", "回复我",
        "No", "NT", "Y", "t-shirt", "不要退订"],
)  # fmt: skip
def test_a_sentence_commands_nothing(text: str) -> None:
    assert command(text) is None


def test_on_other_channels_they_are_words() -> None:
    assert command("TD", sender="td@example.com", kind=PartyKind.EMAIL) is None
