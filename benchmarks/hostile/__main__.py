"""What hostile mails and connections cost: `python -m benchmarks.hostile --json`.

First each mail is read alone (`benchmarks.hostile.mails`), then emergencies arrive while heavy mails wait
(`benchmarks.hostile.queue`), and last connections hold places of the desk (`benchmarks.hostile.connections`).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from benchmarks.hostile import connections, queue
from benchmarks.hostile.mails import NAMES, hostile_mail
from connectors.base import RawMessage
from connectors.email.sandbox.parent import Guard


def measure_mails(names: Sequence[str]) -> Iterator[dict[str, object]]:
    """Read each hostile mail alone, and yield its cost and its outcome."""
    with Guard() as guard:
        guard.normalise_batch([RawMessage(source_key="0", content=b"\n", received_at=datetime.now(UTC))], channel="x")
        for name in names:
            message = RawMessage(source_key=name, content=hostile_mail(name), received_at=datetime.now(UTC))
            started = time.perf_counter()
            (arrival,) = guard.normalise_batch([message], channel="x")
            facts = {"name": name, "bytes": len(message.content), "seconds": round(time.perf_counter() - started, 3)}
            yield facts | {"unreadable": arrival.unreadable}


def measure_queue(arguments: argparse.Namespace) -> dict[str, object]:
    """Send emergencies while heavy mails wait."""
    return queue.measure(emergencies=arguments.emergencies, waiting=arguments.waiting, kind=arguments.database)


def measure_connections(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Hold hostile connections of each kind, and yield what they cost."""
    return connections.measure(connections=arguments.connections, seconds=arguments.seconds)


def main() -> None:
    """Measure what is asked for, and print one line for each result."""
    arguments = _arguments()
    parts = arguments.only or (["mails"] if arguments.names else ["mails", "queue", "connections"])
    if "mails" in parts:
        for facts in measure_mails(arguments.names or NAMES):
            _print(facts, as_json=arguments.json)
    if "queue" in parts:
        _print(measure_queue(arguments), as_json=arguments.json)
    if "connections" in parts:
        for facts in measure_connections(arguments):
            _print(facts, as_json=arguments.json)


def _print(facts: dict[str, object], *, as_json: bool) -> None:
    print(json.dumps(facts) if as_json else "  ".join(f"{name} {value}" for name, value in facts.items()), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="hostile mails to read; all if absent")
    parser.add_argument("--only", nargs="*", choices=["mails", "queue", "connections"], help="all if absent")
    parser.add_argument("--emergencies", type=int, default=200)
    parser.add_argument("--waiting", type=int, default=50, help="heavy mails that wait at any moment")
    parser.add_argument("--connections", type=int, default=500, help="hostile connections of each kind")
    parser.add_argument("--seconds", type=int, default=8, help="how long each kind lasts")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--json", action="store_true", help="print one JSON object per line")
    return parser.parse_args()


if __name__ == "__main__":
    main()
