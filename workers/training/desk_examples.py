"""What a desk learns from its agents: categories that they corrected, and pages that they confirmed or released."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from sqlalchemy.engine import Connection

from router.classify.model import LOOKALIKE
from router.classify.trainer import TrainingExample
from router.settings import Settings
from store.conversations.corrections import CorrectedText, corrected_texts
from store.conversations.danger_verdicts import JudgedText, judged_texts


def desk_examples(connection: Connection, settings: Settings) -> list[TrainingExample]:
    """Return the texts as routing classifies them, masked as the desk stores them."""
    corrected = corrected_texts(connection)
    emergencies = [name for name, category in settings.categories.items() if category.emergency]
    return [*_corrections(corrected), *_verdicts(judged_texts(connection), corrected, emergencies=emergencies)]


def _corrections(corrected: Sequence[CorrectedText]) -> Iterator[TrainingExample]:
    for row in corrected:
        if row.category:
            yield TrainingExample(f"{row.subject}\n{row.text}", row.category, row.sub_intent or "")


def _verdicts(
    judged: Sequence[JudgedText], corrected: Sequence[CorrectedText], *, emergencies: Sequence[str]
) -> Iterator[TrainingExample]:
    """Yield a danger for a confirmed page, and a look-alike for a released one; a corrected category says more."""
    named: Mapping[UUID, str | None] = {row.message_id: row.category for row in corrected}
    for row in judged if emergencies else ():
        if row.message_id in named:
            continue
        text = f"{row.subject}\n{row.text}"
        if row.danger:
            category = row.category if row.category and row.category in emergencies else emergencies[0]
            yield TrainingExample(text, category)
        else:
            yield TrainingExample(text, LOOKALIKE.category, LOOKALIKE.intent)
