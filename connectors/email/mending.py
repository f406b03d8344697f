"""Settle what a mail's MIME structure leaves open, so that any parser reads the same from it.

Both cases are forbidden, and both are sent; where a standard says which reading to prefer, that one is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from connectors.email.tree import MIME_FIELDS, Part

# A delimiter's line and the fields below it; each line is taken or left by its first character, so this is linear.
_SECTION: Final = re.compile(rb"^--[^\r\n]*\r?\n((?:[ \t].*\n|[!-9;-~]+[ \t]*:.*\n)++)", re.MULTILINE)
_MIME_FIELD: Final = re.compile(rb"^(%s)[ \t]*:" % "|".join(MIME_FIELDS).encode(), re.IGNORECASE | re.MULTILINE)
# Set before the name of a field that another one supersedes; nothing reads fields of that name.
_SUPERSEDED: Final = b"X-Superseded-"
# Set before a boundary; behind it, parsers that compare beginnings would still see the boundary around it.
_INNER: Final = b"inner-"


def mend(raw: bytes, parts: Sequence[Part]) -> bytes:
    """Return the mail with its open questions settled; the same bytes if the parts show none."""
    if any(part.doubled for part in parts):
        raw = last_fields_only(raw)
    empty = [part for part in parts if not part.children and part.is_container]
    if empty:
        outer = {part.parameters.get("boundary", "") for part in parts if part.children}
        boundaries = (part.parameters.get("boundary", "") for part in empty)
        ambiguous = next((each for each in boundaries if each.endswith("--") and each[:-2] in outer), "")
        # One is what was seen; each costs a look through the whole mail.
        raw = _with_own_boundary(raw, ambiguous.encode("utf-8", "replace")) if ambiguous else raw
    return raw


def last_fields_only(raw: bytes) -> bytes:
    """Rename every MIME field of a part that another of its name follows: RFC 8621 section 4.1.3 reads the last."""
    return _SECTION.sub(lambda match: _settled(match[0]), raw)


def _settled(section: bytes) -> bytes:
    last = {field[1].lower(): field.start() for field in _MIME_FIELD.finditer(section)}

    def name(field: re.Match[bytes]) -> bytes:
        return field[0] if field.start() == last[field[1].lower()] else _SUPERSEDED + field[0]

    return _MIME_FIELD.sub(name, section)


def _with_own_boundary(raw: bytes, boundary: bytes) -> bytes:
    """Give a multipart another boundary, whose delimiter reads as the end of the multipart around it.

    RFC 2046 section 5.1.1 forbids such a boundary. While a multipart is open its own delimiters come first: it must
    have a part, and the one around it cannot end before.
    """
    delimiter = b"\n--" + boundary
    first = raw.find(delimiter)
    declared = raw.rfind(boundary, 0, max(first, 0))
    if declared < 0:
        return raw
    end = raw.find(delimiter + b"--", first)
    end = end + len(delimiter) if end >= 0 else len(raw)
    named = raw[:declared] + _INNER + raw[declared:first]
    return named + raw[first:end].replace(delimiter, b"\n--" + _INNER + boundary) + raw[end:]
