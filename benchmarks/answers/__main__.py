"""How well the FAQ answers: `python -m benchmarks.answers --corpora ../shared/corpora --json`.

Without `--faq`: the shipped FAQ and sub-intents, each way to ask held back once; questions without an answer; other
people's sentences that have no answer here; and the cost of a question among 5,000 ways to ask.

With `--faq FILE --tune FILE --questions FILE`: any other set, in JSON lines; the thresholds come from `--tune` alone.
BLAS is limited to one thread, as in a worker.
"""

from __future__ import annotations

import os

# Read once, when numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.answers import shipped
from benchmarks.answers.shipped import Figures
from router.answers.confidence import Thresholds, choose, fit
from router.answers.index import AnswerIndex, Ranking
from router.answers.trainer import hold_out, judge
from router.answers.ways import Evidence, WayToAsk
from router.classify.encoder import Encoder, load_encoder

Asked = list[tuple[str, str]]
"""Pairs of the right answer, empty if there is none, and the question."""


def measure_other(faq: Path, *, tune: Path | None, questions: Path | None, encoder: Encoder | None) -> Figures:
    """Measure another set, with the encoder and without it."""
    ways, evidence = read_faq_lines(faq)
    ways_of = {"with_encoder": encoder, "without_encoder": None} if encoder else {"without_encoder": None}
    return {
        name: _measured(
            AnswerIndex(ways, evidence=evidence, encoder=one),
            tune=read_questions(tune) if tune else None,
            questions=read_questions(questions) if questions else None,
            encoder=one,
        )
        for name, one in ways_of.items()
    }


def _measured(index: AnswerIndex, *, tune: Asked | None, questions: Asked | None, encoder: Encoder | None) -> Figures:
    """Tune on one set and measure on the other; without them hold each way to ask back once."""
    if tune is None:
        held = hold_out(index.ways, negatives=(), encoder=encoder)
        tuned = [(way.answer, ranking) for way, ranking in held]
    else:
        tuned = _ranked(index, tune)
    asked = tuned if questions is None else _ranked(index, questions)
    found: Figures = {"ways": len(index.ways), "answers": len(index.answers), **retrieval(asked)}
    judged = [judge(ranking, answer=answer) for answer, ranking in tuned]
    if len({one.first for one in judged}) < 2:
        return found
    curve = fit(judged)
    for precision in (0.95, 0.97):
        thresholds = choose(judged, precision=precision)
        found[f"at_{precision:.2f}"] = {
            "refused": thresholds.refused,
            **answered(asked, thresholds=thresholds, sure=[curve.of(ranking.signs) for _, ranking in asked]),
        }
    return found


def _ranked(index: AnswerIndex, asked: Asked) -> list[tuple[str, Ranking]]:
    rankings = index.rank([text for _, text in asked])
    return [(answer, ranking) for (answer, _), ranking in zip(asked, rankings, strict=True)]


def retrieval(asked: Sequence[tuple[str, Ranking]]) -> Figures:
    """Return how often the right answer comes first, among three, and the mean reciprocal rank among five."""
    places = [_place(answer, ranking) for answer, ranking in asked if answer]
    count = max(len(places), 1)
    return {
        "questions": len(asked),
        "with_an_answer": len(places),
        "right_first": round(sum(place == 1 for place in places) / count, 4),
        "right_in_three": round(sum(0 < place <= 3 for place in places) / count, 4),
        "mrr": round(sum(1 / place for place in places if place) / count, 4),
    }


def _place(answer: str, ranking: Ranking) -> int:
    names = [one.answer for one in ranking.best]
    return names.index(answer) + 1 if answer in names else 0


def answered(asked: Sequence[tuple[str, Ranking]], *, thresholds: Thresholds, sure: Sequence[float]) -> Figures:
    """Return how many would be answered, how many of those rightly, and how many that have no answer."""
    limit = thresholds.answer
    sent = [each for each, one in zip(asked, sure, strict=True) if limit is not None and one >= limit]
    answerless = sum(not answer for answer, _ in asked)
    right = sum(_place(answer, ranking) == 1 for answer, ranking in sent if answer)
    return {
        "threshold": None if limit is None else round(limit, 4),
        "answered": round(len(sent) / max(len(asked), 1), 4),
        "answered_of_those_with_an_answer": round(
            sum(bool(answer) for answer, _ in sent) / max(len(asked) - answerless, 1), 4
        ),
        "right_of_those": round(right / max(len(sent), 1), 4),
        "answered_without_an_answer": round(sum(not answer for answer, _ in sent) / max(answerless, 1), 4),
    }


def read_faq_lines(file: Path) -> tuple[list[WayToAsk], list[Evidence]]:
    """Read lines `{"answer": id, "text": a way to ask, "body": optional words of the answer}`."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    ways = [WayToAsk(str(row["answer"]), row["text"], group=str(number)) for number, row in enumerate(rows)]
    bodies = dict.fromkeys((str(row["answer"]), row["body"]) for row in rows if row.get("body"))
    return ways, [Evidence(answer, body) for answer, body in bodies]


def read_questions(file: Path) -> Asked:
    """Read lines `{"answer": id or null, "text": ...}`."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [("" if row["answer"] is None else str(row["answer"]), row["text"]) for row in rows]


_SHIPPED: Final = Path(__file__).parents[2] / "config" / "channels.toml"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--json", action="store_true", help="print only the result")
    parser.add_argument("--faq", type=Path, help="another FAQ, in JSON lines")
    parser.add_argument("--tune", type=Path, help="questions from which the thresholds are chosen")
    parser.add_argument("--questions", type=Path, help="questions that are measured")
    given = parser.parse_args()
    encoder = load_encoder()
    results: Figures = {"encoder": encoder.name if encoder else None}
    if given.faq:
        results |= measure_other(given.faq, tune=given.tune, questions=given.questions, encoder=encoder)
    else:
        if not given.json:
            print("the shipped FAQ ...", file=sys.stderr)
        results |= shipped.measure(_SHIPPED, corpora=given.corpora, encoder=encoder)
    print(json.dumps(results, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
