"""The shipped model: it belongs to the shipped examples, knows its own, and does not cry wolf."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from router.classify import build_classifier
from router.classify.encoder import load_encoder
from router.classify.trainer import examples_of
from router.remarks.remark_kind import RemarkKind
from router.settings import load_settings
from router.settings.intents import load_intents
from workers.training.lessons import lessons_of
from workers.training.shipped import shipped_folder, shipped_model

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
def model():
    return shipped_folder().load(shipped_model(SETTINGS).version)


def test_it_belongs_to_the_examples_and_the_words_of_danger():
    # Where this fails: `python -m workers.training.shipped` trains it again.
    (about,) = shipped_folder().models()
    assert about.desk == lessons_of(SETTINGS, SHIPPED).desk
    assert about.encoder is not None
    assert sum(path.stat().st_size for path in shipped_folder().path.iterdir()) < 12_000_000


def test_its_report_speaks_of_hands_that_it_had_not_read(model):
    figures = model.report["danger"]["all"]
    assert model.report["accuracy"] > 0.85
    assert figures["recall"][0] > 0.75
    assert figures["paged_or_marked"][0] > 0.9
    assert figures["false_pages"][0] <= model.report["danger"]["per_thousand"] / 1_000
    assert set(model.report["danger"]) == {"per_thousand", "all", "en", "zh"}


def test_every_class_and_sub_intent_recalls_its_own_rows(classifier):
    examples = [one for one in EXAMPLES if not one.hand]
    answers = classifier.classify_batch([one.text for one in examples])
    right = defaultdict(list)
    for one, answer in zip(examples, answers, strict=True):
        right[one.category].append((answer.category or answer.runner_up) == one.category)
        # An abstention and a remark without a matter name no sub-intent, and a category's own example has none.
        if one.intent and answer.category and answer.remark is RemarkKind.CONTENT:
            right[one.category, one.intent].append(answer.intent == one.intent)
    forgotten = {label: sum(hits) / len(hits) for label, hits in right.items() if sum(hits) < 0.9 * len(hits)}
    assert forgotten == {}
    assert {label for label in right if isinstance(label, str)} == set(SETTINGS.categories)
    assert {(one.category, one.intent) for one in EXAMPLES if one.intent} <= set(right)


@pytest.mark.parametrize("greeting", GREETINGS)
def test_a_greeting_alone_is_general_or_left_to_a_person(classifier, greeting):
    (answer,) = classifier.classify_batch([greeting])
    assert answer.category in {"general", None}
    assert answer.category == "general" or answer.abstained


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("statement\nThere is a cash withdrawal that I never made", "emergency"),
        ("有一笔扣款不是我操作的", "emergency"),
        ("手机被偷了，里面有钱包", "emergency"),
        ("is it ok to feed cats with rice", "none"),
        ("网银里总资产是什么", "none"),
        ("没有被盗，就是忘了密码", "none"),
        ("How do I report a stolen card in general?", "none"),
        ("qwx zzrt plmk", "none"),
        ("", "none"),
    ],
)
def test_danger_is_judged_with_and_without_the_encoder(classifier, text, outcome):
    (answer,) = classifier.classify_batch([text])
    assert answer.emergency == (outcome == "emergency"), (answer.danger, answer.danger_evidence)
    assert not answer.emergency or answer.danger_evidence
    assert not (answer.emergency and answer.possible_danger)


def test_what_the_model_does_not_know_is_no_danger(classifier):
    texts = [
        f"{word} {number}" for word in ("lorem", "ipsum dolor", "萝卜", "茶叶蛋", "forklift") for number in range(20)
    ]
    assert [answer.emergency for answer in classifier.classify_batch(texts)] == [False] * len(texts)


WEEKEND = (
    "Everything for your weekend\nThe weekend is here and everything in our garden centre is 20 percent off: roses, "
    "tools, pots and seeds. Come by with the family, the coffee is on us. Everything must go before the frost."
)
VILLAGE = (
    "This week in the village\nI am told that some of them went into the hills at the weekend and came back with "
    "more mushrooms than anyone could eat, so there will be soup for everyone at the hall on Saturday evening."
)
FLOWERS = (
    "本周末活动预告\n本周末公园举办秋季花展，一切免费，欢迎大家带孩子来玩，"
    "现场还有美食和音乐，我们不见不散。周末天气晴好，适合全家出游。"
)


@pytest.mark.parametrize("text", [WEEKEND, VILLAGE, FLOWERS])
def test_weak_words_of_a_matter_that_is_not_ours_decide_nothing(classifier, text):
    (answer,) = classifier.classify_batch([text])
    assert answer.category is None


PAID_TWICE = (
    "Weekend\nI paid for everything at the weekend market with your app, and now the same payment shows twice in "
    "my history. The shop says that it got the money once. Please give me back the second one."
)
TAKEN_OVER = (
    "Everything\nSomeone got into my account at the weekend and everything I had there is gone. I did not make "
    "these payments and I do not know who did. Please stop it before more of it goes."
)


@pytest.mark.parametrize("text", [PAID_TWICE, TAKEN_OVER])
def test_the_same_words_next_to_a_matter_of_ours_are_no_reason_to_abstain(classifier, text):
    (answer,) = classifier.classify_batch([text])
    assert answer.category is not None
