"""How fast the calendar answers, compared with the public business-time libraries, and which answers are right.

    python -m benchmarks.hours --json

All libraries get the same questions in one process: random minutes of 2026, sums of 1 to 40 open hours, and spans
of up to 14 days. "new-york" is a desk that every library can describe; "shanghai" has China's make-up working days.
The libraries of the extra "peers" are in the development lock; business-duration and businesstime can be added.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from importlib.metadata import PackageNotFoundError, version
from itertools import starmap
from operator import eq
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from benchmarks.hours.peers import Desk, Peer, peers
from router.hours.calendar import Calendar
from router.hours.from_settings import build_calendars
from router.hours.holidays import public_holidays
from router.settings import Settings

_OPERATIONS: Final = ("is_open", "add", "elapsed")
# Long enough that other load on the machine shows as noise and not as the result.
_SECONDS_A_MEASUREMENT: Final = 0.5
_YEARS: Final = range(2025, 2029)


@dataclass(frozen=True, slots=True)
class Row:
    """One library, one kind of question.

    zones: see `Peer`.  same: the share of its answers that equal ours.  ours_is_faster: how many times.
    """

    desk: str
    operation: str
    library: str
    version: str
    zones: bool
    per_second: float
    same: float
    ours_is_faster: float


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions to every library, as aware UTC moments."""

    moments: Sequence[datetime]
    sums: Sequence[tuple[datetime, int]]
    stretches: Sequence[tuple[datetime, datetime]]

    def arguments(self, operation: str, moment: Callable[[datetime], Any]) -> list[tuple[Any, ...]]:
        """Return the arguments of each call, with moments converted by `moment`."""
        if operation == "is_open":
            return [(moment(at),) for at in self.moments]
        if operation == "add":
            return [(moment(start), hours) for start, hours in self.sums]
        return [(moment(start), moment(end)) for start, end in self.stretches]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hours", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--questions", type=int, default=2000, help="different questions of each kind")
    options = parser.parse_args()
    questions = _questions(options.questions, seed=7)
    desks = [_desk("new-york", "America/New_York", "US"), _desk("shanghai", "Asia/Shanghai", "CN")]
    rows = [row for desk in desks for row in _compare(desk, questions)]
    absent = peers(desks[0])[1]
    if options.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "absent": absent}, indent=1))
    else:
        _print(rows, absent)


def _questions(count: int, *, seed: int) -> Questions:
    chance = random.Random(seed)
    year = datetime(2026, 1, 1, tzinfo=UTC)

    def moment() -> datetime:
        return year + timedelta(minutes=chance.randrange(365 * 1440))

    starts = [moment() for _ in range(count)]
    return Questions(
        moments=[moment() for _ in range(count)],
        sums=[(moment(), chance.randint(1, 40)) for _ in range(count)],
        stretches=[(start, start + timedelta(minutes=chance.randrange(14 * 1440))) for start in starts],
    )


def _desk(name: str, zone: str, country: str) -> Desk:
    known = public_holidays(country)
    off = frozenset(day for year in _YEARS for day in known.year(year).closed if day.weekday() < 5)
    worked = frozenset(day for year in _YEARS for day in known.year(year).worked)
    nine, six = time_of_day(9), time_of_day(18)
    return Desk(name=name, zone=ZoneInfo(zone), opens=nine, closes=six, off=off, worked=worked)


def _calendar(desk: Desk) -> Calendar:
    """Return our calendar of the desk, with the same dates that the libraries get."""
    hours = f"{desk.opens:%H:%M}-{desk.closes:%H:%M}"
    dates = [{"on": day, "open": [], "why": "off"} for day in sorted(desk.off)]
    dates += [{"on": day, "open": [hours], "why": "worked"} for day in sorted(desk.worked)]
    office = {"timezone": desk.zone.key, "week": {"mon-fri": [hours]}, "dates": dates}
    routes = [{"name": "all", "team": "all"}]
    return build_calendars(Settings.model_validate({"calendars": {"office": office}, "routes": routes}))["office"]


def _compare(desk: Desk, questions: Questions) -> Iterator[Row]:
    calendar = _calendar(desk)
    ours = Peer(
        library="omniyard",
        zones=True,
        moment=lambda at: at,
        utc=lambda at: at,
        is_open=calendar.is_open,
        add=lambda start, hours: calendar.add(start, timedelta(hours=hours)),
        elapsed=calendar.elapsed,
    )
    for operation in _OPERATIONS:
        right, speed = _ask(ours, operation, questions, calendar)
        yield Row(desk.name, operation, "omniyard", _version("omniyard"), True, speed, 1.0, 1.0)
        for peer in peers(desk)[0]:
            if getattr(peer, operation):
                answers, theirs = _ask(peer, operation, questions, calendar)
                same = sum(map(eq, answers, right)) / len(right)
                name = (peer.library, _version(peer.library), peer.zones)
                yield Row(desk.name, operation, *name, theirs, same, speed / theirs)


def _ask(peer: Peer, operation: str, questions: Questions, calendar: Calendar) -> tuple[list[Any], float]:
    """Return the answers, in comparable form, and how many a second."""
    call, arguments = getattr(peer, operation), questions.arguments(operation, peer.moment)
    answers = [call(*each) for each in arguments]
    if operation == "add":
        # Closing time and the next opening are one moment of business time: libraries differ in which one they return.
        answers = [calendar.next_opening(peer.utc(answer)) for answer in answers]
    return answers, _per_second(call, arguments)


def _per_second(call: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> float:
    """Return the best of several rounds: other processes on the machine can only slow a round down."""
    best, spent = float("inf"), 0.0
    while spent < _SECONDS_A_MEASUREMENT:
        start = time.perf_counter()
        deque(starmap(call, arguments), maxlen=0)
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return len(arguments) / best


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "?"


def _print(rows: Sequence[Row], absent: Sequence[str]) -> None:
    table = Table("desk", "question", "library", "zones", box=None)
    for heading in ("a second", "same answers", "ours is faster"):
        table.add_column(heading, justify="right")
    for row in rows:
        name, zones = f"{row.library} {row.version}", "yes" if row.zones else "no"
        faster = f"{row.ours_is_faster:,.1f} x" if row.library != "omniyard" else ""
        table.add_row(row.desk, row.operation, name, zones, f"{row.per_second:,.0f}", f"{row.same:.1%}", faster)
    Console(width=110).print(table)
    if absent:
        print(f"not installed, left out: {', '.join(absent)}")


if __name__ == "__main__":
    main()
