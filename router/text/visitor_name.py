"""What a visitor of the site's chat is called who gave no name: "Visitor 14C7", in the language of the reader."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

_MADE: Final = re.compile(r"(?:访客|Visitor) ([0-9A-F]{4})")
# The handle of such a visitor, which says nothing to a reader.
_HANDLE: Final = re.compile(r"visitor-[0-9a-f]{12}([0-9a-f]{4})")


def visitor_name(session_id: UUID, *, language: str) -> str:
    """Return the name for a visitor without one; the digits tell two of them apart. language: BCP 47."""
    return _name(session_id.hex[-4:].upper(), language)


def in_language(name: str, *, language: str) -> str:
    """Return a name or handle as a reader of the language reads it: one that we made is "Visitor 14C7" there."""
    made = _MADE.fullmatch(name) or _HANDLE.fullmatch(name)
    return _name(made[1].upper(), language) if made else name


def _name(digits: str, language: str) -> str:
    return f"{'访客' if language.startswith('zh') else 'Visitor'} {digits}"
