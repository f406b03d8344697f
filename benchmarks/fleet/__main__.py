"""A fleet on one machine: hosts die, ways between them are cut, databases and brokers fail over, while mail arrives.

    python -m benchmarks.fleet --hold 15 --rate 3 --seed 1 --json
    python -m benchmarks.fleet --asynchronous

Each host is a network namespace: PostgreSQL with two standbys (a commit waits for one of them), Valkey with a replica
and three Sentinels, two connectors, three workers, two webs behind a proxy. It needs root and iproute2 and exits with 0
and a word without them. Every count must be 0, and no path may stand still for 30 s.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import sys
import time
from collections.abc import Sequence

from benchmarks.chaos.chats import Chats
from benchmarks.chaos.ledger import Ledger, read_ledger
from benchmarks.fleet.count import MOST_SECONDS, Takeover, Window, grouped, takeovers
from benchmarks.fleet.desk import has_faketime
from benchmarks.fleet.events import DETECT_SECONDS, Fleet
from benchmarks.fleet.load import Load
from benchmarks.fleet.network import enter_new_world, why_not
from benchmarks.fleet.plan import DATABASES, Event, Happening, make_plan
from benchmarks.fleet.running import Progress, running_fleet, wait_until_working
from benchmarks.rig import wait_until

_DRAIN_SECONDS = 600
_ASYNCHRONOUS_SECONDS = 30
_BEHIND_SECONDS = 2.0


def main() -> None:
    """Run, print the figures, and exit with 1 unless every count is 0 and every takeover in time."""
    arguments = _arguments()
    if reason := why_not():
        print(f"the fleet is not run: {reason}")
        return
    # So that `kill` ends it as Ctrl-C does, with everything stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    enter_new_world()
    sys.exit(_asynchronous(arguments) if arguments.asynchronous else _events(arguments))


def _events(arguments: argparse.Namespace) -> int:
    only = [Happening(word) for word in arguments.only]
    plan = make_plan(seed=arguments.seed, hold=arguments.hold, every_cut=arguments.every_cut, only=only)
    if not has_faketime():
        _say("no clock is shifted: Debian's package faketime is not installed")
        plan = [event for event in plan if event.what is not Happening.CLOCK]
    chats = Chats(messages=0, chance=random.Random(arguments.seed))
    with contextlib.closing(chats), running_fleet(chats) as (fleet, progress):
        load = Load(fleet.desk, chats, rate=arguments.rate, seed=arguments.seed)
        load.start()
        wait_until_working(progress)
        windows = _happen(plan, fleet, progress, minutes=arguments.minutes, first=arguments.first)
        load.stop()
        _drain(progress, load.rows)
        ledger = read_ledger(fleet.desk, load.mailbox(), kills={}, customers=[chats])
        found = _takeovers(windows, progress)
    _print(ledger, found, arguments)
    return 0 if ledger.is_clean and all(each.is_in_time for each in found) else 1


def _happen(plan: Sequence[Event], fleet: Fleet, progress: Progress, *, minutes: float, first: int) -> list[Window]:
    """Do what is planned from an event's number on, or what of it fits into so many minutes; return the windows."""
    windows: list[Window] = []
    end = time.monotonic() + minutes * 60
    for number, event in enumerate(plan[first - 1 :], start=first):
        if time.monotonic() > end:
            _say(f"{len(plan) - number + 1} events are left out: the time is over; `--first {number}` goes on there")
            break
        _say(f"{number} of {len(plan)}: {event.name}")
        windows.append(fleet.happen(event))
        for each in _takeovers(windows[-1:], progress):
            _say(f"    {each.path} stood still for {each.seconds:.1f} s, a message waited {each.waited:.1f} s")
        if ended := fleet.desk.revive():
            _say(f"    ended by themselves: {', '.join(ended)}")
    return windows


def _takeovers(windows: Sequence[Window], progress: Progress) -> list[Takeover]:
    return takeovers(windows, paths=progress.paths(), waits=progress.waits())


def _asynchronous(arguments: argparse.Namespace) -> int:
    """Kill a primary with one standby that no commit waits for; say how many acknowledged mails were lost."""
    chats = Chats(messages=0, chance=random.Random(arguments.seed))
    with contextlib.closing(chats), running_fleet(chats, synchronous=False) as (fleet, progress):
        load = Load(fleet.desk, chats, rate=arguments.rate, seed=arguments.seed)
        load.start()
        wait_until_working(progress)
        time.sleep(_ASYNCHRONOUS_SECONDS)
        known, lost = _lose_primary(fleet, load)
        load.stop()
    figures = {
        "acknowledged by SMTP before the primary died": known,
        "lost of them": lost,
        "seconds that the standby was behind": _BEHIND_SECONDS,
    }
    print(json.dumps(figures) if arguments.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))
    return 0


def _lose_primary(fleet: Fleet, load: Load) -> tuple[int, int]:
    primary, standby = fleet.databases.primary, DATABASES[1]
    # A standby that is a little behind, as it is under load: without this nearly nothing is ever lost on one machine.
    fleet.network.cut(primary, standby, "both")
    time.sleep(_BEHIND_SECONDS)
    fleet.network.hosts[primary].kill()
    before = set(load.acknowledged)
    time.sleep(DETECT_SECONDS)
    fleet.network.heal(standby)
    fleet.databases.promote()
    stored = {row[0] for row in fleet.databases.rows("SELECT rfc_message_id FROM message")}
    waiting = fleet.databases.rows("SELECT envelope FROM inbound WHERE state = 'received'")
    lost = sum(id_ not in stored and not any(id_ in str(row[0]) for row in waiting) for id_ in before)
    return len(before), lost


def _drain(progress: Progress, rows: int) -> None:
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: progress.is_drained(rows), seconds=_DRAIN_SECONDS, every=0.5)


def _print(ledger: Ledger, found: Sequence[Takeover], arguments: argparse.Namespace) -> None:
    figures = ledger.figures() | {"events": len(found), "late": sum(not each.is_in_time for each in found)}
    if arguments.json:
        rows = [{"event": name, "path": each.path, "seconds": round(each.seconds, 1), "waited": round(each.waited, 1)}
                for each in found for name in [each.name]]  # fmt: skip
        print(json.dumps({**figures, "takeovers": rows}))
        return
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print(f"\n{'event':52} {'times':>5} {'stood still':>11} {'longest':>8} {'a message waited':>17}")
    for name, times, median, longest, waited in grouped(found):
        print(f"{name:52} {times:5} {median:10.1f}s {longest:7.1f}s {waited:16.1f}s")
    print(f"\nno path may stand still for {MOST_SECONDS:.0f} s")


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=3.0, help="mails a second; half as many short messages")
    parser.add_argument("--hold", type=float, default=15.0, help="seconds that a host or a way is away")
    parser.add_argument("--minutes", type=float, default=120.0, help="start no event after so many")
    parser.add_argument("--first", type=int, default=1, help="begin with this event of the plan")
    parser.add_argument("--every-cut", action="store_true", help="cut each pair in each way, not in one of them")
    parser.add_argument("--only", nargs="*", default=[], choices=[each.value for each in Happening])
    parser.add_argument("--asynchronous", action="store_true", help="lose a primary with one asynchronous standby")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
