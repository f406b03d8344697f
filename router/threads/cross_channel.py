"""Recognise a message that a customer sends twice on any channels: compared with the contact's recent messages.

Normalised words are compared, so a different greeting, signature, spelling or form does not matter; numbers,
negations and words that change the meaning must agree (`router.threads.duplicates`). Texts with masked secrets match
only when their originals are equal: two masked cards look alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Final
from uuid import UUID

from router.threads.duplicates import Canonical, canonical, is_part, join_parts, same_canonical, without_part_mark

# How long the same words of a contact count as the same matter.
WITHIN: Final = timedelta(days=1)
# "Hello, are you there?" has no matter.
_SHORTEST: Final = 12
# A shorter part of an earlier message may be a sentence of its own.
_SHORTEST_PIECE: Final = 30
# Texts whose lengths differ by a larger factor are not compared.
_AS_LONG: Final = 1.5
# The replacement of a secret by `router.masking.mask`.
_MASK: Final = "****"
# About 1 kB each.
_KNOWN: Final = 2_048
# A message of more parts is not a split text message.
_MOST_PARTS: Final = 6


@dataclass(frozen=True, kw_only=True)
class EarlierMessage:
    """One message of a contact. text: masked.  echo: of the original words (`duplicates.echo_of`)."""

    message_id: UUID
    conversation_id: UUID
    channel: str
    text: str
    echo: str
    at: datetime

    @cached_property
    def canonical(self) -> Canonical:
        """The normalised text, computed once for all comparisons."""
        return canonical(self.text)


def find_repeated(
    text: str, *, said: Canonical, echo: str, has_secrets: bool, earlier: Sequence[EarlierMessage]
) -> EarlierMessage | None:
    """Return the first of a contact's earlier messages that this one repeats; None if it is new.

    text: the original.  said, echo: of it.  earlier: oldest first.
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
    """Return the ids of nearly equal texts, each once: only for suggestions, because different people write alike.

    text, others: masked. A text with a mask matches nothing: two masked cards look alike.
    """
    said = canonical(text)
    if len(said.key.encode()) < _SHORTEST or _MASK in text:
        return []
    alike = (whose for whose, theirs in others if _MASK not in theirs and same_canonical(said, _known(theirs)))
    return list(dict.fromkeys(alike))


# Conversations that are opened one after the other have the same neighbours.
@lru_cache(maxsize=_KNOWN)
def _known(text: str) -> Canonical:
    return canonical(text)


def _in_parts(said: Canonical, earlier: Sequence[EarlierMessage]) -> EarlierMessage | None:
    """Return the first of the messages on one channel that together, in their order, have this one's text."""
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
