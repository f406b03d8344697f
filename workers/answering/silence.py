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
    trained = _trained(settings)
    if trained is None:
        why = f"the thresholds are not trained{_why_untrained(settings)}: {_TRAIN}; `omniyard up` does so at its start"
    elif trained.model.thresholds.answer is None:
        why = f"{trained.model.thresholds.refused}: add ways to ask to the files of `faq`, then {_TRAIN}"
    else:
        return found
    return [*found, f"on {', '.join(alone)} the machine offers titles and answers nothing alone, because {why}"]


def channels_that_answer(settings: Settings) -> list[str]:
    """Return the channels on which the machine may send an answer by itself."""
    return [name for name in _enabled(settings) if settings.answer_mode(name) == "answer"]


def is_training_due(settings: Settings) -> bool:
    """Return whether a channel may answer alone and no thresholds were trained here with the encoder of today."""
    return bool(channels_that_answer(settings)) and _trained(settings) is None


def _enabled(settings: Settings) -> list[str]:
    return [name for name, channel in settings.channels.items() if channel.enabled]


def _configured(settings: Settings, name: str) -> str:
    return settings.channels[name].answers or settings.answers.mode


def _sends(settings: Settings, name: str) -> bool:
    return settings.answer_mode(name) in _SENDS


def _why_untrained(settings: Settings) -> str:
    """Return why there are no thresholds, as far as it is known: " (...)", or empty."""
    from workers.answering.trained_answers import AnswerFolder  # noqa: PLC0415
    from workers.answering.training_attempt import last_attempt  # noqa: PLC0415

    tried = last_attempt(settings)
    if tried:
        return f" ({tried.sentence})"
    others = [each.model.encoder or "words alone" for each in AnswerFolder.all_trained(settings)]
    return f" (those that are here belong to another encoder: {', '.join(others)})" if others else ""


def _trained(settings: Settings) -> TrainedAnswers | None:
    """Return what the workers use: the thresholds of the encoder that is installed."""
    # Most desks answer nothing alone, and `status` and `check` then need no numpy.
    from router.classify.encoder import installed_encoder  # noqa: PLC0415
    from workers.answering.trained_answers import AnswerFolder  # noqa: PLC0415

    return AnswerFolder(settings, encoder=installed_encoder()).trained()
