"""The shipped example sentences: complete, varied, in two languages, and without secrets."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from router.classify.trainer import examples_of
from router.errors import ConfigError
from router.masking.mask import mask
from router.settings import load_settings, read_settings
from router.settings.intents import examine_examples, load_intents, read_intents
from router.text.language import detect

SHIPPED = Path(__file__).parents[3] / "config" / "channels.toml"
SETTINGS = load_settings(SHIPPED)
INTENTS = load_intents(SHIPPED, SETTINGS)
EVERY = [(name, intent, said) for name, intents in INTENTS.items() for intent, said in intents.items()]


def test_every_category_has_sub_intents():
    assert set(INTENTS) == set(SETTINGS.categories)
    assert len(EVERY) >= 40


@pytest.mark.parametrize(("category", "intent", "said"), EVERY, ids=[f"{name}/{intent}" for name, intent, _ in EVERY])
def test_a_sub_intent_has_30_sentences_in_each_language(category, intent, said):
    for language in ("zh", "en"):
        texts = said.examples[language]
        assert len(set(texts)) == len(texts) >= 30
        assert said.title[language]


def test_no_sentence_occurs_twice():
    texts = Counter(text for _, _, said in EVERY for text in said.texts)
    assert [text for text, count in texts.items() if count > 1] == []


def test_sentences_are_in_their_stated_language():
    for _, _, said in EVERY:
        for language, texts in said.examples.items():
            odd = [text for text in texts if text.isascii() == (language == "zh")]
            assert odd == [] or (language == "zh" and len(odd) <= 1), odd
    traditional = [text for _, _, said in EVERY for text in said.examples["zh"] if detect(text) == "zh-Hant"]
    assert len(traditional) >= 60


def test_no_sentence_holds_a_secret():
    assert [text for _, _, said in EVERY for text in said.texts if mask(text).kinds] == []


def test_they_include_emergencies_in_other_words():
    dangers = {text for _, intents in INTENTS.items() for said in intents.values() for text in said.texts}
    assert "余额突然没了" in dangers
    assert sum(len(said.texts) for said in INTENTS["account_security"].values()) >= 120


def test_every_example_has_its_category():
    examples = examples_of(SETTINGS, INTENTS)
    assert {one.category for one in examples} == set(SETTINGS.categories)
    assert len(examples) > 2_600


DESK = '[categories.refund]\n{}\n[[routes]]\nname = "all"\nteam = "desk"'


@pytest.mark.parametrize(
    ("count", "levels"),
    [(0, []), (4, ["warning"]), (5, ["warning"]), (19, ["warning"]), (20, [])],
)
def test_under_20_examples_are_warned_about(count, levels):
    settings = read_settings(DESK.format(f"examples = {[f'text {n}' for n in range(count)]}"))
    assert [finding.level for finding in examine_examples(settings, {})] == levels


def test_the_examples_of_sub_intents_count():
    settings = read_settings(DESK.format(""))
    intents = {"refund": read_intents(f"[late]\nexamples.en = {[f'text {n}' for n in range(20)]}", file="refund.toml")}
    assert examine_examples(settings, intents) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[late", "refund.toml: not valid TOML"),
        ("[late]\nexamples = 3", "refund.toml: late.examples"),
        ("[late]\nexample.en = []", "late.examples: Field required"),
    ],
)
def test_an_invalid_file_is_refused_with_a_message(text, says):
    with pytest.raises(ConfigError, match=says):
        read_intents(text, file="refund.toml")


def test_a_file_named_for_an_unknown_category_is_refused(tmp_path):
    (tmp_path / "intents").mkdir()
    (tmp_path / "intents" / "refunds.toml").write_text("")
    # If no name fits, the folder belongs to another desk.
    assert load_intents(tmp_path / "channels.toml", read_settings(DESK.format(""))) == {}
    (tmp_path / "intents" / "refund.toml").write_text("")
    with pytest.raises(ConfigError, match=r"refunds\.toml: no category of channels\.toml is called so"):
        load_intents(tmp_path / "channels.toml", read_settings(DESK.format("")))
