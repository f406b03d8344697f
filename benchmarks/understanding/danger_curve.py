"""The learning curve of false alarms and recall over the number of negatives, on texts whose SHA-1 is odd.

A model is trained for each share of the look-alikes and of the texts that are no business of the desk; the dangers and
all other examples stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.understanding.danger import LabelledText, answers_to, labelled_texts, sets_of, shares_of
from benchmarks.understanding.intents import Result, remember
from router.classify.encoder import Encoder
from router.classify.trainer import DangerTask, TrainingExample, examples_of, train
from router.danger.words import build_word_detector
from router.settings import load_settings
from router.settings.files import shipped_file
from router.settings.intents import load_intents, load_negatives

_TENTHS: Final = (0, 2, 5, 10)
_SHOWN: Final = ("ordinary English odd", "ordinary clinc150_oos_val odd", "dangers English odd")


def danger_curve(folder: Path, *, encoder: Encoder | None) -> Result:
    """Return the figures for several shares of the negatives, as tenths of them."""
    settings = load_settings(shipped_file())
    examples = examples_of(settings, load_intents(shipped_file(), settings), load_negatives(shipped_file()))
    texts = [one for one in labelled_texts(folder) if one.half == "odd"]
    known = remember(encoder, [*(one.text for one in examples), *(one.text for one in texts)])
    words = build_word_detector(settings)
    if words is None:
        raise ValueError("the shipped desk has no category of emergencies")
    urgent = tuple(name for name, category in settings.categories.items() if category.emergency)
    task = DangerTask(words, urgent, settings.emergency.false_pages_per_thousand)
    kept = {tenths: [one for one in examples if one.category or _tenth(one.text) < tenths] for tenths in _TENTHS}
    return {f"{tenths} tenths": _point(kept[tenths], texts, known, task=task) for tenths in _TENTHS}


def _point(
    kept: Sequence[TrainingExample], texts: Sequence[LabelledText], encoder: Encoder | None, *, task: DangerTask
) -> Result:
    model = train(kept, encoder=encoder, danger=task)
    sets = dict(sets_of(list(zip(texts, answers_to(texts, model=model, encoder=encoder), strict=True))))
    return {
        "negatives": sum(not one.category for one in kept),
        "held_out_hands": model.report.get("danger"),
        **{name: shares_of(sets[name]) for name in _SHOWN},
    }


def _tenth(text: str) -> int:
    return hashlib.sha1(text.encode(), usedforsecurity=False).digest()[0] * 10 // 256
