"""A first look at what comes in: what may be an emergency must not wait behind others.

Words of danger are looked for in the beginning of the text, without a model. It decides about the order of routing
alone: routing judges each message as ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from pydantic_core import from_json

from connectors.base import Arrival
from router.settings import Settings
from workers.intake.pair_words import PairWords, build_pair_words

# Customers say at the beginning what happened, and each character costs every message behind it.
_LOOKED_AT: Final = 300


class FirstLook:
    """Finds arrivals that may be emergencies; its methods are thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def urgent(self, arrivals: Sequence[Arrival]) -> frozenset[str]:
        """Return the source keys of those that may be emergencies; none on a desk without such a category."""
        words = self._words
        if words is None:
            return frozenset()
        return frozenset(one.source_key for one in arrivals if not one.unreadable and words.meet(_beginning(one)))

    @cached_property
    def _words(self) -> PairWords | None:
        # Built for the first message, because many processes never see one; two threads would build the same.
        return build_pair_words(self._settings)


def _beginning(arrival: Arrival) -> str:
    envelope = from_json(arrival.envelope)
    words = envelope.get("text") or envelope.get("quoted") or ""
    return f"{envelope.get('subject', '')}\n{words}"[:_LOOKED_AT]
