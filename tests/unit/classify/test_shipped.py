"""The model of the shipped sentences: every class recalls its own, and a greeting is not a complaint."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from router.classify import build_classifier
from router.classify.encoder import load_encoder
from router.classify.trainer import examples_of, train
from router.settings import load_settings
from router.settings.intents import load_intents

SHIPPED = Path(__file__).parents[3] / "config" / "channels.toml"
SETTINGS = load_settings(SHIPPED)
EXAMPLES = examples_of(SETTINGS, load_intents(SHIPPED, SETTINGS))
# Only the first three are examples: the model has to generalise to the others.
GREETINGS = (
    "hello",
    "你好",
    "hi there",
    "hello there",
    "您好啊",
    "Good afternoon",
    "hi everyone",
    "Hi support",
    "你好啊",
)


@pytest.fixture(scope="module", params=["with_encoder", "without_encoder"])
def classifier(request, model, encoder):
    if request.param == "with_encoder" and encoder is None:
        pytest.skip("the encoder's package is not installed")
    used = encoder if request.param == "with_encoder" else None
    return build_classifier(SETTINGS, model=model, encoder=used)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


@pytest.fixture(scope="module")
def model(encoder):
    return train(EXAMPLES, encoder=encoder)


def test_every_class_and_sub_intent_recalls_its_own_rows(classifier):
    answers = classifier.classify_page([one.text for one in EXAMPLES])
    right = defaultdict(list)
    for one, answer in zip(EXAMPLES, answers, strict=True):
        right[one.category].append((answer.category or answer.runner_up) == one.category)
        # An abstention names no sub-intent, and a category's own example has none.
        if one.intent and answer.category:
            right[one.category, one.intent].append(answer.intent == one.intent)
    forgotten = {label: sum(hits) / len(hits) for label, hits in right.items() if sum(hits) < 0.9 * len(hits)}
    assert forgotten == {}
    assert {label for label in right if isinstance(label, str)} == set(SETTINGS.categories)
    assert {(one.category, one.intent) for one in EXAMPLES if one.intent} <= set(right)


@pytest.mark.parametrize("greeting", GREETINGS)
def test_a_greeting_alone_is_general_or_left_to_a_person(classifier, greeting):
    (answer,) = classifier.classify_page([greeting])
    assert answer.category in {"general", None}
    assert answer.category == "general" or answer.abstained
