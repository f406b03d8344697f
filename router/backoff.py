"""How long to wait after failures in a row: one arithmetic for channels, senders, webhooks and processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

# The exponent is bounded too: two to the power of a week's failures is no float.
_MOST_STEPS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits that grow from `first` to `longest`.

    growth: factor from one wait to the next.  spread: fraction by which waits are spread to either side, so that
    parties that failed together do not return together.
    """

    first: timedelta
    longest: timedelta
    growth: float = 2.0
    spread: float = 0.0

    def after(self, failures: int, *, chance: float = 0.5) -> timedelta:
        """Return the wait after so many failures in a row.

        failures: 1 for the first.  chance: a random number in [0, 1); 0.5 waits exactly as long as the figures say.
        """
        steps = min(failures - 1, _MOST_STEPS)
        steady = min(self.longest, self.first * self.growth**steps)
        return steady * (1 - self.spread + 2 * self.spread * chance)
