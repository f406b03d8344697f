"""Measure masking, duplicates, language, and the cost of each step."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.understanding.intents import Result, Sentence
from benchmarks.understanding.planted_secrets import lookalikes, planted
from benchmarks.understanding.resends import BASES, Pair, pairs
from router.classify import Classifier
from router.classify.encoder import Encoder
from router.classify.ngram_head import Floats
from router.masking.mask import mask
from router.remarks.recognise_remark import remark_of
from router.remarks.remark_kind import RemarkKind
from router.text.facts import find_facts
from router.text.language import detect
from router.text.plain import fold
from router.threads.duplicates import canonical, fingerprint, join_parts, same_canonical, same_message

_UNSEEN = re.compile(r"<[^<>]*>|&\w+;|[\s\-.–>\u200b-\u200f\u2060\ufeff\u00ad]")


def masking(*, count: int) -> Result:
    """Plant secrets and count those that can still be read, and look-alikes that were masked."""
    left, kinds = Counter[str](), Counter[str]()
    for one in planted(count):
        kinds[one.kind] += 1
        shown = _UNSEEN.sub("", unicodedata.normalize("NFKC", mask(one.text).text))
        left[one.kind] += re.sub(r"[-.]", "", one.secret) in shown
    alarms = sum(mask(text).text != text for text in lookalikes(count))
    return {"planted": dict(kinds), "left": sum(left.values()), "false_alarm_rate": round(alarms / count, 5)}


def masking_of(sentences: Sequence[Sentence]) -> Result:
    """Count real sentences, which hold no secret, in which one was found."""
    return {"sentences": len(sentences), "masked": sum(bool(mask(one.text).kinds) for one in sentences)}


def remarks(sentences: Sequence[str]) -> Result:
    """Count the sentences that are taken for thanks, a greeting, a call for a person, or nothing: see `RemarkKind`."""
    kinds = Counter(str(remark_of(text)) for text in sentences)
    content = kinds.pop(str(RemarkKind.CONTENT), 0)
    return {"sentences": content + sum(kinds.values()), "touched": sum(kinds.values()), "kinds": dict(kinds)}


def duplicates(*, count: int) -> Result:
    """Compare re-sends and look-alikes; the baseline is equality of the bare text."""
    made = list(pairs(count))
    resends = [pair for pair in made if pair.same]
    others = [pair for pair in made if not pair.same]
    return {
        "pairs": len(made),
        "recall": round(sum(map(_is_same, resends)) / len(resends), 4),
        "false_merges": sum(map(_is_same, others)),
        "baseline_equal_text_recall": round(sum(pair.first == pair.second for pair in resends) / len(resends), 4),
        "baseline_fingerprint_recall": round(
            sum(fingerprint(pair.first) == fingerprint(pair.second) for pair in resends) / len(resends), 4
        ),
        "recall_by_kind": _recall_by_kind(resends),
    }


def _is_same(pair: Pair) -> bool:
    return same_message(pair.first, join_parts(pair.parts)) if pair.parts else same_message(pair.first, pair.second)


def _recall_by_kind(resends: Sequence[Pair]) -> dict[str, float]:
    there = Counter(pair.kind for pair in resends)
    found = Counter(pair.kind for pair in resends if _is_same(pair))
    return {kind: round(found[kind] / count, 4) for kind, count in sorted(there.items())}


def strangers_alike(sentences: Sequence[Sentence], *, sample: int) -> Result:
    """Count real sentences of other intents that would count as the same: why messages never merge across customers."""
    chosen = random.Random(0).sample(list(sentences), min(sample, len(sentences)))
    prepared = [(one.label, canonical(one.text)) for one in chosen]
    merged = compared = 0
    for at, (label, text) in enumerate(prepared):
        for other, rest in prepared[:at]:
            if label != other:
                compared += 1
                merged += same_canonical(text, rest)
    return {"pairs": compared, "merged": merged}


def look_up(*, stored: int, asked: int = 2_000) -> Result:
    """Look a text up among the stored ones: by customer and fingerprint, then in the customer's recent messages."""
    database = sqlite3.connect(":memory:")
    database.execute("create table message (customer integer, fingerprint text, body text)")
    draw = random.Random(0)
    forms = [(fingerprint(f"{text} {number}"), f"{text} {number}") for number in range(400) for text in BASES]
    rows = ((draw.randrange(stored // 5), *draw.choice(forms)) for _ in range(stored))
    database.executemany("insert into message values (?, ?, ?)", rows)
    database.execute("create index message_by on message (customer, fingerprint)")
    questions = [(draw.randrange(stored // 5), draw.choice(forms)[1]) for _ in range(asked)]
    times = []
    for customer, text in questions:
        started = time.perf_counter()
        mine = canonical(text)
        exact = database.execute(
            "select 1 from message where customer = ? and fingerprint = ?", (customer, fingerprint(text))
        ).fetchone()
        if not exact:
            recent = database.execute("select body from message where customer = ? limit 3", (customer,)).fetchall()
            any(same_canonical(mine, canonical(body)) for (body,) in recent)
        times.append(time.perf_counter() - started)
    return {"stored": stored, "median_us": round(median(times) * 1e6, 1)}


def language(sentences: Sequence[Sentence]) -> Result:
    """Count English sentences that are detected as English, and Chinese ones of the shipped set, as a table of one."""
    return {"english": len(sentences), "detected": sum(detect(one.text) == "en" for one in sentences)}


@dataclass(slots=True)
class Overheard:
    """An encoder that records which texts it was called with."""

    encoder: Encoder
    asked: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """See `Encoder`."""
        return self.encoder.name

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        self.asked += texts
        return self.encoder.encode(texts)


def cost(texts: Sequence[str], *, ways: dict[str, Classifier], overheard: Overheard | None) -> Result:
    """Measure microseconds of processor time per message, in batches of 50: each pure step, then whole classifications.

    overheard: the encoder of the way `with_encoder`.  The worst tier is the cost of a text that needs every step.
    """
    rules = next(iter(ways.values())).rules
    steps: dict[str, Callable[[str], object]] = {
        "mask": mask,
        "language": detect,
        "facts": find_facts,
        "fingerprint": fingerprint,
        "keywords": lambda text: rules.find(fold(text)),
    }
    figures: Result = {name: round(_each(step, texts), 1) for name, step in steps.items()}
    for name, classifier in ways.items():
        figures[f"classify_{name}"] = round(_batches(classifier, texts), 1)
    unsure = list(dict.fromkeys(overheard.asked)) if overheard else []
    if unsure:
        figures["worst_tier"] = round(_batches(ways["with_encoder"], unsure), 1)
        figures["longest_nonsense"] = round(_batches(ways["with_encoder"], _nonsense()), 1)
    return {"texts": len(texts), "worst_tier_texts": len(unsure), "us_a_message": figures}


def _each(step: Callable[[str], object], texts: Sequence[str]) -> float:
    # A worker has long loaded what a step loads for its first text.
    step("Explain pending transactions.")
    # Processor time, because other processes share the machine.
    started = time.process_time()
    for text in texts:
        step(text)
    return (time.process_time() - started) / len(texts) * 1e6


def _batches(classifier: Classifier, texts: Sequence[str]) -> float:
    batches = [texts[first : first + 50] for first in range(0, len(texts), 50)]
    classifier.classify_batch(batches[0])
    started = time.process_time()
    for batch in batches:
        classifier.classify_batch(batch)
    return (time.process_time() - started) / len(texts) * 1e6


def _nonsense() -> list[str]:
    """Return texts without one known word, as long as any that the encoder reads: twice the pieces of real ones."""
    return [(f"qx{number} zv " * 40)[:180] for number in range(100)]


def as_json(results: Result) -> str:
    """Return the results as JSON."""
    return json.dumps(results, ensure_ascii=False, indent=2)
