"""Measure the emergency lane with the shipped desk and its shipped model: what is paged and marked of public texts.

Words and thresholds are tuned on texts whose SHA-1 is even; the odd ones are reported apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from api.text.reasons import in_english
from benchmarks.understanding.intents import Result
from benchmarks.understanding.texts import Overheard
from router.classify import Classification, build_classifier
from router.classify.encoder import Encoder
from router.classify.model import Model
from router.settings import load_settings
from router.settings.files import shipped_file
from workers.training.shipped import shipped_folder, shipped_model

# Which labels tell of dangers, and which of either (the corpora's README).
_DANGERS: Final = frozenset(
    {
        "cash_withdrawal_not_recognised", "card_payment_not_recognised", "compromised_card",
        "direct_debit_payment_not_recognised", "lost_or_stolen_card", "lost_or_stolen_phone",
        "report_fraud", "report_lost_card",
    }
)  # fmt: skip
_EITHER: Final = frozenset(
    {"card_not_working", "pin_blocked", "freeze_account", "transaction_charged_twice", "card_swallowed"}
)
_FILES: Final = ("banking77_train", "clinc150_val", "clinc150_oos_val", "ordinary_bank_zh")
_LISTED: Final = "ordinary_bank_zh"
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A public text. danger: whether its label says so.  half: of its SHA-1, "even" or "odd"."""

    text: str
    corpus: str
    danger: bool
    half: str


def danger(folder: Path, *, encoder: Encoder | None) -> Result:
    """Return shares of each corpus and half, and every false alarm among the ordinary questions to a Chinese bank."""
    settings = load_settings(shipped_file())
    about = shipped_model(settings)
    model = shipped_folder().load(about.version) if about else None
    texts = list(labelled_texts(folder))
    overheard = Overheard(encoder) if encoder else None
    answers = answers_to(texts, model=model, encoder=overheard)
    rows = list(zip(texts, answers, strict=True))
    return {
        "model": about.version if about else None,
        "trained": about.report.get("danger") if about else None,
        "sets": {name: shares_of(part) for name, part in sets_of(rows)},
        "encoder_asked_for_categories_or_danger": round(len(set(overheard.asked)) / len(texts), 4)
        if overheard
        else None,
        f"pages_of_{_LISTED}": [
            {"text": one.text, "danger": seen.danger, "evidence": [in_english(each) for each in seen.danger_evidence]}
            for one, seen in rows
            if one.corpus == _LISTED and seen.emergency
        ],
    }


def labelled_texts(folder: Path) -> Iterator[LabelledText]:
    """Yield the corpora's texts, without those whose label may mean either."""
    for name in _FILES:
        for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            one = json.loads(line)
            label = one.get("label", "")
            if label not in _EITHER:
                digest = hashlib.sha1(one["text"].encode(), usedforsecurity=False).digest()
                yield LabelledText(one["text"], name, label in _DANGERS, "odd" if digest[-1] % 2 else "even")


def answers_to(texts: Sequence[LabelledText], *, model: Model | None, encoder: Encoder | None) -> list[Classification]:
    """Return what the shipped desk says of each text with a model."""
    classifier = build_classifier(load_settings(shipped_file()), model=model, encoder=encoder)
    batches = (texts[first : first + _BATCH] for first in range(0, len(texts), _BATCH))
    return [seen for batch in batches for seen in classifier.classify_batch([one.text for one in batch])]


def sets_of(
    rows: Sequence[tuple[LabelledText, Classification]],
) -> Iterator[tuple[str, list[Classification]]]:
    """Yield the answers by corpus, half and kind, and those of both English corpora together."""
    names = sorted({(one.danger, one.corpus, one.half) for one, _ in rows})
    for is_danger, corpus, half in names:
        part = [seen for one, seen in rows if (one.danger, one.corpus, one.half) == (is_danger, corpus, half)]
        yield f"{'dangers' if is_danger else 'ordinary'} {corpus} {half}", part
    for is_danger in (False, True):
        for half in ("even", "odd"):
            english = [one for one, _ in rows if one.corpus in {"banking77_train", "clinc150_val"}]
            chosen = {one for one in english if (one.danger, one.half) == (is_danger, half)}
            part = [seen for one, seen in rows if one in chosen]
            yield f"{'dangers' if is_danger else 'ordinary'} English {half}", part


def shares_of(answers: Sequence[Classification]) -> Result:
    """Count what is paged and marked."""
    paged = sum(seen.emergency for seen in answers)
    marked = sum(seen.possible_danger for seen in answers)
    return {
        "texts": len(answers),
        "paged": paged,
        "marked": marked,
        "paged_share": round(paged / len(answers), 4),
        "marked_share": round(marked / len(answers), 4),
        "paged_or_marked_share": round((paged + marked) / len(answers), 4),
    }
