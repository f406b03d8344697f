"""Errors and warnings about the operator's file, as values: level, place, and what was expected."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Final, Literal

Place = tuple[str | int, ...]
Level = Literal["error", "warning"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
# Long enough to recognise a value, short enough for one line of a terminal.
_LONGEST_VALUE: Final = 60
# An operator may type a password into the wrong key; a message is seen by more people than the file.
_SECRETIVE: Final = re.compile(r"pass|secret|token|credential|(?:^|_)key$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One error or warning.

    place: the keys that lead there; numbers count from 0 within a list.  value: as shown; empty if it must not be.
    line: counted from 1; 0 before `locate` has found it.
    """

    place: Place
    message: str
    value: str = ""
    level: Level = "error"
    line: int = 0

    @property
    def key(self) -> str:
        """The place as the file writes it; numbers count from 1 for people."""
        steps = (f"[{step + 1}]" if isinstance(step, int) else f".{_quoted(step)}" for step in self.place)
        return "".join(steps).removeprefix(".")

    def sentence(self, file: str) -> str:
        """Return the finding as one line: file, line, key, value, and what was expected."""
        where = f"{file}:{self.line}" if self.line else file
        what = f"{self.key} = {self.value}" if self.value else self.key
        return f"{where}: {what}: {self.message}" if what else f"{where}: {self.message}"


def shown(value: object, *, key: str = "") -> str:
    """Return a plain value as the file writes it, shortened; nothing for tables, lists and secrets."""
    if _SECRETIVE.search(key):
        return ""
    if isinstance(value, str):
        text = value if len(value) <= _LONGEST_VALUE else f"{value[: _LONGEST_VALUE - 1]}…"
        return json.dumps(text, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | date) else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint at the known word that `word` may mean, or at all known words."""
    names = sorted(set(known))
    close = get_close_matches(word.lower(), names, n=1)
    if close:
        return f'did you mean "{close[0]}"?'
    return f"expected {listed(names)}" if names else "there are none"


def listed(names: Iterable[str]) -> str:
    """Return names as a list in words: "a", "b" or "c"."""
    quoted = [f'"{name}"' for name in names]
    return " or ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))


def _quoted(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)
