"""What the customers of a run have in common, by whatever channels they write."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from benchmarks.rig import Rig, Served

_PATIENCE_SECONDS: Final = 900
_LONGEST_ANSWER_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class Books:
    """Each figure is 0 if the promises were kept.

    lost: what was written, or acknowledged, and is in no message.  doubled: what is in several messages.
    """

    lost: int
    doubled: int


class Customers(Protocol):
    """The customers of some channels, with their providers in this process.

    name: begins the names of their figures.  channels: their names.
    changes: whether customers change messages: each change is a row that counts as a duplicate.
    """

    name: str
    channels: tuple[str, ...]
    changes: bool
    secrets: Mapping[str, str]

    @property
    def config(self) -> str:
        """The channels, as TOML; empty if the customers write nothing."""

    @property
    def rows(self) -> int:
        """How many rows of incoming messages they make at least."""

    @property
    def conversations(self) -> int:
        """How many conversations they open."""

    def threads(self, rig: Rig, *, seconds: float) -> Sequence[threading.Thread]:
        """Return the threads that write, spread over `seconds`."""

    def is_drained(self, rig: Rig) -> bool:
        """Return whether nothing of theirs waits in the desk, apart from rows of incoming messages."""

    def books(self, rig: Served) -> Books:
        """Compare what was written with what is in the desk, and the desk's answers with those received."""

    def close(self) -> None:
        """Stop the providers."""


def write_in_turn(writers: Sequence[Callable[[int], None]], *, messages: int, seconds: float) -> list[threading.Thread]:
    """Return a thread for each writer; each gets every n-th number below `messages`, spread over `seconds`."""
    numbers = [range(place, messages, len(writers)) for place in range(len(writers))]
    return [
        threading.Thread(target=_spread, args=(writer, mine), kwargs={"pause": seconds / len(mine)})
        for writer, mine in zip(writers, numbers, strict=True)
        if mine
    ]


def _spread(write: Callable[[int], None], numbers: Sequence[int], *, pause: float) -> None:
    for number in numbers:
        write(number)
        time.sleep(pause)


def post(rig: Served, path: str, *, body: bytes, headers: Mapping[str, str]) -> bytes | None:
    """Return the desk's answer; None if it does not answer, or not with 200."""
    request = urllib.request.Request(f"http://127.0.0.1:{rig.web_port}/{path}", data=body, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=_LONGEST_ANSWER_SECONDS) as answer:
            return bytes(answer.read())
    except OSError:
        return None


def until_taken(attempt: Callable[[], bytes | None], *, what: str) -> bytes:
    """Repeat an attempt until the desk answers it, and return the answer. Raises TimeoutError after a quarter of an hour."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        answer = attempt()
        if answer is not None:
            return answer
        time.sleep(0.2)
    raise TimeoutError(f"the desk did not take {what} within {_PATIENCE_SECONDS} s")


def refund_question(order: int) -> str:
    """Return what a customer writes about an order; each order is another text."""
    return f"The refund of order {order} has not come"
