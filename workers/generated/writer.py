"""What each purpose sends to the model, and whether what comes back is kept: one class for agents and for answers.

The text is masked and veiled before it leaves, checked when it comes back, and never sent from here.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from router.answers.caution import Allowed, Gated
from router.generated.acceptance import Expected, Flaw, flaws_of
from router.generated.completion import PromptMessage, WrittenText, read_text
from router.generated.prompts import (
    Prompt,
    SpokenLine,
    bounded,
    draft_request,
    summary_request,
    text_request,
)
from router.generated.purposes import LONGEST_TOKENS, Purpose
from router.generated.veil import Veil
from router.masking.mask import mask
from router.reason import ReasonKey
from router.settings import Settings
from store.db.engine import Database
from workers.generated.day_budget import DayBudget
from workers.generated.endpoint import Answered, ModelEndpoint, ModelSilent, Silence
from workers.generated.prompt_files import load_prompt

# How many messages of a case a draft is written from; older ones belong into a summary.
_LINES: Final = 10
_PASSAGES: Final = 5
_PASSAGE: Final = 2_000
# A draft for these says nothing of the matter, and asks for facts only.
_FACTS_ONLY: Final = frozenset(
    {ReasonKey.GATE_OWN, ReasonKey.GATE_DANGER, ReasonKey.GATE_CATEGORY, ReasonKey.GATE_MASKED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCase:
    """What a model sees of a case. names: of the contact, which do not leave.  language: of the text that is wanted."""

    lines: Sequence[SpokenLine]
    names: Sequence[str]
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelText:
    """A model's answer after the checks. text: empty if `flaws` says why it is not shown.  sources: ids of the FAQ."""

    purpose: Purpose
    text: str
    flaws: tuple[Flaw, ...]
    sources: tuple[str, ...]
    model: str
    prompt: str
    milliseconds: int
    tokens: int | None


def purpose_of(gated: Gated) -> Purpose:
    """Return which draft a case may have: about one's own money or identity, facts are asked for and nothing said."""
    careful = gated.allowed is Allowed.NOTHING or any(each.key in _FACTS_ONLY for each in gated.reasons)
    is_only_person = [each.key for each in gated.reasons] == [ReasonKey.GATE_PERSON]
    return Purpose.FACTS if careful and not is_only_person else Purpose.DRAFT


class TextWriter:
    """Asks one endpoint; may be used by several threads. endpoint: None without one, and then nothing is offered."""

    def __init__(
        self, settings: Settings, *, database: Database, endpoint: ModelEndpoint | None, config: Path | None = None
    ) -> None:
        self._database, self._config = database, config
        self._endpoint = endpoint
        self._purposes = frozenset(settings.answers.model.purposes if settings.answers.model else ())

    @classmethod
    def of(cls, settings: Settings, *, database: Database, config: Path | None = None) -> TextWriter:
        """Return the writer that a file describes."""
        known = settings.answers.model
        endpoint = ModelEndpoint(known) if known else None
        return cls(settings, database=database, endpoint=endpoint, config=config)

    @property
    def is_configured(self) -> bool:
        """Whether the file names a model."""
        return self._endpoint is not None

    def offers(self, purpose: Purpose) -> bool:
        """Return whether there is a model for a purpose."""
        return self._endpoint is not None and purpose.configured in self._purposes

    def prompt(self, purpose: Purpose) -> Prompt:
        """Return the words of a purpose; they are read each time, so that a changed file counts at once."""
        return load_prompt(purpose, config=self._config)

    def draft(self, asked: SharedCase, *, passages: Mapping[str, str], purpose: Purpose = Purpose.DRAFT) -> ModelText:
        """Return an answer to a case. passages: by id of the FAQ.  purpose: which kind of draft."""
        given = {} if purpose is Purpose.FACTS else dict(list(passages.items())[:_PASSAGES])
        markers = {secrets.token_hex(3).upper(): answer for answer in given}
        # Secrets in an operator's own page would be sent like any other text.
        shown = {marker: mask(given[answer]).text[:_PASSAGE] for marker, answer in markers.items()}
        prompt, veil, lines = self.prompt(purpose), Veil(asked.names), asked.lines[-_LINES:]
        messages = draft_request(prompt, lines=lines, passages=shown, veil=veil, language=asked.language)
        own = _said(lines) if purpose is Purpose.FACTS else ""
        expected = Expected(
            purpose=purpose, language=asked.language, passages=shown, own=own, prompt=messages[0].content
        )
        return self._made(prompt, messages, veil=veil, expected=expected, markers=markers)

    def summary(self, asked: SharedCase) -> ModelText:
        """Return a summary of a case for an agent."""
        prompt, veil = self.prompt(Purpose.SUMMARY), Veil(asked.names)
        messages = summary_request(prompt, lines=asked.lines, veil=veil, language=asked.language)
        expected = Expected(
            purpose=Purpose.SUMMARY,
            language=asked.language,
            passages={},
            own=_said(bounded(asked.lines)),
            prompt=messages[0].content,
        )
        return self._made(prompt, messages, veil=veil, expected=expected)

    def tone(self, text: str, *, tone: str, names: Sequence[str]) -> ModelText:
        """Return an agent's text in another tone."""
        return self._rewritten(Purpose.TONE, text, names=names, language="", tone=tone)

    def translation(self, text: str, *, language: str, names: Sequence[str]) -> ModelText:
        """Return a message in another language."""
        return self._rewritten(Purpose.TRANSLATION, text, names=names, language=language)

    def _rewritten(
        self, purpose: Purpose, text: str, *, names: Sequence[str], language: str, tone: str = ""
    ) -> ModelText:
        prompt, veil = self.prompt(purpose), Veil(names)
        messages = text_request(prompt, text=text, veil=veil, language=language, tone=tone)
        expected = Expected(purpose=purpose, language=language, passages={}, own=text, prompt=messages[0].content)
        return self._made(prompt, messages, veil=veil, expected=expected)

    def _made(
        self,
        prompt: Prompt,
        messages: Sequence[PromptMessage],
        *,
        veil: Veil,
        expected: Expected,
        markers: Mapping[str, str] | None = None,
    ) -> ModelText:
        """Ask, and check what comes back. Raises ModelSilent."""
        if self._endpoint is None:
            raise ModelSilent(Silence.ABSENT)
        budget = DayBudget(self._database, self._endpoint.settings)
        longest = LONGEST_TOKENS[prompt.purpose]
        try:
            answered = self._endpoint.ask(messages, longest=longest, budget=budget, purpose=str(prompt.purpose))
        except ModelSilent:
            budget.note("failed")
            raise
        written, flaws = _judged(answered, veil=veil, expected=expected)
        budget.note("refused" if flaws else "texts")
        known = markers or {}
        return ModelText(
            purpose=prompt.purpose,
            text="" if flaws else written.text,
            flaws=flaws,
            sources=tuple(known[each] for each in written.sources if each in known),
            model=self._endpoint.settings.name,
            prompt=prompt.digest,
            milliseconds=answered.milliseconds,
            tokens=answered.completion.tokens,
        )


def _judged(answered: Answered, *, veil: Veil, expected: Expected) -> tuple[WrittenText, tuple[Flaw, ...]]:
    written = read_text(answered.completion.text)
    if written is None:
        return WrittenText(text=""), (Flaw.CUT if answered.completion.is_cut else Flaw.UNREADABLE,)
    if not written.enough:
        return written, (Flaw.NOT_ENOUGH,)
    lifted = WrittenText(text=veil.lift(written.text), sources=written.sources)
    return lifted, flaws_of(lifted.text, sources=lifted.sources, expected=expected)


def _said(lines: Sequence[SpokenLine]) -> str:
    return "\n".join(line.text for line in lines)


def basis_of(*parts: str) -> str:
    """Return what a text was written from, as one value that changes with each part."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
