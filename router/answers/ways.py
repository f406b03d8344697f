"""Ways to ask for an answer, and the words of an answer: what an index is made from, without NumPy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WayToAsk:
    """One way to ask for an answer. group: equal for translations of one sentence; a test holds them back together."""

    answer: str
    text: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of an answer itself."""

    answer: str
    text: str
