"""The file with every line of the desk's processes, also those that the terminal does not show."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import IO, Final

# Some days of a busy desk; one older file of the same size is kept.
_LARGEST_BYTES: Final = 20 * 1024 * 1024


class LogFile:
    """Appends lines; a full file becomes `NAME.1`. A disk that takes no line never stops the desk."""

    def __init__(self, path: Path, *, largest: int = _LARGEST_BYTES) -> None:
        self.path, self._largest = path, largest
        self._file: IO[str] | None = None

    def write(self, line: str) -> None:
        """Append one line."""
        with suppress(OSError):
            self._opened().write(f"{line}\n")

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    def _opened(self) -> IO[str]:
        if self._file is not None and self._file.tell() > self._largest:
            self.close()
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8", errors="replace", buffering=1)
        return self._file
