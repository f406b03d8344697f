"""Why the machine answers nothing alone though the operator's file says `answer`, and which command changes that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from router.settings import Settings

if TYPE_CHECKING:
    from workers.answering.trained_answers import TrainedAnswers

_TRAIN: Final = "run `omniyard answers train`, which takes about a minute"
_SENDS: Final = frozenset({"offer", "answer"})


def why_silent(settings: Settings) -> list[str]:
    """Return a sentence for each thing that keeps the machine from sending what the file allows; [] if none does."""
    mute = [name for name in _enabled(settings) if _configured(settings, name) in _SENDS and not _sends(settings, name)]
    found = [f"on {', '.join(mute)} nothing can be sent, so only agents see what fits: add a way out"] if mute else []
    alone = channels_that_answer(settings)
    if not alone:
        return found
    models = _trained(settings)
    if not models:
        why = f"the thresholds are not trained: {_TRAIN}; `omniyard up` does so at its start"
    elif all(each.model.thresholds.answer is None for each in models):
        why = f"{models[0].model.thresholds.refused}: add ways to ask to the files of `faq`, then {_TRAIN}"
    else:
        return found
    return [*found, f"on {', '.join(alone)} the machine offers titles and answers nothing alone, because {why}"]


def channels_that_answer(settings: Settings) -> list[str]:
    """Return the channels on which the machine may send an answer by itself."""
    return [name for name in _enabled(settings) if settings.answer_mode(name) == "answer"]


def is_training_due(settings: Settings) -> bool:
    """Return whether a channel may answer alone and no thresholds were ever trained on this machine."""
    return bool(channels_that_answer(settings)) and not _trained(settings)


def _enabled(settings: Settings) -> list[str]:
    return [name for name, channel in settings.channels.items() if channel.enabled]


def _configured(settings: Settings, name: str) -> str:
    return settings.channels[name].answers or settings.answers.mode


def _sends(settings: Settings, name: str) -> bool:
    return settings.answer_mode(name) in _SENDS


def _trained(settings: Settings) -> list[TrainedAnswers]:
    # Most desks answer nothing alone, and `status` and `check` then need no numpy.
    from workers.answering.trained_answers import AnswerFolder  # noqa: PLC0415

    return AnswerFolder.all_trained(settings)
