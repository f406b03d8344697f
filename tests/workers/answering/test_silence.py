"""Where the machine may answer alone and does not, the operator reads why, and which command changes that."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.commands.check.command import check
from cli.commands.doctor import examine_answers
from router.answers.confidence import Confidence, Thresholds
from router.answers.trainer import AnswerModel
from router.classify.encoder import installed_encoder, load_encoder
from router.settings import Settings
from router.settings.files import load_settings
from workers.answering.silence import is_training_due, why_silent
from workers.answering.trained_answers import AnswerFolder, TrainedAnswers

NOW = datetime(2026, 2, 10, 3, tzinfo=UTC)
DESK = """
[omniyard]
data = "{data}"
[channels.site-chat]
kind = "chat"
origins = ["http://127.0.0.1:8080"]
[channels.inbox]
kind = "smtp"
address = "support@wallet.example"
{answers}
[[routes]]
name = "all"
team = "front"
"""


def desk(folder: Path, *, mode: str, inbox: str = 'answers = "agents"') -> Settings:
    file = folder / "channels.toml"
    text = DESK.format(data=folder / "var", answers=inbox) + (f'[answers]\nmode = "{mode}"\n' if mode else "")
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def train(settings: Settings, *, answer: float | None, refused: str = "", encoder: str | None = None) -> None:
    name = installed_encoder() if encoder is None else encoder
    thresholds = Thresholds(answer=answer, offer=0.5, refused=refused)
    model = AnswerModel(Confidence((), (), (), 0.0), thresholds, name, frozenset())
    AnswerFolder(settings, encoder=name).keep(TrainedAnswers(model, (), "", NOW))


@pytest.mark.parametrize("mode", ["", "off", "agents", "offer"])
def test_a_desk_that_lets_nothing_be_answered_alone_has_nothing_to_say(tmp_path, mode):
    settings = desk(tmp_path, mode=mode)
    assert why_silent(settings) == []
    assert not is_training_due(settings)


def test_untrained_thresholds_are_named_with_their_command_until_they_are_trained(tmp_path):
    settings = desk(tmp_path, mode="answer")
    (said,) = why_silent(settings)
    assert "on site-chat" in said
    assert "`omniyard answers train`" in said
    assert "`omniyard up` does so" in said
    assert is_training_due(settings)
    assert not examine_answers(settings).ok
    train(settings, answer=0.9)
    assert why_silent(settings) == []
    assert not is_training_due(settings)
    assert examine_answers(settings).ok


def test_thresholds_of_another_encoder_are_none(tmp_path):
    settings = desk(tmp_path, mode="answer")
    train(settings, answer=0.9, encoder="older-encoder-1")
    (said,) = why_silent(settings)
    assert "belong to another encoder: older-encoder-1" in said
    assert is_training_due(settings)
    train(settings, answer=0.9)
    assert why_silent(settings) == []


def test_a_training_that_found_no_threshold_says_why(tmp_path):
    settings = desk(tmp_path, mode="answer")
    train(settings, answer=None, refused="no threshold reaches 95% right answers")
    (said,) = why_silent(settings)
    assert "no threshold reaches 95% right answers" in said
    assert "add ways to ask" in said
    # It trains the first thresholds alone.
    assert "omniyard up" not in said
    assert not is_training_due(settings)


def test_a_channel_without_a_way_out_is_named(tmp_path):
    settings = desk(tmp_path, mode="agents", inbox='answers = "answer"')
    (said,) = why_silent(settings)
    assert said.startswith("on inbox nothing can be sent")


def test_the_encoders_name_is_that_of_the_loaded_one():
    loaded = load_encoder()
    assert installed_encoder() == (loaded.name if loaded else "")


def test_check_says_it_as_a_warning(tmp_path):
    desk(tmp_path, mode="answer")
    found = [each for each in check(tmp_path / "channels.toml", now=NOW).findings if "answers train" in each.message]
    assert [each.level for each in found] == ["warning"]
