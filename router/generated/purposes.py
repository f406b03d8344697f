"""What a model may write: the purposes, how long each text may be, and the values that are kept of one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """What a generated text is for.

    draft: of an answer, from passages.  facts: the same where only facts may be asked for.  summary: of a case.
    tone: an agent's words in another tone.  translation: of a message.  answer: an automatic answer, rephrased.
    """

    DRAFT = "draft"
    FACTS = "facts"
    SUMMARY = "summary"
    TONE = "tone"
    TRANSLATION = "translation"
    ANSWER = "answer"

    @property
    def configured(self) -> str:
        """The name under which an operator allows it: asking for facts is a draft too."""
        return "draft" if self is Purpose.FACTS else str(self)


# Characters. A summary is read in a glance; a translation is as long as its original, which is bounded when it is read.
LONGEST: Final[Mapping[Purpose, int]] = {
    Purpose.DRAFT: 600,
    Purpose.FACTS: 600,
    Purpose.SUMMARY: 1_000,
    Purpose.TONE: 4_000,
    Purpose.TRANSLATION: 6_000,
    Purpose.ANSWER: 600,
}
# What the endpoint may write at most. A Chinese character is up to two tokens, and JSON needs some of its own.
LONGEST_TOKENS: Final[Mapping[Purpose, int]] = {
    Purpose.DRAFT: 800,
    Purpose.FACTS: 800,
    Purpose.SUMMARY: 1_000,
    Purpose.TONE: 2_000,
    Purpose.TRANSLATION: 3_000,
    Purpose.ANSWER: 800,
}
TONES: Final = ("friendlier", "shorter", "formal")
"""The tones that an agent may ask for."""
