"""How the desk does as its database grows: every operation at 10,000 messages, ten times as many, up to millions.

    python -m benchmarks.growth --messages 100000 --database postgresql --json
    python -m benchmarks.growth --messages 10000000 --database postgresql --folder /data/growth --json

Conversations that the product really routed, answered and closed are copied with other ids, times, customers and words,
in bulk, all their rows, spread over two years; three of a hundred are open, 2,000 at most. At each size the product's own functions
are timed on the grown database and, call by call in turn, on a copy that has 10,000 messages: a ratio compares two
calls of the same moment, so it holds on a busy machine too. Each call is made again at once: by then nothing of it has
to come from the disk, which the small database never needs. What the mails of a run open is closed at its end.

With --folder what was loaded stays there, and the next run goes on from it. A run that is interrupted (Ctrl-C) or
would leave less than 10 GB of the disk says so, and prints what it has measured.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import structlog

from benchmarks.growth.bulk_load import PROCESSES, Loader, count_messages
from benchmarks.growth.databases import Store, opened_store
from benchmarks.growth.desk import GrowthDesk
from benchmarks.growth.measure import measure
from benchmarks.growth.operations import look_at
from benchmarks.growth.patterns import SHAPES, Pattern, make_patterns
from benchmarks.growth.plan import SMALLEST, missed_goals, sizes_to
from store.db.engine import Database

_GROWN, _BASE, _SMALL, _PATTERNS = "growth", "growth_base", "growth_small", "growth_patterns"
# Of a busy machine's calls one in twenty waits for a processor; more of them make the 95th percentile steadier.
_CALLS: Final = 200
_FIGURES: Final = "figures.json"


def main() -> None:
    """Grow, measure, print; the exit code is 1 when the largest size misses a goal and --strict was given."""
    arguments = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    # A shell that starts it in the background has it ignore Ctrl-C.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
    with _folder(arguments.folder) as folder, opened_store(arguments.database, folder) as store:
        figures = Growth(store, arguments).run()
    _show(figures, as_json=arguments.json)
    if arguments.strict and figures["missed_goals"]:
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000, help="the largest size")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--folder", type=Path, help="where the databases lie and stay; without it they are removed")
    parser.add_argument("--processes", type=int, default=PROCESSES, help="that load, on PostgreSQL; more on busy cores")
    parser.add_argument("--calls", type=int, default=_CALLS, help="of each operation, at each size")
    parser.add_argument("--strict", action="store_true", help="fail when a goal is missed")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


@contextlib.contextmanager
def _folder(chosen: Path | None) -> Iterator[Path]:
    if chosen is not None:
        yield chosen.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="omniyard-growth-") as folder:
        yield Path(folder)


class Growth:
    """One run."""

    def __init__(self, store: Store, arguments: argparse.Namespace) -> None:
        self._store, self._arguments = store, arguments
        self._started = time.monotonic()
        self._kept = store.folder / _FIGURES
        self._sizes: dict[str, Any] = json.loads(self._kept.read_text()) if self._kept.exists() else {}

    def run(self) -> dict[str, Any]:
        """Grow and measure as far as it goes; return the figures."""
        ended = ""
        try:
            self._make_base()
            for size in sizes_to(self._arguments.messages):
                if not ended and str(size) not in self._sizes:
                    ended = self._at(size)
        except KeyboardInterrupt:
            ended = "The run was interrupted; with the same --folder it goes on from here."
        return self._report(ended)

    @cached_property
    def _patterns(self) -> list[Pattern]:
        self._say("routing the patterns")
        self._store.remove(_PATTERNS)
        desk = GrowthDesk(self._store.open(_PATTERNS), self._store.folder)
        try:
            return make_patterns(desk, shapes=[*SHAPES, *SHAPES])
        finally:
            desk.close()
            self._store.remove(_PATTERNS)

    def _make_base(self) -> None:
        database = self._store.open(_BASE)
        try:
            self._grow(database, size=SMALLEST)
        finally:
            database.close()
        if not self._store.has(_GROWN):
            self._store.copy(_BASE, _GROWN).close()

    def _at(self, size: int) -> str:
        """Grow to a size and measure; return why it is smaller, in a sentence."""
        database = self._store.open(_GROWN)
        why = self._grow(database, size=size)
        reached = count_messages(database) if why else size
        grown = GrowthDesk(database, self._store.folder)
        small = GrowthDesk(self._store.copy(_BASE, _SMALL), self._store.folder)
        try:
            prefix = f"s{reached}t{int(time.time())}n"
            subjects = (look_at(desk, prefix=prefix) for desk in (grown, small))
            found = measure(*subjects, calls=self._arguments.calls, say=lambda what: self._say(f"{reached:,}: {what}"))
        finally:
            grown.close()
            small.close()
        self._sizes[str(reached)] = found
        self._kept.write_text(json.dumps(self._sizes))
        return why

    def _grow(self, database: Database, *, size: int) -> str:
        loader = Loader(
            database=database,
            patterns=lambda: self._patterns,
            folder=self._store.folder,
            say=self._say,
            processes=self._arguments.processes,
        )
        with self._store.loading():
            return loader.grow_to(size)

    def _report(self, ended: str) -> dict[str, Any]:
        sizes = sorted(map(int, self._sizes))
        missed: list[str] = []
        if sizes:
            largest = self._sizes[str(sizes[-1])]
            ratios = {name: figures["ratio_p95"] for name, figures in largest["operations"].items()}
            again = {
                name: each["again"]["ratio_p95"] for name, each in largest["operations"].items() if "again" in each
            }
            missed = missed_goals(ratios, again=again, intake=largest["intake"]["ratio"])
        return {
            "database": self._arguments.database,
            "largest_size": sizes[-1] if sizes else 0,
            "ended": ended or "All sizes were reached.",
            "missed_goals": missed,
            "sizes": {str(size): self._sizes[str(size)] for size in sizes},
        }

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._started:8.0f} s  {what}", file=sys.stderr, flush=True)


def _show(figures: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for size, found in figures["sizes"].items():
        print(f"{int(size):,} messages, {found['bytes_a_message']:,} bytes each; intake {found['intake']}")
        for name, each in found["operations"].items():
            again = f", again {each['again']['ratio_p95']}" if "again" in each else ""
            times = f"{each['grown']['p50']:9.1f} {each['grown']['p95']:9.1f} ms"
            print(f"  {name:28} {times}   x {each['ratio_p95']}{again}")
    for line in [*figures["missed_goals"], figures["ended"]]:
        print(line)


if __name__ == "__main__":
    main()
