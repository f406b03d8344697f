"""Danger by words and a trained model: pairs and n-grams first, the encoder where they leave it undecided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from router.classify.embedding_head import apart
from router.classify.encoder import Encoder
from router.classify.features import Flags, grams
from router.classify.model import Model
from router.classify.ngram_head import Floats, Matrix
from router.danger.calibration import DangerBound, DangerScores, DangerThresholds
from router.danger.heads import KnownColumns, read_text
from router.danger.passages import UNREAD, Passages, PassageScores
from router.danger.verdict import DangerOutcome, DangerVerdict, words_of_pairs
from router.danger.words import WordDetector
from router.reason import Reason, ReasonKey
from router.settings.danger_words import KEYWORDS
from router.settings.model import EmergencySettings

# Passages of one text that the encoder reads: its beginning, and the one that the other heads suspect most. Four found
# the same dangers at twice the time.
_READ: Final = 2
_NEAREST: Final = 2
# A known danger at a smaller likeness is no evidence.
_LEAST_LIKENESS: Final = 0.35


class ModelDetector:
    """Applies a desk's words and a model's part about danger; `Classifier` gives it the n-grams' scores."""

    def __init__(
        self, words: WordDetector, model: Model, *, encoder: Encoder | None, bounds: EmergencySettings
    ) -> None:
        """Prepare. model: with a part about danger.  encoder: the one of the model's training, or None."""
        danger = model.danger
        if danger is None:
            raise ValueError("the model has no part about danger")
        self._pairs, self._model, self._danger = words.pairs, model, danger
        self._encoder = encoder if model.meaning_head is not None else None
        self._labels = model.danger_labels(danger.categories)
        self._columns = KnownColumns(danger.groups.columns, words.pairs.patterns.bits)
        self._softeners = frozenset(words.pairs.softening.unless)
        self._day = danger.calibration.bound(bounds.false_pages_per_thousand)
        self._closed = danger.calibration.bound(bounds.closed_false_pages_per_thousand)

    def detect(self, texts: Sequence[str], gram: Floats) -> list[DangerVerdict]:
        """Return a verdict for each text. gram: the texts' scores by the model's n-grams, a row a text."""
        if not texts:
            return []
        passages = Passages.of([read_text(text, self._pairs) for text in texts])
        met = self._columns.matrix(passages.groups)
        scores = self._first(passages, gram, met=met)
        each = passages.per_text(scores, self._softeners)
        chances = self._danger.calibration.before(each)
        asked = self._asks(chances, each)
        vectors: dict[int, Floats] = {}
        if self._encoder is not None and asked.any():
            chosen = [at for row in np.flatnonzero(asked) for at in passages.suspects(int(row), scores, count=_READ)]
            scores, vectors = self._second(passages, scores, chosen=chosen, encoder=self._encoder)
            each = passages.per_text(scores, self._softeners)
            chances = np.where(asked, self._danger.calibration.after(each), chances)
        day, closed = (self._paged(each, chances, asked, bound=bound) for bound in (self._day, self._closed))
        batch = _Judged(passages, met, scores, chances.tolist(), vectors, day, closed[0])
        return [self._verdict(batch, row) for row in range(len(texts))]

    def _first(self, passages: Passages, gram: Floats, *, met: Matrix) -> PassageScores:
        """Return the scores without the encoder; n-grams of whole texts are known, those of passages are not."""
        flat = np.zeros((int(passages.starts[-1]), gram.shape[1]), np.float32)
        whole = np.zeros(len(flat), np.bool_)
        whole[passages.starts[:-1]] = True
        flat[whole] = gram
        texts = passages.texts
        others = [texts[at] for at in np.flatnonzero(~whole)]
        if others:
            head = self._model.gram_head
            flat[~whole] = head.scores(head.vocabulary.matrix(grams(others))[0])
        danger, look = self._labels.odds(flat)
        unread = np.full(len(flat), UNREAD, np.float32)
        groups = self._danger.groups.scores(met)
        return PassageScores(danger, look, groups, unread, np.zeros(len(flat), np.float32))

    def _asks(self, chances: Floats, scores: DangerScores) -> Flags:
        """Return which texts the encoder is asked about: neither surely none nor an emergency by their words."""
        if self._encoder is None:
            return np.zeros(len(chances), np.bool_)
        settled = scores.has_pair & (chances >= self._day.sure_above)
        return np.asarray((chances >= self._danger.calibration.ask_above) & ~settled)

    def _second(
        self, passages: Passages, scores: PassageScores, *, chosen: Sequence[int], encoder: Encoder
    ) -> tuple[PassageScores, dict[int, Floats]]:
        """Let the encoder read some passages."""
        texts, head = passages.texts, self._model.meaning_head
        vectors = encoder.encode([texts[at] for at in chosen])
        meaning, alike = scores.meaning.copy(), scores.alike.copy()
        if head is not None:
            meaning[chosen], alike[chosen] = self._labels.likeness(head.scores(vectors))
        return replace(scores, meaning=meaning, alike=alike), dict(zip(chosen, vectors, strict=True))

    def _verdict(self, batch: _Judged, row: int) -> DangerVerdict:
        chance, read = batch.chances[row], batch.passages.read[row]
        named = any(one.pair == KEYWORDS and one.is_clear for one in read.pairs)
        calls, threshold = batch.day[0][row], batch.day[1][row]
        urgent = named or calls or batch.closed[row]
        # A hint of the operator's words is marked, whatever the heads say.
        hinted = any(one.strength == "hint" and not one.softened_by for one in read.pairs)
        marked = hinted or chance >= self._levels(self._day).possible
        # Without evidence no person is paged, and nothing is marked.
        evidence = self._evidence(batch, row) if urgent or marked else ()
        if not evidence:
            return DangerVerdict(DangerOutcome.NONE, chance, threshold)
        if named or calls:
            line = min(chance, threshold)
            return DangerVerdict(
                DangerOutcome.EMERGENCY, chance, line, evidence, at_closed_hours=True, by_keyword=named
            )
        outcome = DangerOutcome.POSSIBLE if marked else DangerOutcome.NONE
        return DangerVerdict(outcome, chance, threshold, evidence, at_closed_hours=urgent)

    def _levels(self, bound: DangerBound) -> DangerThresholds:
        return bound.alone if self._encoder is None else bound.both

    def _paged(
        self, scores: DangerScores, chances: Floats, asked: Flags, *, bound: DangerBound
    ) -> tuple[list[bool], list[float]]:
        """Return which texts are emergencies within a bound, and from which probability each would be."""
        line = self._levels(bound).line(scores)
        # The bound has more digits than a chance.
        settled = scores.has_pair & ~asked & (chances >= np.float64(bound.sure_above))
        return (settled | (chances >= line)).tolist(), np.minimum(line, 1.0).tolist()

    def _evidence(self, batch: _Judged, row: int) -> tuple[Reason, ...]:
        clear = [one for one in batch.passages.read[row].pairs if one.is_clear]
        if clear:
            return words_of_pairs(clear)
        at = batch.passages.loudest(row, batch.scores_of_passages)
        groups = self._danger.groups.strongest(batch.met.of_row(at), count=_NEAREST)
        met = (Reason(ReasonKey.DANGER_MEANINGS, {"groups": ", ".join(groups)}),) if groups else ()
        hints = [one for one in batch.passages.read[row].pairs if one.strength == "hint" and not one.softened_by]
        return (*words_of_pairs(hints), *self._nearest(batch.vectors.get(at)), *met)

    def _nearest(self, vector: Floats | None) -> tuple[Reason, ...]:
        head, danger = self._model.meaning_head, self._danger
        if vector is None or head is None or not danger.examples:
            return ()
        likeness = head.centres[danger.centres] @ apart(vector[None], head.middle)[0]
        best = [int(at) for at in np.argsort(-likeness)[:_NEAREST] if likeness[at] >= _LEAST_LIKENESS]
        return tuple(Reason(ReasonKey.DANGER_LIKE, {"text": danger.examples[at]}) for at in best)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A batch while it is judged. met: groups of each passage.  vectors: of the passages that the encoder read.

    chances, day, closed: a value a text; day has emergencies and thresholds, closed emergencies at closed hours.
    """

    passages: Passages
    met: Matrix
    scores_of_passages: PassageScores
    chances: Sequence[float]
    vectors: dict[int, Floats]
    day: tuple[Sequence[bool], Sequence[float]]
    closed: Sequence[bool]
