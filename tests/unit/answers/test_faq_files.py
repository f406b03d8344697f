"""The files of the FAQ: what they may say, and the line of each mistake."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from router.answers.faq import examine_faq, read_faq
from router.answers.faq_file import SendRule, read_faq_file
from router.errors import ConfigError
from router.settings import load_settings
from router.settings.intents import Intents, IntentSettings, load_intents

CONFIG = Path(__file__).parents[3] / "config" / "channels.toml"
WHOLE = """---
intents: [refund_not_arrived]
send: offer
until: 2027-06-30
owner: Li Na
also: how long does a refund take
---

# When does my refund arrive?
> also: refund time

Up to **24 hours**, see [bills](/help).

A second paragraph.
"""


def test_a_file_says_title_ways_to_ask_days_and_the_rule_for_sending() -> None:
    read = read_faq_file(WHOLE, file="refund--when.en.md")
    assert (read.id, read.language, read.title) == ("refund--when", "en", "When does my refund arrive?")
    assert read.also == ("how long does a refund take", "refund time")
    assert (read.send, read.until, read.owner) == (SendRule.OFFER, date(2027, 6, 30), "Li Na")
    assert read.sent_text() == ("Up to 24 hours, see bills (/help).\n\nA second paragraph.", True)
    assert not read.holds_on(date(2027, 7, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("send: maybe\n# Q\n\nA\n", "refund--when.en.md:1: send: expected"),
        ("owner: Li\nuntil: soon\n# Q\n\nA\n", "refund--when.en.md:2: until: expected a day"),
        ("colour: red\n# Q\n\nA\n", "refund--when.en.md:1: unknown key colour"),
        ("just text\n", "refund--when.en.md:1: expected KEY: VALUE"),
        ("# Q\n> also: fine\n", "refund--when.en.md:1: no answer follows"),
        (f"# Q\n> also: {'x' * 201}\n\nA\n", "refund--when.en.md:2: also: 201 characters"),
    ],
)
def test_a_mistake_names_its_file_and_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match="refund--when") as error:
        read_faq_file(text, file="refund--when.en.md")
    assert str(error.value).splitlines()[0].startswith(said)


def test_a_broken_file_leaves_the_old_answer_in_force() -> None:
    before = read_faq([("refund--when.en.md", WHOLE)])
    now = read_faq([("refund--when.en.md", "send: maybe\n# New\n\nNew\n")], before=before)
    assert [text.title for text in now.files] == ["When does my refund arrive?"]
    assert now.problems[0].startswith("refund--when.en.md:1:")


def test_the_shipped_answers_are_at_least_forty_in_both_languages_and_without_a_warning() -> None:
    files = [(file.name, file.read_text("utf-8")) for file in sorted((CONFIG.parent / "faq").glob("*.md"))]
    settings = load_settings(CONFIG)
    faq = read_faq(files)
    found = examine_faq(
        faq,
        intents=load_intents(CONFIG, settings),
        categories=settings.categories,
        today=date(2026, 12, 1),
    )
    assert found == []
    assert len(faq.texts) >= 40
    assert all(set(texts) == {"en", "zh"} for texts in faq.texts.values())
    assert all(len(text.also) >= 4 for text in faq.files)


def test_an_expired_or_careless_answer_is_named() -> None:
    careless = "until: 2026-01-01\n# Q\n\nPlease send us your password.\n"
    faq = read_faq([("refund--when.en.md", careless)])
    said = "\n".join(examine_faq(faq, intents={}, categories=["refund"], today=date(2026, 12, 1)))
    assert "has passed" in said
    assert "must not ask" in said
    assert "no text in zh" in said


def test_files_of_a_category_that_the_desk_lacks_are_named_in_one_line() -> None:
    names = ("fees--why.en.md", "fees--why.zh.md", "login--how.en.md", "refund--when.en.md")
    faq = read_faq([(name, f"# Question of {name}\n\nSoon.\n") for name in names])
    found = examine_faq(faq, intents={}, categories=["refund"], today=date(2026, 12, 1))
    assert [line.partition(";")[0] for line in found if "category" in line] == [
        "fees--why.en.md and 1 more: no category is called fees",
        "login--how.en.md: no category is called login",
    ]


def test_a_desk_without_sub_intents_is_told_once_for_all_answers_that_name_one() -> None:
    named = [(f"refund--{way}.en.md", f"intents: {way}\n# How {way}?\n\nSoon.\n") for way in ("when", "how")]

    def said(intents: Intents) -> list[str]:
        found = examine_faq(read_faq(named), intents=intents, categories=["refund"], today=date(2026, 12, 1))
        return [line for line in found if "sub-intent" in line]

    assert said({}) == ["2 files name sub-intents, but the desk has none: the folder intents is missing or broken"]
    some = {"refund": {"when": IntentSettings(title={"en": "When"}, examples={"en": ("when?",)})}}
    assert said(some) == ["refund--how.en.md: intents: no sub-intent is called how"]
