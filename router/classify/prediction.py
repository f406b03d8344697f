"""Apply a model to a batch of texts: n-grams first, the encoder only for sentences where the n-grams are unsure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from router.classify.calibration import by_category
from router.classify.empty_words import names_nothing
from router.classify.encoder import Encoder, is_sentence
from router.classify.features import BUCKETS, Flags, Grams, Ints, grams
from router.classify.model import FOREIGN, Model
from router.classify.ngram_head import Floats, Matrix, log_softmax

# How many words are shown as evidence, and the shortest Latin word that is.
_SHOWN: Final = 3
_SHORTEST_WORD: Final = 3
# From this confidence on a keyword of the same category decides.
_AGREED: Final = 0.5


@dataclass(frozen=True, slots=True)
class Prediction:
    """The model's answer for one text.

    categories, probabilities: best first.  intent: the most probable sub-intent of the best category, or empty.
    words: the words of the text that support the best category.  is_unsure: a person should decide.
    """

    categories: tuple[str, ...]
    probabilities: tuple[float, ...]
    intent: str
    words: tuple[str, ...]
    is_unsure: bool


class Predictor:
    """Applies a model. An encoder other than the one of the training is ignored."""

    def __init__(self, model: Model, *, encoder: Encoder | None, known: frozenset[str]) -> None:
        """Prepare for a desk. known: its categories; the answers leave out the model's other categories."""
        self.model = model
        self._encoder = encoder if encoder and model.meaning_head and encoder.name == model.encoder else None
        listed = np.array([name in known for name in model.categories], np.float32)
        self._members: Floats = (model.members() * listed)[model.answering]
        self._categories = model.categories
        # A look-alike of a danger belongs to any category, so its label has no part in the answer.
        self._answering = model.answering
        self._numbered = np.flatnonzero(model.answering)
        self._foreign = np.array([model.labels[int(at)] == FOREIGN for at in self._numbered], np.bool_)

    def read(self, texts: Sequence[str]) -> GramBatch:
        """Hash a batch of texts and score its n-grams: what `predict_batch` and the danger detector begin with."""
        found = grams(texts)
        matrix, known = self.model.gram_head.vocabulary.matrix(found)
        return GramBatch(tuple(texts), found, matrix, known, self.model.gram_head.scores(matrix))

    def predict_batch(self, batch: GramBatch, *, ruled: Sequence[str | None] = ()) -> list[Prediction]:
        """Return one prediction per text.

        ruled: for each text the only category whose keywords it holds; if the n-grams agree, no encoder is needed.
        """
        texts = batch.texts
        if not texts:
            return []
        readable = _readable(batch.found)
        # Any text holds known pieces of words; a text without a known word is unfamiliar.
        strange = np.bincount(batch.found.rows[batch.known][readable[batch.known]], minlength=len(texts)) == 0
        doubts = _Doubts(strange, self._numbers(ruled or [None] * len(texts)))
        scores, unfamiliar, alone = self._scores(batch, doubts=doubts)
        labels = np.exp(log_softmax(scores))
        lines = self.model.calibration
        chances = labels @ self._members
        # Calibration knows texts with a category only, and so lends a weak one the confidence of a right one.
        unfamiliar = unfamiliar | (labels[:, self._foreign].sum(axis=1) > chances.max(axis=1))
        unfamiliar |= np.fromiter(map(names_nothing, texts), np.bool_, len(texts))
        categories = np.where(alone[:, None], lines.alone.honest(chances), lines.both.honest(chances))
        answered = _Batch(batch.found, batch.matrix, batch.known, readable, labels, categories, unfamiliar, alone)
        return [self._prediction(answered, row) for row in range(len(texts))]

    def _numbers(self, ruled: Sequence[str | None]) -> Ints:
        """Return the index of each category, -1 for none."""
        numbers = {name: number for number, name in enumerate(self._categories)}
        return np.array([numbers.get(name or "", -1) for name in ruled], np.int64)

    def _scores(self, batch: GramBatch, *, doubts: _Doubts) -> tuple[Floats, Flags, Flags]:
        """Return the labels' scores, which texts resemble no example, and which the n-grams decided alone."""
        calibration, head = self.model.calibration, self.model.meaning_head
        texts, gram = batch.texts, batch.gram[:, self._answering]
        scores = calibration.first(gram)
        if head is None or self._encoder is None:
            return scores, doubts.strange, np.ones(len(texts), np.bool_)
        unfamiliar = doubts.strange.copy()
        doubtful = doubts.remain(by_category(scores, self._members), calibration.certain)
        sentences = np.fromiter(map(is_sentence, texts), np.bool_, len(texts))
        unsure = np.flatnonzero(doubtful & sentences)
        if len(unsure):
            meaning = head.scores(self._encoder.encode([texts[int(row)] for row in unsure]))[:, self._answering]
            scores[unsure] = calibration.second(gram[unsure], meaning)
            unfamiliar[unsure] = meaning.max(axis=1) < calibration.unfamiliar_below
        return scores, unfamiliar, doubtful & ~sentences

    def _prediction(self, batch: _Batch, row: int) -> Prediction:
        chances = batch.categories[row]
        order = np.argsort(-chances, kind="stable")
        best = int(order[0])
        label = int(self._numbered[(batch.labels[row] * self._members[:, best]).argmax()])
        likely = [int(at) for at in order if chances[at] > 0]
        lines = self.model.calibration.alone if batch.alone[row] else self.model.calibration.both
        return Prediction(
            categories=tuple(self._categories[at] for at in likely),
            probabilities=tuple(round(float(chances[at]), 4) for at in likely),
            intent=self.model.labels[label].intent,
            words=self._words(batch, row, label=label),
            is_unsure=bool(batch.unfamiliar[row]) or float(chances[best]) < lines.abstain_below,
        )

    def _words(self, batch: _Batch, row: int, *, label: int) -> tuple[str, ...]:
        """Return the whole words, and runs of Chinese characters, with the largest weights for a label."""
        entries = np.arange(batch.matrix.starts[row], batch.matrix.starts[row + 1])
        entries = entries[batch.readable[batch.known[entries]]]
        spoke = batch.matrix.values[entries] * self.model.gram_head.of_label(label, at=batch.matrix.columns[entries])
        heavy = [int(at) for at in np.argsort(-spoke, kind="stable")[: 4 * _SHOWN] if spoke[at] > 0]
        spans = _joined([batch.found.span(int(batch.known[entries[at]])) for at in heavy])
        words: dict[str, None] = {}
        for first, end in spans:
            word = batch.found.text[first:end]
            # Every digit is a 0 there, so a number is no word of the message.
            if "0" not in word and not any(word in other for other in words):
                words[word] = None
        return tuple(words)[:_SHOWN]


@dataclass(frozen=True, slots=True)
class GramBatch:
    """A batch of texts with its n-grams. known: of the n-grams, those of the matrix.  gram: a row of scores a text."""

    texts: tuple[str, ...]
    found: Grams
    matrix: Matrix
    known: Ints
    gram: Floats


@dataclass(frozen=True, slots=True)
class _Doubts:
    """strange: texts without a known word.  ruled: the category that a text's keywords name, or -1."""

    strange: Flags
    ruled: Ints

    def remain(self, chances: Floats, certain: float) -> Flags:
        """Return which texts need the encoder."""
        agreed = (chances.argmax(axis=1) == self.ruled) & (chances.max(axis=1) >= _AGREED)
        doubtful: Flags = ~agreed & ((chances.max(axis=1) < certain) | self.strange)
        return doubtful


@dataclass(frozen=True, slots=True)
class _Batch:
    found: Grams
    matrix: Matrix
    known: Ints
    readable: Flags
    labels: Floats
    categories: Floats
    unfamiliar: Flags
    alone: Flags


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in the same order, those that overlap as one: "退款", "款没" and "没到" are "退款没到"."""
    found: list[tuple[int, int]] = []
    for span in spans:
        near = [each for each in found if each[0] < span[1] and span[0] < each[1]]
        whole = min([span[0], *(each[0] for each in near)]), max([span[1], *(each[1] for each in near)])
        place = found.index(near[0]) if near else len(found)
        found = [each for each in found if each not in near]
        found.insert(place, whole)
    return found


def _readable(found: Grams) -> Flags:
    """Return which n-grams a reader sees as words: whole Latin words, and Chinese runs of two or more."""
    whole = (found.buckets >= BUCKETS // 2) & (found.sizes >= _SHORTEST_WORD)
    codes = np.frombuffer(found.text.encode("utf-32-le"), np.uint32)
    shown: Flags = whole | ((codes[found.places] >= 0x3400) & (found.sizes > 1))
    return shown
