"""Measure the classifier on other people's labelled sentences, by the operator's own path: TOML, train, classify."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np

from benchmarks.understanding.foreign_intents import BANKING77, DANGERS
from router.classify import Classification, Classifier, build_classifier
from router.classify.calibration import expected_calibration_error
from router.classify.encoder import Encoder
from router.classify.features import grams
from router.classify.ngram_head import Floats, learn_vocabulary
from router.classify.trainer import examples_of, train
from router.settings import Settings, load_settings, read_settings
from router.settings.intents import load_intents

Result = dict[str, object]
_BATCH = 50
_SHIPPED = Path(__file__).parents[2] / "config" / "channels.toml"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and its label in the corpus."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """An encoder that caches every sentence of a corpus, so that the folds need not encode again."""

    name: str
    vectors: Mapping[str, Floats]
    encoder: Encoder

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        fresh = [text for text in texts if text not in self.vectors]
        known = (
            dict(self.vectors) | dict(zip(fresh, self.encoder.encode(fresh), strict=True)) if fresh else self.vectors
        )
        return np.stack([known[text] for text in texts])


def remember(encoder: Encoder | None, texts: Sequence[str]) -> Encoder | None:
    """Encode all the texts of a corpus."""
    if encoder is None:
        return None
    unique = list(dict.fromkeys(texts))
    return Remembered(encoder.name, dict(zip(unique, encoder.encode(unique), strict=True)), encoder)


def read_corpus(path: Path) -> list[Sentence]:
    """Read a corpus of one JSON object per line."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Sentence(row["text"], re.sub(r"[^\w-]", "", row["label"])) for row in rows]


def banking77(sentences: Sequence[Sentence], *, encoder: Encoder | None, folds: Sequence[int]) -> Result:
    """Train on nine tenths, classify the remaining tenth, for each of the folds named (0 to 9)."""
    known = remember(encoder, [one.text for one in sentences])
    runs = [_banking_fold(sentences, known, fold) for fold in folds]
    return {"folds": len(runs), **{key: round(median(run[key] for run in runs), 4) for key in runs[0]}}


def _banking_fold(sentences: Sequence[Sentence], encoder: Encoder | None, fold: int) -> dict[str, float]:
    mine = _tenths(sentences)
    held = [one for one, tenth in zip(sentences, mine, strict=True) if tenth == fold]
    kept = [one for one, tenth in zip(sentences, mine, strict=True) if tenth != fold]
    return _figures(kept, held, encoder)


def few_shot(sentences: Sequence[Sentence], *, encoder: Encoder | None, draws: int, shots: int = 10) -> Result:
    """Train on a few sentences per label, classify 4,000 others; over several draws."""
    known = remember(encoder, [one.text for one in sentences])
    runs = []
    for draw in range(draws):
        order = random.Random(draw).sample(list(sentences), len(sentences))
        kept = [one for label in {s.label for s in order} for one in [s for s in order if s.label == label][:shots]]
        chosen = {one.text for one in kept}
        held = [one for one in order if one.text not in chosen][:4_000]
        runs.append(_figures(sorted(kept, key=lambda one: (one.label, one.text)), held, known))
    return {"draws": draws, "shots": shots, **{key: round(mean(run[key] for run in runs), 4) for key in runs[0]}}


def _figures(kept: Sequence[Sentence], held: Sequence[Sentence], encoder: Encoder | None) -> dict[str, float]:
    settings = settings_of(kept)
    model = train(examples_of(settings), encoder=encoder)
    truth = [one.label for one in held]
    figures = {"baseline_centroid_ngrams": _centroid(kept, held)}
    for name, used in (("without_encoder", None), ("with_encoder", encoder)):
        if name == "with_encoder" and encoder is None:
            continue
        classifier = build_classifier(settings, model=model, encoder=used)
        guesses = _probable(classifier, [one.text for one in held])
        right = [guess == label for (guess, _), label in zip(guesses, truth, strict=True)]
        figures[name] = mean(right)
        figures[f"ece_{name}"] = _ece([confidence for _, confidence in guesses], right)
    return figures


def clinc150(inside: Sequence[Sentence], outside: Sequence[Sentence], *, encoder: Encoder | None) -> Result:
    """Cross-validate in five folds; every fold's classifier gets the out-of-scope sentences.

    as_shipped: with the thresholds that training chose.  at_92: with the confidence that leaves 92 % of all in-scope
    sentences correctly answered.
    """
    known = remember(encoder, [one.text for one in (*inside, *outside)])
    order = random.Random(0).sample(list(inside), len(inside))
    right, answered, confidence, strangers, refused = [], [], [], [], []
    for fold in range(5):
        held, kept = order[fold::5], [one for at, one in enumerate(order) if at % 5 != fold]
        settings = settings_of(kept)
        classifier = build_classifier(settings, model=train(examples_of(settings), encoder=known), encoder=known)
        for answer, one in zip(_classified(classifier, [one.text for one in held]), held, strict=True):
            right.append((answer.category or answer.runner_up) == one.label)
            answered.append(not answer.abstained)
            confidence.append(answer.confidence)
        there = _classified(classifier, [one.text for one in outside])
        strangers += [answer.confidence for answer in there]
        refused += [answer.abstained for answer in there]
    sure = sorted((c for c, ok in zip(confidence, right, strict=True) if ok), reverse=True)
    line = sure[min(len(sure), round(0.92 * len(right))) - 1]
    return {
        "in_scope_accuracy": round(mean(right), 4),
        "as_shipped": {
            "in_scope_rightly_answered": round(mean(a and r for a, r in zip(answered, right, strict=True)), 4),
            "of_right_ones_stay": round(mean(a for a, r in zip(answered, right, strict=True) if r), 4),
            "out_of_scope_recall": round(mean(refused), 4),
        },
        "at_92_out_of_scope_recall": round(mean(c < line for c in strangers), 4)
        if len(sure) >= 0.92 * len(right)
        else None,
    }


def wallet(sentences: Sequence[Sentence], *, encoder: Encoder | None) -> Result:
    """Classify with the shipped desk sentences that its author did not write: BANKING77, its labels as categories."""
    settings = load_settings(_SHIPPED)
    model = train(examples_of(settings, load_intents(_SHIPPED, settings)), encoder=encoder)
    asked = [one for one in sentences if one.label in BANKING77]
    known = remember(encoder, [one.text for one in asked])
    ways: dict[str, Classifier] = {
        "baseline_keywords": build_classifier(settings),
        "without_encoder": build_classifier(settings, model=model),
    }
    if encoder:
        ways["with_encoder"] = build_classifier(settings, model=model, encoder=known)
    return {
        "sentences": len(asked),
        "held_back_of_our_own": {
            key: model.report[key] for key in ("accuracy", "calibration_error", "examples", "labels")
        },
        **{name: _wallet_figures(classifier, asked) for name, classifier in ways.items()},
    }


def _wallet_figures(classifier: Classifier, asked: Sequence[Sentence]) -> Result:
    answers = _classified(classifier, [one.text for one in asked])
    truth = [BANKING77[one.label] for one in asked]
    dangers = [one.label in DANGERS for one in asked]
    called = [answer.emergency for answer in answers]
    answered = [(answer, name) for answer, name in zip(answers, truth, strict=True) if not answer.abstained]
    return {
        "accuracy_of_best_guess": round(
            mean((a.category or a.runner_up) == t for a, t in zip(answers, truth, strict=True)), 4
        ),
        "answered": round(len(answered) / len(answers), 4),
        "accuracy_of_answered": round(mean(answer.category == name for answer, name in answered), 4),
        "emergency_recall": round(mean(call for call, danger in zip(called, dangers, strict=True) if danger), 4),
        "emergency_precision": round(mean(danger for call, danger in zip(called, dangers, strict=True) if call), 4),
        "false_page_rate": round(mean(call for call, danger in zip(called, dangers, strict=True) if not danger), 4),
        "categories": {
            name: round(
                mean((a.category or a.runner_up) == t for a, t in zip(answers, truth, strict=True) if t == name), 4
            )
            for name in sorted(set(truth))
        },
    }


def settings_of(sentences: Sequence[Sentence]) -> Settings:
    """Write a desk whose categories are the labels, and read it like an operator's file."""
    by_label: dict[str, list[str]] = {}
    for one in sentences:
        by_label.setdefault(one.label, []).append(one.text)
    tables = [
        f"[categories.{json.dumps(label)}]\nexamples = {json.dumps(texts, ensure_ascii=False)}"
        for label, texts in by_label.items()
    ]
    return read_settings("\n".join([*tables, '[[routes]]\nname = "all"\nteam = "desk"']))


def _tenths(sentences: Sequence[Sentence]) -> list[int]:
    shuffle = random.Random(0)
    return [shuffle.randrange(10) for _ in sentences]


def _classified(classifier: Classifier, texts: Sequence[str]) -> list[Classification]:
    batches = [texts[first : first + _BATCH] for first in range(0, len(texts), _BATCH)]
    return [answer for batch in batches for answer in classifier.classify_batch(batch)]


def _probable(classifier: Classifier, texts: Sequence[str]) -> list[tuple[str | None, float]]:
    """Return the best guess, even where the classifier abstains."""
    return [(one.category or one.runner_up, one.confidence) for one in _classified(classifier, texts)]


def _ece(confidence: Sequence[float], right: Sequence[bool]) -> float:
    probabilities = np.array([[value, 0.0] for value in confidence], np.float32)
    return expected_calibration_error(probabilities, np.array([0 if ok else 1 for ok in right]))


def _centroid(kept: Sequence[Sentence], held: Sequence[Sentence]) -> float:
    """Classify by the nearest mean of n-grams: a simple baseline."""
    found = grams([one.text for one in kept])
    vocabulary = learn_vocabulary(found)
    labels = sorted({one.label for one in kept})
    matrix, _ = vocabulary.matrix(found)
    rows = np.repeat(np.array([labels.index(one.label) for one in kept]), np.diff(matrix.starts))
    means = np.zeros((len(vocabulary.buckets), len(labels)), np.float32)
    np.add.at(means, (matrix.columns, rows), matrix.values)
    means /= np.linalg.norm(means, axis=0)
    asked, _ = vocabulary.matrix(grams([one.text for one in held]))
    right = 0
    for row, one in enumerate(held):
        entries = slice(asked.starts[row], asked.starts[row + 1])
        scores = asked.values[entries] @ means[asked.columns[entries]]
        right += labels[int(scores.argmax())] == one.label
    return right / len(held)
