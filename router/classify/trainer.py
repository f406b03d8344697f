"""Train a model from examples: deterministic, in seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from pydantic import JsonValue

from router.classify.calibration import Calibration, Unseen, calibrate, expected_calibration_error
from router.classify.embedding_head import MeaningHead, centre_rows, fit_meaning_head
from router.classify.encoder import Encoder, RecentEncoder
from router.classify.features import Ints, grams
from router.classify.model import Label, Model, answering, categories_of, danger_labels, membership, version_of
from router.classify.ngram_head import Floats, GramHead, fit_gram_head, learn_vocabulary
from router.danger.figures import danger_report
from router.danger.heads import fit_groups
from router.danger.lesson import DangerLesson
from router.danger.model import DangerModel
from router.danger.trainer import UnseenDanger, calibrate_danger
from router.danger.words import WordDetector
from router.errors import ConfigError
from router.masking.mask import mask
from router.settings.intents import FEWEST_EXAMPLES, Intents, Negatives
from router.settings.model import Settings

_FOLDS: Final = 4
# A sub-intent with few examples counts as if it had more, but no single example may dominate.
_WEIGHT_BOUNDS: Final = (0.5, 8.0)


@dataclass(frozen=True, slots=True)
class TrainingExample:
    """A text and its category, as a person named it.

    category: empty for texts of no category (`router.classify.model.LOOKALIKE`, `FOREIGN`).
    intent: the sub-intent, empty if none is named.  hand: who wrote it; empty for texts that are spread over the folds.
    """

    text: str
    category: str
    intent: str = ""
    hand: str = ""


@dataclass(frozen=True, slots=True)
class DangerTask:
    """What training needs to know for danger. words: the desk's.  categories: the emergencies."""

    words: WordDetector
    categories: tuple[str, ...]
    per_thousand: float


@dataclass(frozen=True, slots=True)
class _Rows:
    """Examples in the form that the heads need. labels: indices into `names`.  vectors: None without an encoder."""

    texts: tuple[str, ...]
    labels: Ints
    names: tuple[Label, ...]
    hands: tuple[str, ...]
    vectors: Floats | None

    def take(self, chosen: Ints) -> _Rows:
        """Return some of the rows."""
        vectors = None if self.vectors is None else self.vectors[chosen]
        texts, hands = ([each[row] for row in chosen] for each in (self.texts, self.hands))
        return _Rows(tuple(texts), self.labels[chosen], self.names, tuple(hands), vectors)


def examples_of(
    settings: Settings, intents: Intents | None = None, negatives: Negatives | None = None
) -> tuple[TrainingExample, ...]:
    """Return every example of the operator's files, including the names and titles of categories and sub-intents.

    negatives: texts of no category; they follow the others.
    """
    examples = (one for name in settings.categories for one in _of_category(name, settings, intents or {}))
    others = ((kind, *one) for kind, texts in (negatives or {}).items() for one in texts)
    return (*examples, *(TrainingExample(text, "", kind, hand) for kind, hand, text in others))


def _of_category(name: str, settings: Settings, intents: Intents) -> Iterator[TrainingExample]:
    category, known = settings.categories[name], intents.get(name, {})
    if category.examples or known:
        # A category with sub-intents needs no example of its own name: the sub-intents' names are better examples.
        titles = () if known else (_words_of(name), *category.title.values())
        yield from (TrainingExample(text, name) for text in (*titles, *category.examples))
    for intent, known_intent in known.items():
        yield from (
            TrainingExample(text, name, intent, hand)
            for hand, text in (
                *(("", title) for title in (_words_of(intent), *known_intent.title.values())),
                *known_intent.by_hand,
            )
        )


def _words_of(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def train(
    examples: Sequence[TrainingExample], *, encoder: Encoder | None = None, danger: DangerTask | None = None
) -> Model:
    """Train a model; equal examples count once.

    encoder: without it the model uses n-grams alone.  danger: without it the model judges no danger.
    Secrets in the examples are masked first, so that no model holds one.
    Raises ConfigError if there are fewer than two categories, or one has fewer than `FEWEST_EXAMPLES`.
    """
    # A text is encoded once, although it is also its own first passage.
    encoder = RecentEncoder(encoder) if encoder else None
    rows = _rows(examples, encoder=encoder)
    lesson = DangerLesson.of(rows.texts, danger.words, encoder=encoder) if danger else None
    scored = _scored(rows, lesson, danger)
    unseen = _business(scored, rows)
    calibration = calibrate(unseen)
    gram_head, meaning_head = _fit(rows)
    kept = [(text, *_named(rows.names[label])) for text, label in zip(rows.texts, rows.labels, strict=True)]
    model = Model(
        version=version_of(kept, encoder=encoder.name if encoder else None),
        labels=rows.names,
        gram_head=gram_head,
        meaning_head=meaning_head,
        encoder=encoder.name if encoder else None,
        calibration=calibration,
        report=_report(unseen, calibration, rows),
    )
    if not (lesson and danger and scored.danger):
        return model
    part = _danger_part(rows, lesson.whole, scored.danger, categories=danger.categories)
    figures = danger_report(scored.danger, part.calibration, rows.texts, per_thousand=danger.per_thousand)
    return replace(model, danger=part, report={**model.report, "danger": figures})


def _danger_part(
    rows: _Rows, groups: Sequence[frozenset[str]], unseen: UnseenDanger, *, categories: tuple[str, ...]
) -> DangerModel:
    """Learn the part about danger. groups: that meet in each text."""
    centres = centre_rows(len(rows.texts))
    known = np.flatnonzero(unseen.danger[centres])
    return DangerModel(
        categories=categories,
        groups=fit_groups(groups, danger=unseen.danger.astype(np.int64), lookalike=unseen.lookalike.astype(np.int64)),
        calibration=calibrate_danger(unseen),
        examples=tuple(rows.texts[row] for row in centres[known]) if rows.vectors is not None else (),
        centres=known,
    )


def _named(label: Label) -> tuple[str, str]:
    return label.category, label.intent


def _rows(examples: Sequence[TrainingExample], *, encoder: Encoder | None) -> _Rows:
    unique: dict[tuple[str, Label], str] = {}
    for one in examples:
        if one.text.strip():
            unique.setdefault((mask(one.text).text, Label(one.category, one.intent)), one.hand)
    _refuse_too_few(Counter(label.category for _, label in unique if label.category))
    texts = tuple(text for text, _ in unique)
    names = tuple(dict.fromkeys(label for _, label in unique))
    numbers = {label: number for number, label in enumerate(names)}
    labels = np.array([numbers[label] for _, label in unique], np.int64)
    return _Rows(texts, labels, names, tuple(unique.values()), encoder.encode(texts) if encoder else None)


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


@dataclass(frozen=True, slots=True)
class _Scored:
    """Every row by heads that trained on the other folds: scores by label. danger: what the danger part learns from."""

    gram: Floats
    meaning: Floats | None
    danger: UnseenDanger | None


def _scored(rows: _Rows, lesson: DangerLesson | None, task: DangerTask | None) -> _Scored:
    folds = _folds(rows)
    gram = np.zeros((len(rows.texts), len(rows.names)), np.float32)
    meaning = None if rows.vectors is None else np.zeros_like(gram)
    crossed = lesson.begin(danger_labels(rows.names, task.categories), rows.labels, folds) if lesson and task else None
    for fold in np.unique(folds):
        held = np.flatnonzero(folds == fold)
        gram_head, meaning_head = _fit(rows.take(np.flatnonzero(folds != fold)))
        matrix, _ = gram_head.vocabulary.matrix(grams([rows.texts[row] for row in held]))
        gram[held] = gram_head.scores(matrix)
        if meaning_head and meaning is not None and rows.vectors is not None:
            meaning[held] = meaning_head.scores(rows.vectors[held])
        if crossed:
            crossed.add(held, gram_head, meaning_head)
    return _Scored(gram, meaning, crossed.unseen() if crossed and crossed.has_dangers else None)


def _business(scored: _Scored, rows: _Rows) -> Unseen:
    """Return the scores that the categories are calibrated on: those of texts with a category."""
    members, shown = membership(rows.names), answering(rows.names)
    inside = np.flatnonzero(members.sum(axis=1)[rows.labels])
    meaning = None if scored.meaning is None else scored.meaning[inside][:, shown]
    truth = members.argmax(axis=1)[rows.labels[inside]]
    return Unseen(scored.gram[inside][:, shown], meaning, truth, members[shown])


def _folds(rows: _Rows) -> Ints:
    """Return a fold for each row: one a hand, so that reports speak of texts by others; else each label evenly."""
    hands = sorted({hand for hand in rows.hands if hand})
    count = min(max(len(hands), 1), _FOLDS) if len(hands) > 1 else _FOLDS
    shuffle = np.random.default_rng(0)
    folds = np.zeros(len(rows.labels), np.int64)
    for label in np.unique(rows.labels):
        chosen = shuffle.permutation(np.flatnonzero(rows.labels == label))
        folds[chosen] = (np.arange(len(chosen)) + label) % count
    for row, hand in enumerate(rows.hands):
        if hand and len(hands) > 1:
            folds[row] = hands.index(hand) % count
    return folds


def _report(unseen: Unseen, calibration: Calibration, rows: _Rows) -> dict[str, JsonValue]:
    probabilities = unseen.answers(calibration)
    guesses = probabilities.argmax(axis=1)
    names = categories_of(rows.names)
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
