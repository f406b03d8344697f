"""Train a model from examples: deterministic, in seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydantic import JsonValue

from router.classify.calibration import Calibration, Unseen, calibrate, expected_calibration_error
from router.classify.embedding_head import MeaningHead, fit_meaning_head
from router.classify.encoder import Encoder
from router.classify.features import Ints, grams
from router.classify.model import Label, Model, membership, version_of
from router.classify.ngram_head import Floats, GramHead, fit_gram_head, learn_vocabulary
from router.errors import ConfigError
from router.masking.mask import mask
from router.settings.intents import FEWEST_EXAMPLES, Intents
from router.settings.model import Settings

_FOLDS: Final = 4
# A sub-intent with few examples counts as if it had more, but no single example may dominate.
_WEIGHT_BOUNDS: Final = (0.5, 8.0)


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A text and its category, as a person named it. intent: the sub-intent, empty if none is named."""

    text: str
    category: str
    intent: str = ""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Examples in the form that the heads need. labels: indices into `names`.  vectors: None without an encoder."""

    texts: tuple[str, ...]
    labels: Ints
    names: tuple[Label, ...]
    vectors: Floats | None

    def take(self, chosen: Ints) -> _Rows:
        """Return some of the rows."""
        vectors = None if self.vectors is None else self.vectors[chosen]
        return _Rows(tuple(self.texts[row] for row in chosen), self.labels[chosen], self.names, vectors)


def examples_of(settings: Settings, intents: Intents | None = None) -> tuple[TrainingExample, ...]:
    """Return every example of the operator's files, including the names and titles of categories and sub-intents."""
    return tuple(one for name in settings.categories for one in _of_category(name, settings, intents or {}))


def _of_category(name: str, settings: Settings, intents: Intents) -> Iterator[TrainingExample]:
    category, known = settings.categories[name], intents.get(name, {})
    if category.examples or known:
        # A category with sub-intents needs no example of its own name: the sub-intents' names are better examples.
        titles = () if known else (_words_of(name), *category.title.values())
        yield from (TrainingExample(text, name) for text in (*titles, *category.examples))
    for intent, known_intent in known.items():
        yield from (
            TrainingExample(text, name, intent)
            for text in (_words_of(intent), *known_intent.title.values(), *known_intent.texts)
        )


def _words_of(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def train(examples: Sequence[TrainingExample], *, encoder: Encoder | None = None) -> Model:
    """Train a model; equal examples count once.

    encoder: without it the model uses n-grams alone.
    Secrets in the examples are masked first, so that no model holds one.
    Raises ConfigError if there are fewer than two categories, or one has fewer than `FEWEST_EXAMPLES`.
    """
    rows = _rows(examples, encoder=encoder)
    unseen = _unseen(rows)
    calibration = calibrate(unseen)
    gram_head, meaning_head = _fit(rows)
    kept = [(text, *_named(rows.names[label])) for text, label in zip(rows.texts, rows.labels, strict=True)]
    return Model(
        version=version_of(kept, encoder=encoder.name if encoder else None),
        labels=rows.names,
        gram_head=gram_head,
        meaning_head=meaning_head,
        encoder=encoder.name if encoder else None,
        calibration=calibration,
        report=_report(unseen, calibration, rows),
    )


def _named(label: Label) -> tuple[str, str]:
    return label.category, label.intent


def _rows(examples: Sequence[TrainingExample], *, encoder: Encoder | None) -> _Rows:
    unique = dict.fromkeys(
        (mask(one.text).text, Label(one.category, one.intent)) for one in examples if one.text.strip()
    )
    _refuse_too_few(Counter(label.category for _, label in unique))
    texts = tuple(text for text, _ in unique)
    names = tuple(dict.fromkeys(label for _, label in unique))
    numbers = {label: number for number, label in enumerate(names)}
    labels = np.array([numbers[label] for _, label in unique], np.int64)
    return _Rows(texts, labels, names, encoder.encode(texts) if encoder else None)


def _refuse_too_few(counts: Mapping[str, int]) -> None:
    if len(counts) < 2:
        raise ConfigError("Training needs examples of at least two categories.")
    few = [f"{name} ({count})" for name, count in counts.items() if count < FEWEST_EXAMPLES]
    if few:
        raise ConfigError(
            f"Training needs at least {FEWEST_EXAMPLES} examples of each category; too few of {', '.join(few)}."
        )


def _weights(labels: Ints, count: int) -> Floats:
    sizes = np.bincount(labels, minlength=count)
    raw = np.clip(sizes[sizes > 0].mean() / np.maximum(sizes, 1), *_WEIGHT_BOUNDS)[labels].astype(np.float32)
    weights: Floats = raw / raw.mean()
    return weights


def _fit(rows: _Rows) -> tuple[GramHead, MeaningHead | None]:
    count = len(rows.names)
    weights = _weights(rows.labels, count)
    found = grams(rows.texts)
    vocabulary = learn_vocabulary(found)
    matrix, _ = vocabulary.matrix(found)
    gram_head = fit_gram_head(vocabulary, matrix, labels=rows.labels, count=count, weights=weights)
    if rows.vectors is None:
        return gram_head, None
    return gram_head, fit_meaning_head(rows.vectors, labels=rows.labels, count=count, weights=weights)


def _unseen(rows: _Rows) -> Unseen:
    """Score every row by heads that trained on the other folds."""
    folds = _folds(rows.labels)
    gram = np.zeros((len(rows.texts), len(rows.names)), np.float32)
    meaning = None if rows.vectors is None else np.zeros_like(gram)
    for fold in range(_FOLDS):
        held = np.flatnonzero(folds == fold)
        gram_head, meaning_head = _fit(rows.take(np.flatnonzero(folds != fold)))
        matrix, _ = gram_head.vocabulary.matrix(grams([rows.texts[row] for row in held]))
        gram[held] = gram_head.scores(matrix)
        if meaning_head and meaning is not None and rows.vectors is not None:
            meaning[held] = meaning_head.scores(rows.vectors[held])
    members = membership(rows.names)
    return Unseen(gram, meaning, members.argmax(axis=1)[rows.labels], members)


def _folds(labels: Ints) -> Ints:
    """Return a fold for each row; each label's rows are spread evenly, in random order."""
    shuffle = np.random.default_rng(0)
    folds = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        rows = shuffle.permutation(np.flatnonzero(labels == label))
        folds[rows] = (np.arange(len(rows)) + label) % _FOLDS
    return folds


def _report(unseen: Unseen, calibration: Calibration, rows: _Rows) -> dict[str, JsonValue]:
    probabilities = unseen.answers(calibration)
    guesses = probabilities.argmax(axis=1)
    names = tuple(dict.fromkeys(label.category for label in rows.names))
    return {
        "examples": len(rows.texts),
        "labels": len(rows.names),
        "accuracy": round(float((guesses == unseen.truth).mean()), 4),
        "calibration_error": round(expected_calibration_error(probabilities, unseen.truth), 4),
        "categories": {name: _figures(at, probabilities, unseen.truth, names) for at, name in enumerate(names)},
    }


def _figures(category: int, probabilities: Floats, truth: Ints, names: Sequence[str]) -> dict[str, JsonValue]:
    """Return one category's measurements on held-out rows. confused_with: the wrong answers, most frequent first."""
    guesses = probabilities.argmax(axis=1)
    mine = truth == category
    right = int((guesses[mine] == category).sum())
    there, guessed = int(mine.sum()), int((guesses == category).sum())
    wrong = Counter(names[int(guess)] for guess in guesses[mine] if guess != category)
    return {
        "examples": there,
        "recall": round(right / there, 3) if there else None,
        "precision": round(right / guessed, 3) if guessed else None,
        "calibration_error": round(expected_calibration_error(probabilities[mine], truth[mine]), 3) if there else None,
        "confused_with": dict(wrong.most_common()),
    }
