"""What happens to a fleet in one run, in which order: a seed decides, and every pair that talks is cut."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

DATABASES: Final = ("pg-a", "pg-b", "pg-c")
BROKERS: Final = ("valkey-a", "valkey-b")
WATCH: Final = "sentinel"
CONNECTORS: Final = ("connectors-a", "connectors-b")
WORKERS: Final = ("worker-a", "worker-b", "worker-c")
WEBS: Final = ("web-a", "web-b")
OURS: Final = (*CONNECTORS, *WORKERS, *WEBS)
HOSTS: Final = (*DATABASES, *BROKERS, WATCH, *OURS)

CUTS: Final = ("both", "there", "back", "slow", "lossy")
"""How a way is spoilt: no packet passes, none from one to the other, none back, few a second, or one in five is lost."""
_PARTING: Final = frozenset({"both", "there", "back"})

PRIMARY: Final = "the primary"
STANDBY: Final = "a standby"
MASTER: Final = "the master"
REPLICA: Final = "its replica"


class Happening(StrEnum):
    """What is done to the fleet."""

    KILL = "kill"
    CUT = "cut"
    SWITCH_DATABASE = "switch the database"
    SWITCH_BROKER = "switch the broker"
    CLOCK = "clock"
    UPGRADE = "upgrade"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happens. one, other: hosts, or roles that are looked up when it happens.  how: of `CUTS`.

    holds: how many seconds until it is made good again.
    """

    what: Happening
    one: str = ""
    other: str = ""
    how: str = ""
    holds: float = 0.0

    @property
    def name(self) -> str:
        """How the table calls it."""
        pair = f"{self.one} - {self.other}" if self.other else self.one
        return " ".join(word for word in (self.what.value, pair, self.how) if word)


def talking_pairs() -> list[tuple[str, str]]:
    """Return every pair of hosts or roles of which one connects to the other."""
    pairs = [(host, role) for host in OURS for role in (PRIMARY, MASTER)]
    pairs += [(host, WATCH) for host in OURS]
    pairs += [(standby, PRIMARY) for standby in ("the first standby", "the second standby")]
    pairs += [(REPLICA, MASTER), (WATCH, MASTER), (WATCH, REPLICA)]
    return pairs


def make_plan(*, seed: int, hold: float, every_cut: bool = False, only: Sequence[Happening] = ()) -> list[Event]:
    """Return the events of a run. hold: seconds of an event that takes a host or a way from the fleet.

    every_cut: cut each pair in each way; else each pair in one way, and each way about as often.
    only: these kinds of events alone.
    """
    chance = random.Random(seed)
    events = [*_kills(hold), *_cuts(chance, hold=hold, every_cut=every_cut)]
    events += [Event(what=Happening.SWITCH_DATABASE, holds=hold), Event(what=Happening.SWITCH_BROKER, holds=hold)]
    events += [Event(what=Happening.CLOCK, one=host, how=by, holds=hold) for host, by in _clocks()]
    chance.shuffle(events)
    # In the middle, so that both releases see everything.
    events.insert(len(events) // 2, Event(what=Happening.UPGRADE, holds=hold))
    return [event for event in events if not only or event.what in only]


def _kills(hold: float) -> Iterator[Event]:
    # By role, so that a run always kills the primary and the master.
    roles = (PRIMARY, STANDBY, MASTER, REPLICA, WATCH)
    for one in (*roles, *OURS):
        yield Event(what=Happening.KILL, one=one, holds=hold)


def _cuts(chance: random.Random, *, hold: float, every_cut: bool) -> Iterator[Event]:
    pairs = talking_pairs()
    first = chance.randrange(len(CUTS))
    for place, (one, other) in enumerate(pairs):
        for how in CUTS if every_cut else (CUTS[(first + place) % len(CUTS)],):
            holds = hold if how in _PARTING else hold / 2
            yield Event(what=Happening.CUT, one=one, other=other, how=how, holds=holds)


def _clocks() -> Sequence[tuple[str, str]]:
    return (("connectors-a", "+60s"), ("worker-a", "-60s"), ("web-a", "+60s"))
