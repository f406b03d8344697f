"""The judgement on one text: an emergency, possible danger, or none, with a probability and its evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from router.danger.meetings import FoundPair
from router.reason import Reason, ReasonKey
from router.settings.danger_words import KEYWORDS


class DangerOutcome(StrEnum):
    """What follows: an alarm; a mark that an agent sees first; nothing."""

    EMERGENCY = "emergency"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class DangerVerdict:
    """The judgement on one text.

    probability: of danger, 0 to 1.  threshold: from which probability the text would have been an emergency.
    evidence: which words or known examples speak for danger; empty if nothing does.
    at_closed_hours: whether it is an emergency where its channel is closed.
    by_keyword: whether a keyword of an emergency category stands in the text as a statement.
    """

    outcome: DangerOutcome = DangerOutcome.NONE
    probability: float = 0.0
    threshold: float = 1.0
    evidence: tuple[Reason, ...] = ()
    at_closed_hours: bool = False
    by_keyword: bool = False


NO_DANGER: Final = DangerVerdict()


def words_of_pairs(pairs: Sequence[FoundPair]) -> tuple[Reason, ...]:
    """Return the pairs' words as evidence."""
    return tuple(map(_words, pairs))


def _words(one: FoundPair) -> Reason:
    words = " + ".join(one.words)
    if one.pair == KEYWORDS:
        return Reason(ReasonKey.DANGER_KEYWORD, {"words": words})
    return Reason(ReasonKey.DANGER_PAIR, {"pair": one.pair, "words": words})
