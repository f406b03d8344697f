"""A first look at what comes in: what may be an emergency must not wait behind others.

Words of danger are looked for in the beginning of the text, without a model, and only while so many messages wait that
a person would notice. It decides about the order of routing alone: routing judges each message as ever.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from time import monotonic
from typing import Final

from connectors.base import Arrival
from router.danger.words import WordDetector, build_word_detector
from router.settings import Settings
from store.inbound.accept import MANY, Accepted

# Customers say at the beginning what happened, and each character costs every message behind it.
_LOOKED_AT: Final = 400
# How long it is known how many messages wait; others may have come by another process.
_KNOWN_SECONDS: Final = 1.0


class FirstLook:
    """Marks arrivals that may be emergencies while the desk is behind; its methods are thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting, self._noted_at = MANY, monotonic()
        self._lock = threading.Lock()
        self._built = False
        self._detector: WordDetector | None = None

    def urgent(self, arrivals: Sequence[Arrival]) -> frozenset[str]:
        """Return the source keys of those that may be emergencies; none while few messages wait."""
        few = self._waiting + len(arrivals) < MANY
        if few and monotonic() - self._noted_at < _KNOWN_SECONDS:
            return frozenset()
        detector = self._words()
        if detector is None:
            return frozenset()
        return frozenset(one.source_key for one in arrivals if not one.unreadable and _tells(detector, one))

    def note(self, accepted: Accepted) -> None:
        """Remember how many messages wait."""
        self._waiting, self._noted_at = accepted.waiting, monotonic()

    def _words(self) -> WordDetector | None:
        # Compiled when a desk is behind for the first time: it takes a fifth of a second.
        with self._lock:
            if not self._built:
                self._detector, self._built = build_word_detector(self._settings), True
            return self._detector


def _tells(detector: WordDetector, arrival: Arrival) -> bool:
    envelope = json.loads(arrival.envelope)
    words = envelope.get("text") or envelope.get("quoted") or ""
    return bool(detector.pairs.read(f"{envelope.get('subject', '')}\n{words}"[:_LOOKED_AT]))
