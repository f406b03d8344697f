"""Classify texts: keyword rules first, then the trained model if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol, Self

from router.classify.boilerplate import without_boilerplate
from router.classify.keywords import KeywordRules, compile_rules
from router.danger.verdict import NO_DANGER, DangerOutcome, DangerVerdict
from router.danger.words import WordDetector, build_word_detector
from router.masking.mask import mask
from router.reason import Reason
from router.remarks.recognise_remark import remark_of
from router.remarks.remark_kind import RemarkKind
from router.settings.model import CategorySettings, Settings
from router.text.facts import Fact, find_facts
from router.text.language import detect
from router.text.plain import fold

if TYPE_CHECKING:
    # A desk without a model must not spend time on loading numpy and the encoder.
    from router.classify.encoder import Encoder
    from router.classify.model import Model
    from router.classify.prediction import GramBatch, Prediction, Predictor
    from router.danger.detector import ModelDetector

RULES_ONLY: Final = "rules"
# A keyword match is certain, but its meaning is not.
_CERTAIN: Final = 0.9
# The confidence of a match in one category only, if the model is unsure.
_RULED: Final = 0.6

Hits = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Classification:
    """The category of a text, and the evidence. No field repeats a secret.

    category: None if nothing was recognised, or the confidence is too low.  confidence: 0 to 1, of the most probable
    category.  runner_up: the second most probable; the most probable itself if we abstained.  abstained: a person has
    to decide.  emergency: the message must not wait for business hours.
    evidence: the words that decided about the category.
    model: its version.  facts: found in the text.  missing_facts: kinds that the category requires and the text lacks.
    intent: the sub-intent, if the model knows one.
    possible_danger: no emergency, but an agent should look at it first.  danger: its probability, 0 to 1.
    danger_threshold: from which probability this text would have been an emergency.
    danger_evidence: which words or known examples speak for danger; an emergency has some.
    urgent_if_closed: it is an emergency if its channel is closed.
    remark: what it is for; of all but `content` no model judges.
    """

    category: str | None
    confidence: float
    runner_up: str | None
    abstained: bool
    emergency: bool
    evidence: tuple[str, ...]
    model: str
    language: str
    facts: tuple[Fact, ...]
    missing_facts: tuple[str, ...]
    intent: str | None = None
    possible_danger: bool = False
    danger: float = 0.0
    danger_threshold: float = 1.0
    danger_evidence: tuple[Reason, ...] = ()
    urgent_if_closed: bool = False
    remark: RemarkKind = RemarkKind.CONTENT

    def without_matter(self, remark: RemarkKind, *, category: str | None = None, words: Sequence[str] = ()) -> Self:
        """Return the answer for words that say nothing of a matter: what a model makes of them is chance.

        category, words: what the operator's keywords name all the same.
        """
        return replace(
            self,
            remark=remark,
            category=category,
            confidence=_RULED if category else 0.0,
            runner_up=self.runner_up if category else self.category or self.runner_up,
            abstained=category is None,
            emergency=False,
            evidence=tuple(words),
            missing_facts=(),
            intent=None,
            possible_danger=False,
            danger=0.0,
            danger_evidence=(),
            urgent_if_closed=False,
        )


class Classifies(Protocol):
    """Classifies batches of texts: a `Classifier`, or an object that holds one and replaces it."""

    def classify_batch(self, texts: Sequence[str], *, masked: Sequence[str] | None = None) -> list[Classification]:
        """See `Classifier`."""
        ...


@dataclass(frozen=True, slots=True)
class Classifier:
    """Classifies batches of texts; build with `build_classifier`.

    words: judges danger by words; None for a desk without emergencies.
    trained: judges danger by words and the model; None if the model has no part about danger.
    """

    categories: Mapping[str, CategorySettings]
    rules: KeywordRules
    predictor: Predictor | None = None
    words: WordDetector | None = None
    trained: ModelDetector | None = None

    def classify_batch(self, texts: Sequence[str], *, masked: Sequence[str] | None = None) -> list[Classification]:
        """Classify texts (subject, line break, new words); the results are in the same order.

        masked: the same texts without their secrets, if the caller has masked them already.
        """
        # Facts are stored, evidence is shown and models train on masked texts: all of these use the masked texts.
        clean = [mask(text).text for text in texts] if masked is None else masked
        # The data of a form are facts, and no words of the customer.
        facts = [*map(find_facts, clean)]
        bare = [*map(without_boilerplate, clean)]
        # Mostly there is no secret, and both texts are the same.
        texts = [
            same if text == without_secrets else without_boilerplate(text)
            for text, without_secrets, same in zip(texts, clean, bare, strict=True)
        ]
        clean = bare
        batch = self.predictor.read(clean) if self.predictor else None
        verdicts = self._verdicts(clean, batch)
        hits = [self._hits(text, verdict) for text, verdict in zip(texts, verdicts, strict=True)]
        guesses = self._guesses(batch, hits)
        known = [_Known(*one) for one in zip(texts, facts, verdicts, strict=True)]
        answers = [self._answer(one, guess) for one, guess in zip(known, guesses, strict=True)]
        return [_without_chance(*each) for each in zip(answers, verdicts, hits, clean, strict=True)]

    def _hits(self, text: str, verdict: DangerVerdict) -> Hits:
        """Return the categories' keywords in a text; one of an emergency only where it is said of a danger."""
        hits = self.rules.find(fold(text))
        if verdict.by_keyword or not any(self.categories[name].emergency for name in hits):
            return hits
        return {name: words for name, words in hits.items() if not self.categories[name].emergency}

    def _verdicts(self, clean: Sequence[str], batch: GramBatch | None) -> list[DangerVerdict]:
        if self.trained and batch:
            return self.trained.detect(clean, batch.gram)
        return self.words.detect(clean) if self.words else [NO_DANGER] * len(clean)

    def _guesses(self, batch: GramBatch | None, hits: Sequence[Hits]) -> list[_Guess]:
        if self.predictor is None or batch is None:
            return [self._by_rules(found) for found in hits]
        predictions = self.predictor.predict_batch(batch, ruled=[_only(found) for found in hits])
        return [_by_model(*one) for one in zip(predictions, hits, strict=True)]

    def _by_rules(self, hits: Hits) -> _Guess:
        order = list(self.categories)
        ranked = sorted(hits, key=lambda name: (-_weight(hits[name]), order.index(name)))
        return _Guess(
            category=ranked[0] if ranked else None,
            confidence=_share(hits, ranked[0]) if ranked else 0.0,
            runner_up=ranked[1] if len(ranked) > 1 else None,
            words=tuple(word for name in ranked for word in hits[name]),
        )

    def _answer(self, known: _Known, guess: _Guess) -> Classification:
        verdict = known.verdict
        return Classification(
            category=guess.category,
            confidence=guess.confidence,
            runner_up=guess.runner_up,
            abstained=guess.category is None,
            emergency=verdict.outcome is DangerOutcome.EMERGENCY,
            evidence=guess.words,
            model=self.predictor.model.version if self.predictor else RULES_ONLY,
            language=detect(known.text),
            facts=known.facts,
            missing_facts=self._missing(guess.category, known.facts),
            intent=guess.intent,
            possible_danger=verdict.outcome is DangerOutcome.POSSIBLE,
            danger=round(verdict.probability, 4),
            danger_threshold=round(verdict.threshold, 4),
            danger_evidence=verdict.evidence,
            urgent_if_closed=verdict.at_closed_hours,
        )

    def _missing(self, category: str | None, facts: tuple[Fact, ...]) -> tuple[str, ...]:
        known = {fact.kind for fact in facts}
        needed = self.categories[category].facts if category else ()
        return tuple(kind for kind in needed if kind not in known)


@dataclass(frozen=True, slots=True)
class _Known:
    text: str
    facts: tuple[Fact, ...]
    verdict: DangerVerdict


@dataclass(frozen=True, slots=True)
class _Guess:
    category: str | None
    confidence: float
    runner_up: str | None
    words: tuple[str, ...]
    intent: str | None = None


def build_classifier(settings: Settings, *, model: Model | None = None, encoder: Encoder | None = None) -> Classifier:
    """Build the classifier that the operator's file describes.

    model: trained by `router.classify.trainer.train`; without one the keywords decide alone.
    encoder: from `router.classify.encoder.load_encoder`; without it the model uses n-grams alone.
    """
    rules = compile_rules({name: category.keywords for name, category in settings.categories.items()})
    words = build_word_detector(settings)
    if model is None:
        return Classifier(settings.categories, rules, words=words)
    from router.classify.encoder import RecentEncoder  # noqa: PLC0415
    from router.classify.prediction import Predictor  # noqa: PLC0415

    used = RecentEncoder(encoder) if encoder and encoder.name == model.encoder else None
    predictor = Predictor(model, encoder=used, known=frozenset(settings.categories))
    return Classifier(settings.categories, rules, predictor, words, _trained(settings, model, words, used))


def _trained(
    settings: Settings, model: Model, words: WordDetector | None, encoder: Encoder | None
) -> ModelDetector | None:
    """Return the detector of danger by the model; None if it learnt other emergencies than this desk has."""
    urgent = {name for name, category in settings.categories.items() if category.emergency}
    if words is None or model.danger is None or set(model.danger.categories) != urgent:
        return None
    from router.danger.detector import ModelDetector  # noqa: PLC0415

    return ModelDetector(words, model, encoder=encoder, bounds=settings.emergency)


def _without_chance(answer: Classification, verdict: DangerVerdict, hits: Hits, text: str) -> Classification:
    """Return the answer, for thanks, greetings and the like by keywords alone."""
    remark = remark_of(text)
    # A keyword of danger is the operator's own word.
    if remark is RemarkKind.CONTENT or verdict.by_keyword:
        return answer
    category = _only(hits)
    return answer.without_matter(remark, category=category, words=hits[category] if category else ())


def _only(hits: Hits) -> str | None:
    return next(iter(hits)) if len(hits) == 1 else None


def _by_model(prediction: Prediction, hits: Hits) -> _Guess:
    return _ruled(prediction, hits) if prediction.is_unsure else _predicted(prediction, hits)


def _predicted(prediction: Prediction, hits: Hits) -> _Guess:
    category, *others = prediction.categories
    words = dict.fromkeys((*hits.get(category, ()), *prediction.words))
    return _Guess(
        category, prediction.probabilities[0], others[0] if others else None, tuple(words), prediction.intent or None
    )


def _ruled(prediction: Prediction, hits: Hits) -> _Guess:
    """Return the keywords' answer if the model is unsure; no category if the keywords are unsure too."""
    if len(hits) == 1:
        (category, words), *_ = hits.items()
        others = [name for name in prediction.categories if name != category]
        return _Guess(category, _RULED, others[0] if others else None, tuple(words))
    words = tuple(word for found in hits.values() for word in found)
    return _Guess(None, prediction.probabilities[0], prediction.categories[0], words)


def _weight(words: Sequence[str]) -> int:
    # A longer keyword counts more; two count more than one.
    return sum(len(word.encode()) for word in words)


def _share(hits: Hits, category: str) -> float:
    return round(_CERTAIN * _weight(hits[category]) / sum(map(_weight, hits.values())), 3)
