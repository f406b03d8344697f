"""The whole answer about one text: rules first, then the trained model where there is one."""

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
    # A desk without a model needs neither numpy nor the encoder, nor the time to load them.
    from router.classify.encoder import Encoder
    from router.classify.model import Model
    from router.classify.prediction import Prediction, Predictor

RULES_ONLY: Final = "rules"
# Rules are certain of what they found, and never quite of what it means.
_CERTAIN: Final = 0.9
# What one category's keywords, and nobody else's, are worth where the model is unsure.
_RULED: Final = 0.6

Hits = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Classification:
    """What a text is about, and how we know. Nothing in it repeats a secret.

    category: None when nothing was recognised, or not surely enough.  confidence: 0 to 1, of the likeliest category.
    runner_up: the next likeliest; the likeliest itself when we abstained.  abstained: a person has to look.
    emergency: it may wait for nobody's office hours.  evidence: the words that decided.  model: its version.
    facts: found in the text.  missing_facts: kinds that the category needs and the text lacks.
    intent: the sub-intent, where the model knows one.
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


class Classifies(Protocol):
    """What answers for pages of texts: a `Classifier`, or whoever holds one and changes it."""

    def classify_page(self, texts: Sequence[str], *, masked: Sequence[str] | None = None) -> list[Classification]:
        """See `Classifier`."""
        ...


@dataclass(frozen=True, slots=True)
class Classifier:
    """Answers for pages of texts; build with `build_classifier`."""

    categories: Mapping[str, CategorySettings]
    rules: KeywordRules
    judge: Predictor | None = None

    def classify_page(self, texts: Sequence[str], *, masked: Sequence[str] | None = None) -> list[Classification]:
        """Classify texts (subject, line break, new words), in their order.

        masked: the same texts without their secrets, from a caller who has masked them already.
        """
        hits = [self.rules.find(fold(text)) for text in texts]
        # Facts are stored and evidence is shown, and no model has learnt a secret: they see the masked texts.
        clean = [mask(text).text for text in texts] if masked is None else masked
        facts = map(find_facts, clean)
        if self.judge is None:
            return [self._by_rules(*one) for one in zip(texts, facts, hits, strict=True)]
        verdicts = self.judge.judge(clean, ruled=[_only(found) for found in hits])
        return [self._by_model(*one) for one in zip(texts, facts, hits, verdicts, strict=True)]

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

    def _by_model(self, text: str, facts: tuple[Fact, ...], hits: Hits, verdict: Prediction) -> Classification:
        version = self.judge.model.version if self.judge else RULES_ONLY
        emergency = self._is_ruled_emergency(hits) or verdict.is_danger
        guess = _ruled(verdict, hits) if verdict.is_unsure else _judged(verdict, hits)
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
    encoder: from `router.classify.encoder.load_encoder`; without it the model judges by n-grams alone.
    """
    rules = compile_rules({name: category.keywords for name, category in settings.categories.items()})
    if model is None:
        return Classifier(settings.categories, rules)
    from router.classify.prediction import Predictor  # noqa: PLC0415

    emergencies = frozenset(name for name, category in settings.categories.items() if category.emergency)
    judge = Predictor(model, encoder=encoder, known=frozenset(settings.categories), emergencies=emergencies)
    return Classifier(settings.categories, rules, judge)


def _only(hits: Hits) -> str | None:
    return next(iter(hits)) if len(hits) == 1 else None


def _judged(verdict: Prediction, hits: Hits) -> _Guess:
    category, *others = verdict.categories
    words = dict.fromkeys((*hits.get(category, ()), *verdict.words))
    return _Guess(
        category, verdict.probabilities[0], others[0] if others else None, tuple(words), verdict.intent or None
    )


def _ruled(verdict: Prediction, hits: Hits) -> _Guess:
    """Return what the keywords say where the model is unsure; nothing if they are, too."""
    if len(hits) == 1:
        (category, words), *_ = hits.items()
        others = [name for name in verdict.categories if name != category]
        return _Guess(category, _RULED, others[0] if others else None, tuple(words))
    words = tuple(word for found in hits.values() for word in found)
    return _Guess(None, verdict.probabilities[0], verdict.categories[0], words)


def _weight(words: Sequence[str]) -> int:
    # A longer keyword says more; two say more than one.
    return sum(len(word.encode()) for word in words)


def _share(hits: Hits, category: str) -> float:
    return round(_CERTAIN * _weight(hits[category]) / sum(map(_weight, hits.values())), 3)
