"""The buttons and cards of a model's texts. Without a model there are none; what fits is there all the same.

A text is put into the reply box by an agent's press, marked as written by a model, and sent by another press.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from fastapi import Request

from api.desk import Desk
from api.pages.render import language_of
from api.text.phrases import Words
from router.generated.purposes import TONES, Purpose
from store.desk.generated.generated_texts import GeneratedText

_USE: Final = "use"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenCard:
    """A text as its card shows it. sources: titles and paths of the answers that it cites.  why: sentences."""

    text: GeneratedText
    sources: tuple[tuple[str, str], ...]
    why: tuple[str, ...]

    @property
    def is_answer(self) -> bool:
        """Whether it may go into the reply box."""
        return bool(self.text.text) and self.text.purpose in {"draft", "facts", "tone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenTexts:
    """What the page shows of a model. can: the purposes that it may be asked for."""

    can: frozenset[str]
    tones: tuple[str, ...]
    cards: tuple[WrittenCard, ...]
    translations: dict[UUID, WrittenCard]

    @property
    def writes(self) -> bool:
        """Whether there is a button for it next to the reply box."""
        return bool(self.can & {"draft", "summary", "tone"})

    def may_translate(self, language: str | None, *, reader: str) -> bool:
        """Return whether a message is in another language than its reader's."""
        return "translation" in self.can and (language or "und").partition("-")[0] != reader


def written_for(request: Request, desk: Desk, texts: Sequence[GeneratedText]) -> WrittenTexts:
    """Return what the page shows. texts: those that are not stale."""
    offered = frozenset(str(each) for each in Purpose if desk.writer.offers(each))
    cards = [_card(request, desk, each) for each in texts]
    reader = language_of(request)
    translated = {card.text.message_id: card for card in cards if card.text.message_id and card.text.language == reader}
    return WrittenTexts(
        can=offered,
        tones=TONES if Purpose.TONE in offered else (),
        cards=tuple(card for card in cards if card.text.message_id is None),
        translations={key: card for key, card in translated.items() if key},
    )


def _card(request: Request, desk: Desk, text: GeneratedText) -> WrittenCard:
    words, faq = Words(language_of(request)), desk.visitors.answers.library.faq
    found = [faq.of(each, language=language_of(request)) for each in text.sources]
    sources = tuple((each.title, f"/help/{each.category}/{each.name}") for each in found if each)
    return WrittenCard(text=text, sources=sources, why=tuple(words(f"flaw_{flaw}") for flaw in text.flaws))


def used_text(request: Request, written: WrittenTexts) -> str:
    """Return the text that an agent took over without a script."""
    wanted = request.query_params.get(_USE, "")
    return next((card.text.text for card in written.cards if str(card.text.id) == wanted and card.is_answer), "")
