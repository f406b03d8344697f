"""How well the desk classifies: `python -m benchmarks.understanding --corpora ../shared/corpora --json`.

Intents on other people's sentences, masking, duplicates, language, cost; each with its baselines, in the same run.
`--quick` takes fewer folds and draws. BLAS is limited to one thread, as in a worker.
"""

from __future__ import annotations

import os

# Read once, when numpy is imported: two processes that each use all cores wait for each other most of the time.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.understanding import danger as measured
from benchmarks.understanding import danger_curve, intents, planted_desk, texts
from benchmarks.understanding.intents import Result, Sentence
from router.classify import build_classifier
from router.classify.encoder import Encoder, load_encoder
from router.classify.trainer import examples_of, train
from router.settings import load_settings
from router.settings.intents import load_intents

_SHIPPED = Path(__file__).parents[2] / "config" / "channels.toml"


@dataclass(frozen=True, slots=True)
class Bench:
    """The input of a measurement. banking, inside, outside: empty where the corpora are absent.  folder: of them."""

    encoder: Encoder | None
    banking: list[Sentence]
    inside: list[Sentence]
    outside: list[Sentence]
    quick: bool
    folder: Path


def measure_masking(bench: Bench) -> Result:
    """Count secrets left, and false alarms; then the secrets left anywhere after a run through a whole desk."""
    made = texts.masking(count=5_000)
    spine = planted_desk.search(count=500 if bench.quick else 5_000)
    return {**made, "banking77": texts.masking_of(bench.banking), "whole_spine": spine}


def measure_duplicates(bench: Bench) -> Result:
    """Count re-sends found and look-alikes merged, and time a look-up."""
    return {
        **texts.duplicates(count=20_000),
        "strangers": texts.strangers_alike(bench.banking, sample=500 if bench.quick else 1_500),
        "look_up": texts.look_up(stored=100_000 if bench.quick else 1_000_000),
    }


def measure_language(bench: Bench) -> Result:
    """Count sentences whose language is detected."""
    return texts.language(bench.banking)


def measure_remarks(bench: Bench) -> Result:
    """Count what is taken for no matter, of the corpora and the shipped examples."""
    settings = load_settings(_SHIPPED)
    strangers = [one.text for part in (bench.banking, bench.inside, bench.outside) for one in part]
    unlabelled = bench.folder / "ordinary_bank_zh.jsonl"
    if unlabelled.exists():
        strangers += [json.loads(line)["text"] for line in unlabelled.read_text(encoding="utf-8").splitlines()]
    shipped = [one.text for one in examples_of(settings, load_intents(_SHIPPED, settings))]
    return {"corpora": texts.remarks(strangers), "shipped_examples": texts.remarks(shipped)}


def measure_banking77(bench: Bench) -> Result:
    """Cross-validate on all 77 intents."""
    return intents.banking77(bench.banking, encoder=bench.encoder, folds=range(1 if bench.quick else 3))


def measure_few_shot(bench: Bench) -> Result:
    """Train on ten sentences per intent."""
    return intents.few_shot(bench.banking, encoder=bench.encoder, draws=2 if bench.quick else 5)


def measure_clinc150(bench: Bench) -> Result:
    """Detect out-of-scope sentences."""
    return intents.clinc150(bench.inside, bench.outside, encoder=bench.encoder)


def measure_danger(bench: Bench) -> Result:
    """Count whom the shipped desk calls, and what it marks."""
    return measured.danger(bench.folder, encoder=bench.encoder)


def measure_danger_curve(bench: Bench) -> Result:
    """Count the same for models that learnt from fewer negatives; about three minutes of two cores each."""
    return danger_curve.danger_curve(bench.folder, encoder=bench.encoder)


def measure_wallet(bench: Bench) -> Result:
    """Classify with the shipped desk."""
    return intents.wallet(bench.banking, encoder=bench.encoder)


def measure_cost(bench: Bench) -> Result:
    """Time each step on the shipped sentences and BANKING77's, which are not in the model."""
    settings = load_settings(_SHIPPED)
    shipped = examples_of(settings, load_intents(_SHIPPED, settings))
    model = train(shipped, encoder=bench.encoder)
    ways = {"by_rules": build_classifier(settings), "without_encoder": build_classifier(settings, model=model)}
    overheard = texts.Overheard(bench.encoder) if bench.encoder else None
    if overheard:
        ways["with_encoder"] = build_classifier(settings, model=model, encoder=overheard)
    mix = [one.text for pair in zip(bench.banking, shipped, strict=False) for one in pair][:2_000]
    return texts.cost(mix or [one.text for one in shipped], ways=ways, overheard=overheard)


_NEED_CORPORA = ("danger", "danger_curve", "banking77", "few_shot", "clinc150", "wallet")
_MEASUREMENTS: dict[str, Callable[[Bench], Result]] = {
    "masking": measure_masking,
    "duplicates": measure_duplicates,
    "language": measure_language,
    "remarks": measure_remarks,
    "cost": measure_cost,
    "danger": measure_danger,
    "wallet": measure_wallet,
    "clinc150": measure_clinc150,
    "few_shot": measure_few_shot,
    "banking77": measure_banking77,
    "danger_curve": measure_danger_curve,
}
# Measured only when named.
_ON_REQUEST = frozenset({"danger_curve"})


def main() -> None:
    """Run the selected measurements, and print the results."""
    asked = _arguments()
    folder = asked.corpora / "intents"
    bench = Bench(
        encoder=load_encoder(),
        banking=_corpus(folder / "banking77_train.jsonl"),
        inside=_corpus(folder / "clinc150_val.jsonl"),
        outside=_corpus(folder / "clinc150_oos_val.jsonl"),
        quick=asked.quick,
        folder=folder,
    )
    results: Result = {"encoder": bench.encoder.name if bench.encoder else None}
    for name in asked.only or [each for each in _MEASUREMENTS if each not in _ON_REQUEST]:
        if name in _NEED_CORPORA and not bench.banking:
            results[name] = f"skipped: {folder} is absent"
            continue
        if not asked.json:
            print(f"{name} ...", file=sys.stderr)
        results[name] = _MEASUREMENTS[name](bench)
    print(texts.as_json(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--json", action="store_true", help="print only the result")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", choices=list(_MEASUREMENTS))
    return parser.parse_args()


def _corpus(path: Path) -> list[Sentence]:
    return intents.read_corpus(path) if path.exists() else []


if __name__ == "__main__":
    main()
