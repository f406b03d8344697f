"""A trained model as a value, with its version."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from pydantic import JsonValue

from router.classify.calibration import Calibration
from router.classify.embedding_head import MeaningHead
from router.classify.features import Flags
from router.classify.ngram_head import Floats, GramHead
from router.danger.heads import DangerLabels
from router.danger.model import DangerModel

# Increase it with every change that misreads older bytes.
FORMAT: Final = 2
# Increase it with every change that trains another model from equal examples; the older ones can still be read.
_TRAINING: Final = 2


@dataclass(frozen=True, slots=True)
class Label:
    """A class of the heads: a sub-intent of a category; the intent is empty for the category's plain examples."""

    category: str
    intent: str = ""


LOOKALIKE: Final = Label("", "lookalikes")
"""Texts that sound like a danger and are none: of any category, so they are no label for a category's answer."""

FOREIGN: Final = Label("", "foreign")
"""Texts that are no business of the desk: what resembles them resembles no category."""


@dataclass(frozen=True, slots=True)
class Model:
    """The result of training. report: its measurements on held-out rows, as JSON.

    labels: of the heads; `LOOKALIKE` and `FOREIGN` belong to no category.
    danger: None if the examples named no emergencies.
    """

    version: str
    labels: tuple[Label, ...]
    gram_head: GramHead
    meaning_head: MeaningHead | None
    encoder: str | None
    calibration: Calibration
    report: Mapping[str, JsonValue] = field(default_factory=dict)
    danger: DangerModel | None = None

    @property
    def categories(self) -> tuple[str, ...]:
        """The labels' categories, each once, in the labels' order."""
        return categories_of(self.labels)

    @property
    def answering(self) -> Flags:
        """Which labels count for a category's answer: all but the look-alikes'."""
        return answering(self.labels)

    def danger_labels(self, categories: Sequence[str]) -> DangerLabels:
        """Return which labels are dangers. categories: the emergencies."""
        return danger_labels(self.labels, categories)

    def members(self) -> Floats:
        """Return a matrix of labels by categories, 1 where the label belongs to the category."""
        return membership(self.labels)


def membership(labels: Sequence[Label]) -> Floats:
    """See `Model.members`."""
    categories = categories_of(labels)
    rows = [[float(label.category == name) for name in categories] for label in labels]
    return np.array(rows, np.float32).reshape(len(labels), len(categories))


def categories_of(labels: Sequence[Label]) -> tuple[str, ...]:
    """See `Model.categories`."""
    return tuple(dict.fromkeys(label.category for label in labels if label.category))


def answering(labels: Sequence[Label]) -> Flags:
    """See `Model.answering`."""
    return np.array([label != LOOKALIKE for label in labels], np.bool_)


def danger_labels(labels: Sequence[Label], categories: Sequence[str]) -> DangerLabels:
    """See `Model.danger_labels`."""
    dangers = np.array([at for at, label in enumerate(labels) if label.category in categories], np.int64)
    return DangerLabels(dangers, labels.index(LOOKALIKE) if LOOKALIKE in labels else -1)


def version_of(rows: Sequence[tuple[str, str, str]], *, encoder: str | None) -> str:
    """Return 12 hex digits that are equal for equal examples, encoder, format and way of training."""
    content = json.dumps([FORMAT, _TRAINING, encoder, sorted(rows)], ensure_ascii=False)
    return hashlib.blake2b(content.encode(), digest_size=6).hexdigest()
