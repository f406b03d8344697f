"""Classify texts: keyword rules first, then the trained model if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from router.classify.keywords import KeywordRules, compile_rules, fold
from router.masking.mask import mask
from router.settings.model import CategorySettings, Settings
from router.text.facts import Fact, find_facts
from router.text.language import detect

if TYPE_CHECKING:
    # A desk without a model must not spend time on loading numpy and the encoder.
    from router.classify.encoder import Encoder
    from router.classify.model import Model
    from router.classify.prediction import Prediction, Predictor

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
    to decide.  emergency: the message must not wait for business hours.  evidence: the words that decided.
    model: its version.  facts: found in the text.  missing_facts: kinds that the category requires and the text lacks.
    intent: the sub-intent, if the model knows one.
    possible_danger: no emergency, but an agent should look at it first.  danger: its probability, 0 to 1.
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


class Classifies(Protocol):
    """Classifies pages of texts: a `Classifier`, or an object that holds one and replaces it."""

    def classify_page(self, texts: Sequence[str], *, masked: Sequence[str] | None = None) -> list[Classification]:
        """See `Classifier`."""
        ...


@dataclass(frozen=True, slots=True)
class Classifier:
    """Classifies pages of texts; build with `build_classifier`."""

    categories: Mapping[str, CategorySettings]
    rules: KeywordRules
    predictor: Predictor | None = None

    def classify_page(self, texts: Sequence[str], *, masked: Sequence[str] | None = None) -> list[Classification]:
        """Classify texts (subject, line break, new words); the results are in the same order.

        masked: the same texts without their secrets, if the caller has masked them already.
        """
        hits = [self.rules.find(fold(text)) for text in texts]
        # Facts are stored, evidence is shown and models train on masked texts: all three use the masked texts.
        clean = [mask(text).text for text in texts] if masked is None else masked
        facts = map(find_facts, clean)
        if self.predictor is None:
            return [self._by_rules(*one) for one in zip(texts, facts, hits, strict=True)]
        predictions = self.predictor.predict(clean, ruled=[_only(found) for found in hits])
        return [self._by_model(*one) for one in zip(texts, facts, hits, predictions, strict=True)]

    def _by_rules(self, text: str, facts: tuple[Fact, ...], hits: Hits) -> Classification:
        order = list(self.categories)
        ranked = sorted(hits, key=lambda name: (-_weight(hits[name]), order.index(name)))
        guess = _Guess(
            category=ranked[0] if ranked else None,
            confidence=_share(hits, ranked[0]) if ranked else 0.0,
            runner_up=ranked[1] if len(ranked) > 1 else None,
            words=tuple(word for name in ranked for word in hits[name]),
        )
        return self._answer(text, facts, guess, emergency=self._is_ruled_emergency(hits), model=RULES_ONLY)

    def _by_model(self, text: str, facts: tuple[Fact, ...], hits: Hits, prediction: Prediction) -> Classification:
        version = self.predictor.model.version if self.predictor else RULES_ONLY
        emergency = self._is_ruled_emergency(hits) or prediction.is_danger
        guess = _ruled(prediction, hits) if prediction.is_unsure else _predicted(prediction, hits)
        return self._answer(text, facts, guess, emergency=emergency, model=version)

    def _answer(
        self, text: str, facts: tuple[Fact, ...], guess: _Guess, *, emergency: bool, model: str
    ) -> Classification:
        return Classification(
            category=guess.category,
            confidence=guess.confidence,
            runner_up=guess.runner_up,
            abstained=guess.category is None,
            emergency=emergency,
            evidence=guess.words,
            model=model,
            language=detect(text),
            facts=facts,
            missing_facts=self._missing(guess.category, facts),
            intent=guess.intent,
        )

    def _is_ruled_emergency(self, hits: Hits) -> bool:
        return any(self.categories[name].emergency for name in hits)

    def _missing(self, category: str | None, facts: tuple[Fact, ...]) -> tuple[str, ...]:
        known = {fact.kind for fact in facts}
        needed = self.categories[category].facts if category else ()
        return tuple(kind for kind in needed if kind not in known)


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
    if model is None:
        return Classifier(settings.categories, rules)
    from router.classify.prediction import Predictor  # noqa: PLC0415

    emergencies = frozenset(name for name, category in settings.categories.items() if category.emergency)
    predictor = Predictor(model, encoder=encoder, known=frozenset(settings.categories), emergencies=emergencies)
    return Classifier(settings.categories, rules, predictor)


def _only(hits: Hits) -> str | None:
    return next(iter(hits)) if len(hits) == 1 else None


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
