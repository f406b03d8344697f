"""What a model is asked: the operator's prompt as the system's words, everything else in blocks of the user's words.

Words of customers never stand in the system's part. A block ends only where we end it: `visible` takes the brackets out
of everything that others wrote.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.errors import ConfigError
from router.generated.completion import PromptMessage
from router.generated.purposes import Purpose

if TYPE_CHECKING:
    # It masks, and needs all words of secrets; a prompt is read without them.
    from router.generated.veil import Veil

_LANGUAGES: Final = {"en": "English", "zh": "Chinese (simplified)"}
# The prompt's words for the language and the tone; others stay as they are.
_LANGUAGE: Final = "{language}"
_TONE: Final = "{tone}"
_TONES: Final = {
    "friendlier": "friendlier and warmer",
    "shorter": "shorter, without losing a fact",
    "formal": "more formal and respectful",
}
# Characters of all messages: a case of hundreds still fits into a small model, and into 8 seconds.
_CASE: Final = 16_000
# Of one message.
_MESSAGE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Prompt:
    """The words of a purpose. digest: stands in the trace, so that a change of the file is seen."""

    purpose: Purpose
    text: str

    @property
    def digest(self) -> str:
        """The first 12 digits of its SHA-256."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    def said(self, *, language: str, tone: str = "") -> str:
        """Return it with its places filled."""
        filled = self.text.replace(_LANGUAGE, _LANGUAGES.get(language, language))
        return filled.replace(_TONE, _TONES.get(tone, tone)).strip()


@dataclass(frozen=True, slots=True)
class SpokenLine:
    """A message of a case. speaker: `customer`, `agent`, `note` or `machine`."""

    speaker: str
    text: str


def read_prompt(text: str, *, purpose: Purpose, file: str) -> Prompt:
    """Return a prompt. Raises ConfigError for a file without words, or too long for any model of ours."""
    if not text.strip():
        raise ConfigError(f"{file}: it is empty; expected what the model is asked to do")
    if len(text) > _CASE:
        raise ConfigError(f"{file}: {len(text)} characters; expected at most {_CASE}")
    return Prompt(purpose, text)


def draft_request(
    prompt: Prompt, *, lines: Sequence[SpokenLine], passages: Mapping[str, str], veil: Veil, language: str
) -> list[PromptMessage]:
    """Return the request for an answer. passages: by marker."""
    shown = "\n".join(f"[{marker}] {veil.over(text)}" for marker, text in passages.items())
    blocks = [f"<passages>\n{shown}\n</passages>"] if passages else []
    return _request(prompt.said(language=language), [*blocks, _case(lines, veil=veil)])


def summary_request(prompt: Prompt, *, lines: Sequence[SpokenLine], veil: Veil, language: str) -> list[PromptMessage]:
    """Return the request for a summary: the first message, and as many of the newest as fit."""
    return _request(prompt.said(language=language), [_case(bounded(lines), veil=veil)])


def text_request(prompt: Prompt, *, text: str, veil: Veil, language: str, tone: str = "") -> list[PromptMessage]:
    """Return the request for a translation, or for another tone."""
    return _request(prompt.said(language=language, tone=tone), [f"<text>\n{veil.over(text)}\n</text>"])


def bounded(lines: Sequence[SpokenLine]) -> list[SpokenLine]:
    """Return the first line and the newest ones that a request has room for, in their order."""
    kept: list[SpokenLine] = []
    room = _CASE - sum(min(len(line.text), _MESSAGE) for line in lines[:1])
    for line in reversed(lines[1:]):
        room -= min(len(line.text), _MESSAGE)
        if room < 0:
            break
        kept.insert(0, line)
    return [*lines[:1], *kept]


def _case(lines: Sequence[SpokenLine], *, veil: Veil) -> str:
    # Half an address or number would not be recognised: a text is cut when its places are in it.
    said = "\n".join(f"{line.speaker}: {veil.over(line.text)[:_MESSAGE]}" for line in lines)
    return f"<case>\n{said}\n</case>"


def _request(system: str, blocks: Sequence[str]) -> list[PromptMessage]:
    return [PromptMessage(role="system", content=system), PromptMessage(role="user", content="\n\n".join(blocks))]
