"""The examples of the operator's files, from which models are trained."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from router.settings import Settings
from router.settings.intents import FEWEST_EXAMPLES, Intents, Negatives, load_intents, load_negatives
from workers.training.model_store import ModelFolder

if TYPE_CHECKING:
    from router.classify.trainer import DangerTask, TrainingExample

EXAMPLES_CHANGED: Final = (
    "the examples have changed since the model in force was chosen; `omniyard train` learns what they say now"
)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """The examples of the operator's files. desk: their digest; equal files give equal models."""

    examples: tuple[TrainingExample, ...]
    danger: DangerTask | None
    desk: str

    @property
    def teach(self) -> bool:
        """Whether there are examples of at least two categories."""
        return len({one.category for one in self.examples if one.category}) > 1


def lessons_of(settings: Settings, config: Path) -> TrainingSet:
    """Read every example of the operator's files.

    Raises ConfigError if a file of sub-intents is invalid.
    """
    return lessons_in(settings, load_intents(config, settings), load_negatives(config))


def lessons_in(settings: Settings, intents: Intents, negatives: Negatives | None = None) -> TrainingSet:
    """Return the examples of settings, sub-intents and negatives; categories with too few to be learnt are left out."""
    # NumPy and the words of danger, not before a command needs the examples.
    from router.classify.trainer import DangerTask, examples_of  # noqa: PLC0415
    from router.danger.words import build_word_detector  # noqa: PLC0415

    every = examples_of(settings, intents, negatives)
    counts = Counter(one.category for one in every)
    examples = tuple(one for one in every if counts[one.category] >= FEWEST_EXAMPLES)
    emergencies = tuple(name for name, category in settings.categories.items() if category.emergency)
    texts = [(one.text, one.category, one.intent, one.hand) for one in examples]
    content = [texts, sorted(emergencies), settings.danger.model_dump(mode="json")]
    words = build_word_detector(settings)
    danger = DangerTask(words, emergencies, settings.emergency.false_pages_per_thousand) if words else None
    digest = hashlib.blake2b(json.dumps(content, ensure_ascii=False).encode(), digest_size=8).hexdigest()
    return TrainingSet(examples, danger, digest)


def examples_changed(settings: Settings, config: Path) -> bool:
    """Return whether the operator's examples differ from those for which the model in force was chosen.

    Raises ConfigError if a file of sub-intents is invalid.
    """
    chosen = ModelFolder.of(settings).in_force()
    return chosen is not None and chosen.desk != lessons_of(settings, config).desk
