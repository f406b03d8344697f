"""Pairs of meanings: what tells of a danger, and what only sounds like one, in both languages."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from router.danger.clauses import split_sentences
from router.danger.pairs import compile_pairs
from router.danger.words import LONGEST, build_word_detector
from router.reason import ReasonKey
from router.settings import load_settings
from router.settings.danger_words import DangerWords, GroupWords, PairRule, Softener

DETECTOR = build_word_detector(load_settings(Path(__file__).parents[3] / "config" / "channels.toml"))
STORY = "Good morning, I have used your wallet for six years and was always content with it. " * 12


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        # What tells of a danger.
        ("There is a withdrawal on my statement that I did not make", "emergency"),
        ("I don't recognise this direct debit", "emergency"),
        ("Help, I cannot find my card", "emergency"),
        ("Somebody has logged in to my account and changed the phone number", "emergency"),
        ("my wallet was pickpocketed on the tram, block the card", "emergency"),
        ("这笔转账不是我本人操作的", "emergency"),
        ("手机丢了，怕别人用我的钱包", "emergency"),
        ("這筆扣款我沒有授權", "emergency"),
        ("銀行卡被人偷了", "emergency"),
        ("我個戶口俾人hack咗", "emergency"),
        ("戶口畀人黑咗", "emergency"),
        # Denied.
        ("My phone was not stolen, I only forgot the password", "none"),
        ("没有被盗，就是忘了密码", "none"),
        ("賬戶沒有被盜，只是想改密碼", "none"),
        # Questions about a feature.
        ("How do I report a stolen card in general?", "none"),
        ("What would happen if someone stole my phone?", "none"),
        ("请问你们有盗刷险吗，想了解一下", "none"),
        ("如果手机被偷了怎么办", "none"),
        # Solved, or not the customer's own.
        ("I thought my card was stolen, but it turned up in the car", "none"),
        ("之前说卡被盗，后来找到了，虚惊一场", "none"),
        ("I read about hacked accounts in the news", "none"),
        # Quoted.
        ('What does the status "stolen" mean?', "none"),
        ("短信里的“非本人操作”是什么意思", "none"),
        # Ordinary business.
        ("is it ok to feed dogs people food", "none"),
        ("POS机撤机", "none"),
        ("when will my refund arrive", "none"),
        # In the middle of a long mail.
        (f"{STORY}Yesterday a stranger took money out of my account. {STORY}", "emergency"),
    ],
)
def test_danger_is_distinguished_from_its_words(text, outcome):
    assert DETECTOR is not None
    (verdict,) = DETECTOR.detect([text])
    assert verdict.outcome == outcome
    assert bool(verdict.evidence) == (outcome != "none")


def test_a_keyword_decides_and_is_named_as_the_evidence():
    assert DETECTOR is not None
    (verdict,) = DETECTOR.detect(["my account was hacked!!"])
    assert (verdict.outcome, verdict.by_keyword) == ("emergency", True)
    assert (verdict.evidence[0].key, verdict.evidence[0].values) == (ReasonKey.DANGER_KEYWORD, {"words": "hacked"})


def test_a_keyword_behind_the_end_of_a_very_long_text_still_decides():
    assert DETECTOR is not None
    (verdict,) = DETECTOR.detect(["good day " * LONGEST + "my account was hacked"])
    assert (verdict.outcome, verdict.by_keyword) == ("emergency", True)


WORDS = DangerWords(
    groups={
        "thing": GroupWords(en=("card", "top up*"), zh=("卡",)),
        "lost": GroupWords(en=("lost", "did not ... find|see"), zh=("丢 了",)),
        "tariff": GroupWords(en=("fee",)),
    },
    pairs={"lost_thing": PairRule(needs=("thing", "lost"), within=3, unless=("tariff",), next_sentence=True)},
    softeners={"negation": Softener(scope="before", en=("not",), zh=("没",))},
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I lost my card", {"lost_thing": ()}),
        ("card: I DIDN'T really see it", {"lost_thing": ()}),  # a gap, a contraction, any case
        ("top-ups lost", {"lost_thing": ()}),  # the beginning of a word; a hyphen is a blank
        ("discard what was lost", {}),  # whole words
        ("I have lost some of what is written on my card", {}),  # too far apart
        ("My card. It is lost.", {"lost_thing": ()}),  # two sentences
        ("not lost, my card", {"lost_thing": ("negation",)}),
        ("a fee for a lost card?", {"lost_thing": ("tariff",)}),
        ("卡丢了", {"lost_thing": ()}),
        ("卡沒丟了", {"lost_thing": ("negation",)}),  # in either script
    ],
)
def test_how_words_are_written(text, found):
    pairs = compile_pairs(WORDS).read(text)
    assert {one.pair: one.softened_by for one in pairs} == found


# Sentences whose words meet within and across their borders, are denied, solved, asked about, or kept from that.
SENTENCES = (
    "Somebody logged in from another city and it was not me.", "It was me.",
    "The transfer failed but the money is gone.",
    "Please refund the order that I cancelled yesterday.", "My card was not stolen.", "It was stolen on the tram.",
    "I did not order that.", "It has been solved.", "What if someone stole my phone?", "I cannot find my card.",
    "有人在外地登录了我的账户，不是我操作的。", "没有被盗。",
    "手机丢了，怕别人用我的钱包。", "昨天取消的订单请退款。", "已经解决了。",
)  # fmt: skip


def test_the_pairs_that_nothing_softens_are_those_of_the_full_finding_in_its_order():
    assert DETECTOR is not None
    chance = random.Random(19)
    for _ in range(400):
        text = chance.choice([" ", "\n"]).join(chance.choices(SENTENCES, k=chance.randint(1, 7)))
        full = [one for one in DETECTOR.pairs.read(text) if not one.softened_by]
        sentences = split_sentences(text)
        assert [*DETECTOR.pairs.unsoftened_of(sentences, DETECTOR.pairs.lines_in(sentences))] == full, text
        clear = [one for one in full if one.is_clear]
        assert [*DETECTOR.pairs.deciding(text)] == (clear or full), text


def test_what_means_something_in_phrases_means_nothing_in_keywords():
    pairs = compile_pairs(DangerWords(), keywords=["c# fraud", "can't log in", "***"])
    assert [one.words for one in pairs.read("C# fraud")] == [("c fraud",)]
    assert pairs.read("c3 fraud") == ()
    assert [one.words for one in pairs.read("I cannot log in")] == [("can not log in",)]
