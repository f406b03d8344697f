"""What it costs to start a command, against a Python that imports the libraries which it cannot do without.

`python -m benchmarks.command_starts [--rounds 5] [--json]`: runs the three baselines and every command in turn, each
in a process of its own, and prints the medians of their processor time. `help`, `check`: as a multiple of
`import typer, rich.console`; `status` and `explain` on an empty desk: of `import typer, sqlmodel`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.process_costs import compiled
from cli.main import COMMANDS

_TYPER: Final = "import typer, rich.console"
_SQLMODEL: Final = "import typer, sqlmodel"
_NO_MESSAGE: Final = "01990000-0000-7000-8000-000000000000"
_CLI: Final = ("-m", "cli")

# The words after `python`, and the baseline.
_RUNS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    _TYPER: (("-c", _TYPER), _TYPER),
    _SQLMODEL: (("-c", _SQLMODEL), _SQLMODEL),
    "--help": ((*_CLI, "--help"), _TYPER),
    **{f"{name} --help": ((*_CLI, name, "--help"), _TYPER) for name, _, _ in COMMANDS},
    "check": ((*_CLI, "check"), _TYPER),
    "status": ((*_CLI, "status"), _SQLMODEL),
    "explain": ((*_CLI, "explain", _NO_MESSAGE), _SQLMODEL),
}


def _cpu_seconds(words: Sequence[str], *, folder: Path, environment: Mapping[str, str]) -> float:
    """Return the processor time of one Python process. Its outcome does not matter: no message has that id."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    root = str(Path(__file__).parents[1])
    subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**environment, "PYTHONPATH": root},
        capture_output=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(*, rounds: int) -> dict[str, float]:
    """Return the median processor time of each run, in seconds."""
    times: dict[str, list[float]] = {name: [] for name in _RUNS}
    with tempfile.TemporaryDirectory(prefix="omniyard-starts-") as folder:
        costs = partial(_cpu_seconds, folder=Path(folder), environment=compiled())
        costs((*_CLI, "migrate"))
        for _ in range(rounds):
            for name, (words, _) in _RUNS.items():
                times[name].append(costs(words))
    return {name: median(each) for name, each in times.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.command_starts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    times = measure(rounds=options.rounds)
    rows = [
        {"command": name, "ms": round(1000 * times[name]), "times": round(times[name] / times[base], 2), "of": base}
        for name, (_, base) in _RUNS.items()
    ]
    if options.json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['command']:<28}{row['ms']:>7} ms{row['times']:>7} x {row['of']}")


if __name__ == "__main__":
    main()
