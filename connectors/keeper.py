"""The daemon's interface to the store: ownership of a channel, a commit per batch, a place for reports.

The daemon has no database. `workers/intake/intake.py` implements this with the store; the tests do it in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from connectors.base import Arrival, Batch, Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The state of a channel, after each poll and each failure.

    error: a sentence for the operator; empty when ok.
    waiting: messages that the provider still has above the cursor, if the gate knows.
    held: all messages at the provider; None if it does not report it.
    refused: of a gate, how much it refused or put off since the last report, by the limit that was reached.
    """

    channel: str
    ok: bool
    error: str = ""
    waiting: int = 0
    held: int | None = None
    refused: Mapping[str, int] = field(default_factory=dict)


class Ownership(Protocol):
    """The right to poll one channel: a lease row with a fencing token.

    The channel's thread calls `accept` and `release`; other threads call `renew` and, one batch at a time, `read`.
    Each has a deadline well below a minute: the daemon's watchdog relies on it.
    """

    @property
    def cursor(self) -> Cursor | None:
        """The channel's cursor when the lease was taken; None if it was never read."""

    def read(self, batch: Batch) -> Sequence[Arrival]:
        """Return the batch's messages ready to be stored, in order; a message that cannot be parsed becomes a stub.

        Changes nothing. Raises TransientError when nothing can be parsed now.
        """

    def accept(self, batch: Batch, arrivals: Sequence[Arrival]) -> None:
        """Store the batch: messages and cursor in one commit, which fails if the lease is gone.

        Returns once it is on disk. After any error the daemon releases, owns again and reads the cursor again,
        because the outcome of a commit may be unknown.
        Raises LeaseLost when another process owns the channel now, TransientError when it cannot be stored now.
        """

    def renew(self) -> None:
        """Extend the lease. Raises LeaseLost when it is gone, TransientError when the store cannot be reached."""

    def release(self) -> None:
        """Release the lease so that another process need not wait for its end; never raises."""


class Keeper(Protocol):
    """Stores the mail. The threads of all channels call it at the same time."""

    def prepare(self, channel: str) -> None:
        """Load what reading the channel's messages takes. Channels wait here for each other, so it may take minutes.

        Raises TransientError when it cannot be loaded now.
        """

    def own(self, channel: str) -> Ownership | None:
        """Take the channel's lease and read its cursor; None while another process has it.

        Raises TransientError when the store cannot be reached.
        """

    def take(self, batch: Batch) -> None:
        """Store a batch that a gate received; it has neither cursor nor lease, its source keys detect repetitions.

        Returns once it is on disk. Raises TransientError when it cannot be stored now.
        """

    def take_wake(self, topic: str) -> str:
        """Take what a callback left for a topic; empty for nothing, and when the store cannot be reached."""

    def report(self, report: Report) -> None:
        """Record the state of a channel, for `omniyard status`; never raises."""
