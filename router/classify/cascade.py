"""The whole answer about one text: rules first, then the trained model where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from router.classify.rules import Rules, compile_rules, fold
from router.facts import Fact, find_facts
from router.language import detect
from router.settings.model import CategorySettings, Settings

RULES_ONLY: Final = "rules"
_CERTAIN = 0.9


@dataclass(frozen=True, slots=True)
class Classification:
    """What a text is about, and how we know.

    category: None when nothing was recognised.  confidence: 0 to 1.  abstained: a person has to look.
    emergency: it may wait for nobody's office hours.  evidence: the words that decided.  model: its version.
    facts: found in the text.  missing_facts: kinds that the category needs and the text lacks.
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


@dataclass(frozen=True, slots=True)
class Classifier:
    """Answers for pages of texts; build with `build_classifier`."""

    categories: Mapping[str, CategorySettings]
    rules: Rules

    def classify_page(self, texts: Sequence[str]) -> list[Classification]:
        """Classify texts (subject, line break, new words), in their order."""
        return [self._classify(text) for text in texts]

    def _classify(self, text: str) -> Classification:
        hits = self.rules.find(fold(text))
        ranked = sorted(hits, key=lambda name: (-_weight(hits[name]), list(self.categories).index(name)))
        category = ranked[0] if ranked else None
        facts = find_facts(text)
        return Classification(
            category=category,
            confidence=_share(hits, category),
            runner_up=ranked[1] if len(ranked) > 1 else None,
            abstained=category is None,
            emergency=any(self.categories[name].emergency for name in hits),
            evidence=tuple(word for name in ranked for word in hits[name]),
            model=RULES_ONLY,
            language=detect(text),
            facts=facts,
            missing_facts=self._missing(category, facts),
        )

    def _missing(self, category: str | None, facts: tuple[Fact, ...]) -> tuple[str, ...]:
        known = {fact.kind for fact in facts}
        needed = self.categories[category].facts if category else ()
        return tuple(kind for kind in needed if kind not in known)


def build_classifier(settings: Settings) -> Classifier:
    """Build the classifier that the operator's file describes."""
    rules = compile_rules({name: category.keywords for name, category in settings.categories.items()})
    return Classifier(settings.categories, rules)


def _weight(words: Sequence[str]) -> int:
    # A longer keyword says more; two say more than one.
    return sum(len(word.encode()) for word in words)


def _share(hits: Mapping[str, Sequence[str]], category: str | None) -> float:
    if category is None:
        return 0.0
    return round(_CERTAIN * _weight(hits[category]) / sum(map(_weight, hits.values())), 3)
