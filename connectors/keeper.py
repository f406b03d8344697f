"""What the daemon asks of whoever keeps the mail: ownership of a channel, a commit a page, a place to report to.

The daemon knows no database. `workers/intake/intake.py` implements this over the store; the tests do it in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.base import Arrival, Cursor, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a channel is doing, after each poll and each failure.

    error: a sentence for the operator; empty when ok.
    waiting: messages that the provider still has above the cursor, as far as the gate knows.
    held: how many messages the provider says it holds in all; None if it does not say.
    """

    channel: str
    ok: bool
    error: str = ""
    waiting: int = 0
    held: int | None = None


class Ownership(Protocol):
    """The right to poll one channel: a lease row with a fencing token.

    `accept` and `release` are called by the channel's thread, `renew` by another one at the same time, and so is
    `read`, one page at a time.
    Each of them has a deadline of its own well below a minute: the daemon's watchdog counts on it.
    """

    @property
    def cursor(self) -> Cursor | None:
        """Where the channel had got to when the lease was taken; None if it was never read."""

    def read(self, page: Page) -> Sequence[Arrival]:
        """Return the page's messages as they are to be kept, in order; what cannot be read comes as a stub.

        Touches nothing. Raises TransientError when nothing can be read now.
        """

    def accept(self, page: Page, arrivals: Sequence[Arrival]) -> None:
        """Keep the page: messages and cursor in one commit, which hits no row if the lease is gone.

        Returns once it is on disk. After any error the daemon releases, owns again and reads the cursor anew,
        because the outcome of a commit may be unknown.
        Raises LeaseLost when another process owns the channel now, TransientError when it cannot be kept now.
        """

    def renew(self) -> None:
        """Extend the lease. Raises LeaseLost when it is gone, TransientError when the store cannot be reached."""

    def release(self) -> None:
        """Give the lease back so that another process need not wait for its end; never raises."""


class Keeper(Protocol):
    """Whoever keeps the mail. Called by the threads of all channels at the same time."""

    def prepare(self, channel: str) -> None:
        """Load what reading the channel's messages takes. Channels wait here for each other, so it may take minutes.

        Raises TransientError when it cannot be loaded now.
        """

    def own(self, channel: str) -> Ownership | None:
        """Take the channel's lease and read its cursor; None while another process has it.

        Raises TransientError when the store cannot be reached.
        """

    def take(self, page: Page) -> None:
        """Keep a page that was pushed to us; it has neither cursor nor lease, its source keys absorb repeats.

        Returns once it is on disk. Raises TransientError when it cannot be kept now.
        """

    def report(self, report: Report) -> None:
        """Note how a channel is doing, for `omniyard status`; never raises."""
