"""TOML that is parsed once a process, not once for each command and desk of a test. A plain module."""

from __future__ import annotations

import pickle
import tomllib
from functools import lru_cache
from typing import Any

# More than the large files of one run.
_KEPT = 64


def share_parsed_files() -> None:
    """Let a text that was parsed before be given again, in a copy of its own.

    Parsing the shipped words of danger takes 20 ms, a fifth of a command that a test runs in its own process.
    """
    parse = tomllib.loads

    @lru_cache(_KEPT)
    def parsed(text: str) -> bytes:
        return pickle.dumps(parse(text))

    def loads(text: str) -> dict[str, Any]:
        document: dict[str, Any] = pickle.loads(parsed(text))
        return document

    tomllib.loads = loads
