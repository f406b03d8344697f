"""How long to leave a sick channel alone: capped, jittered, pure."""

from __future__ import annotations

from typing import Final

# One second hides a dropped line; five minutes is as long as a desk should not notice that a provider is back.
_FIRST: Final = 1.0
_LONGEST: Final = 300.0

# A provider that refuses us locks accounts that keep knocking: slower from the start, and a quarter of an hour at most.
_FIRST_REFUSED: Final = 30.0
_LONGEST_REFUSED: Final = 900.0


def pause(failures: int, *, chance: float, refused: bool = False) -> float:
    """Return the seconds to wait after so many failures in a row.

    failures: 1 for the first.  chance: a random number in [0, 1) that spreads channels by a fifth to either side.
    refused: the provider said no to us (a wrong password), rather than not answering.
    """
    first, longest = (_FIRST_REFUSED, _LONGEST_REFUSED) if refused else (_FIRST, _LONGEST)
    # The exponent is capped as well: two to the power of a week's failures is no float.
    steady = min(longest, first * 2.0 ** min(failures - 1, 20))
    return steady * (0.8 + 0.4 * chance)
