"""What one customer said twice, on whatever channel: a message against what the same contact said not long before.

Bare words are compared, so that a greeting, a signature, a typo or the other channel's form hides nothing; numbers,
negations and turns of meaning must agree (`router.threads.duplicates`). Texts whose secrets are masked match only when
their originals are equal: two cards look alike once they are stars.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from uuid import UUID

from router.threads.duplicates import Canonical, canonical, is_part, join_parts, same_canonical, without_part_mark

# How long after a contact's words the same words are the same matter.
WITHIN: Final = timedelta(days=1)
# "Hello, are you there?" is no matter of its own.
_SHORTEST: Final = 12
# A shorter piece of an earlier message may be a sentence of its own.
_SHORTEST_PIECE: Final = 30
# How far the lengths may lie apart before comparing is in vain.
_AS_LONG: Final = 1.5
# What `router.masking.mask` leaves of a secret.
_MASK: Final = "****"
# A text message of more parts is a letter.
_MOST_PARTS: Final = 6


@dataclass(frozen=True, kw_only=True)
class EarlierMessage:
    """One message of a contact. text: masked.  echo: of the words as they came (`duplicates.echo_of`)."""

    message_id: UUID
    conversation_id: UUID
    channel: str
    text: str
    echo: str
    at: datetime

    @cached_property
    def canonical(self) -> Canonical:
        """The text made comparable: once, however many messages are compared with it."""
        return canonical(self.text)


def find_repeated(
    text: str, *, said: Canonical, echo: str, has_secrets: bool, earlier: Sequence[EarlierMessage]
) -> EarlierMessage | None:
    """Return the first of a contact's earlier messages that this one says again; None if it is new.

    text: as it came.  said, echo: of it.  earlier: oldest first.
    """
    if len(said.key.encode()) < _SHORTEST:
        return None
    for each in earlier:
        if echo and each.echo == echo:
            return each
    if has_secrets:
        return None
    bare = without_part_mark(text)
    piece = said if bare == text else canonical(bare)
    long_enough = len(said.key.encode()) >= _SHORTEST_PIECE
    for each in earlier:
        if same_canonical(said, each.canonical) or (long_enough and is_part(piece, each.canonical)):
            return each
    return _in_parts(said, earlier)


def find_alike(text: str, others: Iterable[tuple[UUID, str]]) -> list[UUID]:
    """Return whose texts nearly say the same, each once: for a suggestion, because different people write alike.

    text, others: masked. What has a mask in it is like nothing: two cards look alike once they are stars.
    """
    said = canonical(text)
    if len(said.key.encode()) < _SHORTEST or _MASK in text:
        return []
    alike = (whose for whose, theirs in others if _MASK not in theirs and same_canonical(said, canonical(theirs)))
    return list(dict.fromkeys(alike))


def _in_parts(said: Canonical, earlier: Sequence[EarlierMessage]) -> EarlierMessage | None:
    """Return the first of those messages on one channel that together, as they came, say what this one does."""
    for channel in dict.fromkeys(each.channel for each in earlier):
        parts = [each for each in earlier if each.channel == channel]
        for first in range(len(parts) - 1):
            for last in range(first + 2, min(first + _MOST_PARTS, len(parts)) + 1):
                joined = join_parts([each.text for each in parts[first:last]])
                if len(joined) > _AS_LONG * len(said.words) or len(said.words) > _AS_LONG * len(joined):
                    continue
                if same_canonical(said, canonical(joined)):
                    return parts[first]
    return None
