"""Measure the shipped FAQ: held-back ways to ask, questions without an answer, strangers' sentences, and the cost."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from router.answers.confidence import wilson
from router.answers.faq import Faq, negatives_of, read_faq
from router.answers.index import AnswerIndex
from router.answers.trainer import AnswerModel, AskedWay, hold_out, train_answers
from router.answers.ways import WayToAsk
from router.classify.encoder import Encoder
from router.settings import load_settings
from router.settings.intents import load_intents

Figures = dict[str, JsonValue]

_PASSAGES: Final = 5_000
_TIMED: Final = 200


def measure(config: Path, *, corpora: Path, encoder: Encoder | None) -> Figures:
    """Measure with the encoder and without it. config: the shipped file."""
    faq = read_faq([(file.name, file.read_text("utf-8")) for file in sorted((config.parent / "faq").glob("*.md"))])
    intents = load_intents(config, load_settings(config))
    ways, negatives = faq.ways(intents), negatives_of(faq, intents)
    found: Figures = {"answers": len(faq.texts), "ways": len(ways), "without_an_answer": len(negatives)}
    for name, one in {"with_encoder": encoder, "without_encoder": None}.items():
        if name == "with_encoder" and encoder is None:
            continue
        held = hold_out(ways, negatives=negatives, evidence=faq.evidence(), encoder=one)
        model, asked, refused = train_answers(held, encoder=one.name if one else "")
        index = AnswerIndex(ways, evidence=faq.evidence(), encoder=one)
        figures: Figures = {"refused": refused}
        if model:
            figures |= held_back(asked, model=model)
            figures |= {"strangers": strangers(index, model=model, corpora=corpora)}
        found[name] = figures | {"cost": cost(faq, ways=ways, encoder=one)}
    return found


def held_back(asked: Sequence[AskedWay], *, model: AnswerModel) -> Figures:
    """Return what is right and what is answered, by language, and which answers are confused."""
    languages: dict[str, list[AskedWay]] = defaultdict(list)
    for one in asked:
        languages["en" if one.way.text.isascii() else "zh"].append(one)
    confused = Counter(
        f"{one.way.answer} -> {one.ranking.best[0].answer}" for one in asked if one.way.answer and not one.is_right
    )
    return {
        "threshold": model.thresholds.answer,
        "offer_from": model.thresholds.offer,
        "all": _figures(asked, model=model),
        **{name: _figures(rows, model=model) for name, rows in sorted(languages.items())},
        "confused": dict(confused.most_common(8)),
    }


def _figures(asked: Sequence[AskedWay], *, model: AnswerModel) -> Figures:
    known = [one for one in asked if one.way.answer]
    limit = model.thresholds.answer
    sent = [one for one in asked if limit is not None and one.confidence >= limit]
    right = sum(one.is_right for one in sent)
    among = sum(one.way.answer in [best.answer for best in one.ranking.best[:3]] for one in known)
    least, most = wilson(right / max(len(sent), 1), len(sent))
    answerless = len(asked) - len(known)
    return {
        "questions": len(known),
        "right_first": round(sum(one.is_right for one in known) / max(len(known), 1), 4),
        "right_in_three": round(among / max(len(known), 1), 4),
        "answered": round(sum(bool(one.way.answer) for one in sent) / max(len(known), 1), 4),
        "right_of_those": [round(right / max(len(sent), 1), 4), round(least, 4), round(most, 4)],
        "answered_without_an_answer": round(sum(not one.way.answer for one in sent) / max(answerless, 1), 4),
    }


def strangers(index: AnswerIndex, *, model: AnswerModel, corpora: Path) -> Figures:
    """Return which share of sentences without an answer here would be answered."""
    found: Figures = {}
    for name in ("clinc150_oos_val", "clinc150_val", "ordinary_bank_zh"):
        file = corpora / "intents" / f"{name}.jsonl"
        if not file.is_file():
            found[name] = f"skipped: {file.name} is absent"
            continue
        texts = [json.loads(line)["text"] for line in file.read_text("utf-8").splitlines()][:1_000]
        limit = model.thresholds.answer
        sure = [model.confidence.of(ranking.signs) for ranking in index.rank(texts)]
        sent = sum(limit is not None and one >= limit for one in sure)
        found[name] = {"sentences": len(texts), "answered": round(sent / len(texts), 4)}
    return found


def cost(faq: Faq, *, ways: Sequence[WayToAsk], encoder: Encoder | None) -> Figures:
    """Time the index of 5,000 ways to ask, and a question."""
    many = [way for _ in range(_PASSAGES // max(len(ways), 1) + 1) for way in ways][:_PASSAGES]
    begun = time.process_time()
    index = AnswerIndex(many, evidence=faq.evidence(), encoder=encoder)
    built = time.process_time() - begun
    begun = time.process_time()
    AnswerIndex(many, evidence=faq.evidence(), encoder=encoder, vectors=index.vectors).rank(["?"])
    again, taken = time.process_time() - begun, []
    for way in many[:: _PASSAGES // _TIMED]:
        begun = time.process_time()
        index.rank([way.text])
        taken.append((time.process_time() - begun) * 1_000)
    taken.sort()
    return {
        "built_cpu_seconds": round(built, 2),
        "from_stored_vectors_cpu_seconds": round(again, 2),
        "question_cpu_ms_median": round(taken[len(taken) // 2], 2),
        "question_cpu_ms_p95": round(taken[int(len(taken) * 0.95)], 2),
    }
