"""Danger by a trained model: bounds apply without training, no alarm without evidence, and bytes keep the judgement."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.classify import build_classifier
from router.classify.model_file import from_bytes, to_bytes
from router.classify.trainer import DangerTask, examples_of, train
from router.danger.words import build_word_detector
from router.settings import load_settings
from router.settings.intents import load_intents, load_negatives
from router.settings.model import EmergencySettings

FILE = Path(__file__).parents[3] / "config" / "channels.toml"
SETTINGS = load_settings(FILE)
EVERY = examples_of(SETTINGS, load_intents(FILE, SETTINGS), load_negatives(FILE))
TAUGHT, ASKED = EVERY[::18], EVERY[1::60]


@pytest.fixture(scope="module")
def model():
    words = build_word_detector(SETTINGS)
    assert words is not None
    return train(TAUGHT, danger=DangerTask(words, ("account_security",), 5))


def answers(model, settings=SETTINGS):
    return build_classifier(settings, model=model).classify_batch([one.text for one in ASKED])


def test_every_alarm_and_mark_shows_its_evidence(model):
    said = answers(model)
    assert any(one.emergency for one in said)
    assert all(one.danger_evidence for one in said if one.emergency or one.possible_danger)
    assert all(one.danger >= one.danger_threshold for one in said if one.emergency)
    assert all(one.urgent_if_closed for one in said if one.emergency)


def test_a_wider_bound_pages_no_fewer_without_training(model):
    alarms = []
    for bound in (1, 5, 50, 200):
        emergency = EmergencySettings(false_pages_per_thousand=bound)
        settings = SETTINGS.model_copy(update={"emergency": emergency})
        alarms.append(sum(one.emergency for one in answers(model, settings)))
    assert alarms == sorted(alarms)
    assert alarms[0] < alarms[-1]


def test_a_model_that_was_written_and_read_judges_alike(model):
    again = from_bytes(to_bytes(model))
    assert again.danger is not None
    assert again.danger.calibration.bounds == model.danger.calibration.bounds
    same = [(one.emergency, one.category) for one in answers(model)]
    read = [(one.emergency, one.category) for one in answers(again)]
    assert sum(one != other for one, other in zip(same, read, strict=True)) <= 0.01 * len(same)


def test_a_model_of_other_emergencies_does_not_judge(model):
    urgent = {name: one.model_copy(update={"emergency": name == "refund"}) for name, one in SETTINGS.categories.items()}
    classifier = build_classifier(SETTINGS.model_copy(update={"categories": urgent}), model=model)
    assert classifier.trained is None
    assert classifier.words is not None
