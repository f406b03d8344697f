"""Danger by the operator's words alone, for a desk without a trained model: keywords, and pairs of meanings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.danger.meetings import FoundPair
from router.danger.pairs import MeaningPairs, compile_pairs
from router.danger.verdict import DangerOutcome, DangerVerdict, words_of_pairs
from router.settings.danger_words import KEYWORDS
from router.settings.model import Settings

# A pasted log or thread must not cost a second; what a customer writes is far shorter.
LONGEST: Final = 6_000
# What share of the texts with such a pair told of a danger: measured on the sentences of BANKING77 with an even SHA-1.
_CLEAR: Final = 0.95
_HINT: Final = 0.3


@dataclass(frozen=True, slots=True)
class WordDetector:
    """Judges by keywords and pairs; build with `build_word_detector`."""

    pairs: MeaningPairs

    def detect(self, texts: Sequence[str]) -> list[DangerVerdict]:
        """Return a verdict for each text (subject, line break, new words), in the same order."""
        return [verdict_by_words(_deciding_in(text, self.pairs)) for text in texts]


def _deciding_in(text: str, pairs: MeaningPairs) -> tuple[FoundPair, ...]:
    """Return the pairs that decide, at the beginning of a text; behind it, keywords alone."""
    return (*pairs.deciding(text[:LONGEST]), *late_keywords(text, pairs))


def late_keywords(text: str, pairs: MeaningPairs) -> tuple[FoundPair, ...]:
    """Return the keywords of a very long text that stand behind the part in which pairs are found."""
    late = pairs.keywords_in(text[LONGEST:]) if len(text) > LONGEST else ()
    return (FoundPair(KEYWORDS, "clear", late, "", ()),) if late else ()


def build_word_detector(settings: Settings) -> WordDetector | None:
    """Compile the desk's words of danger; None for a desk without a category of emergencies."""
    urgent = [category for category in settings.categories.values() if category.emergency]
    keywords = [word for category in urgent for word in category.keywords]
    return WordDetector(compile_pairs(settings.danger, keywords=keywords)) if urgent else None


def verdict_by_words(pairs: Sequence[FoundPair]) -> DangerVerdict:
    """Return the verdict of keywords and pairs alone. pairs: without those that something softens."""
    named = any(one.pair == KEYWORDS and one.is_clear for one in pairs)
    clear = [one for one in pairs if one.is_clear]
    if clear:
        outcome, evidence = DangerOutcome.EMERGENCY, words_of_pairs(clear)
        return DangerVerdict(outcome, _CLEAR, _CLEAR, evidence, at_closed_hours=True, by_keyword=named)
    hints = [one for one in pairs if one.strength == "hint"]
    if hints:
        # No alarm at closed hours: without a model one hint in three tells of a danger.
        return DangerVerdict(DangerOutcome.POSSIBLE, _HINT, _CLEAR, words_of_pairs(hints))
    return DangerVerdict(threshold=_CLEAR)
