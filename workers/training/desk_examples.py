"""What a desk learns from its agents: corrected categories, what is not for us, and their verdicts on alarms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.engine import Connection

from router.classify.model import FOREIGN, LOOKALIKE
from router.classify.trainer import TrainingExample
from router.settings import Settings
from store.conversations.corrections import CorrectedText, corrected_texts
from store.conversations.danger_verdicts import JudgedText, judged_texts


def desk_examples(connection: Connection, settings: Settings) -> list[TrainingExample]:
    """Return the texts as routing classifies them, masked as the desk stores them."""
    corrected, judged = corrected_texts(connection), judged_texts(connection)
    emergencies = [name for name, category in settings.categories.items() if category.emergency]
    # What an agent confirmed as a danger must not teach the model to look away, though another said it is not for us.
    dangers = {row.message_id for row in judged if row.danger}
    said = [row for row in corrected if row.category or row.message_id not in dangers]
    return [*_corrections(said), *_verdicts(judged, said, emergencies=emergencies)]


def _corrections(corrected: Sequence[CorrectedText]) -> Iterator[TrainingExample]:
    for row in corrected:
        text = f"{row.subject}\n{row.text}"
        if row.category:
            yield TrainingExample(text, row.category, row.sub_intent or "")
        else:
            yield TrainingExample(text, FOREIGN.category, FOREIGN.intent)


def _verdicts(
    judged: Sequence[JudgedText], corrected: Sequence[CorrectedText], *, emergencies: Sequence[str]
) -> Iterator[TrainingExample]:
    """Yield a danger for a confirmed alarm, and a look-alike for a released one; a corrected category says more."""
    named = {row.message_id for row in corrected if row.category}
    for row in judged if emergencies else ():
        if row.message_id in named:
            continue
        text = f"{row.subject}\n{row.text}"
        if row.danger:
            category = row.category if row.category and row.category in emergencies else emergencies[0]
            yield TrainingExample(text, category)
        else:
            yield TrainingExample(text, LOOKALIKE.category, LOOKALIKE.intent)
