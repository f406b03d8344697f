"""Resolve ambiguities in a mail's MIME structure, so that every parser reads the same structure.

Standards forbid each of them, and senders send them; where a standard names the preferred reading, it is used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from connectors.email.mime.tree import MIME_FIELDS, Oddity, Part

# A delimiter's line and the fields below it; the first character of each line decides, so this is linear.
_SECTION: Final = re.compile(rb"^--[^\r\n]*\r?\n((?:[ \t].*\n|[!-9;-~]+[ \t]*:.*\n)++)", re.MULTILINE)
_MIME_FIELD: Final = re.compile(rb"^(%s)[ \t]*:" % "|".join(MIME_FIELDS).encode(), re.IGNORECASE | re.MULTILINE)
# RFC 2045 section 6.1 allows only these names, and RFC 822 section 3.4.3 allows comments around them; some
# senders write quotes, a semicolon or blanks, which parsers take for a part of the name.
_MECHANISM: Final = re.compile(
    r"[\s\"']*(?:\([^()]*\)\s*)?(7bit|8bit|binary|quoted-printable|base64)(?=[\s\"';,(]|$).*", re.IGNORECASE | re.DOTALL
)
_ENCODING: Final = re.compile(rb"^(content-transfer-encoding[ \t]*:)([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
# Written before the name of a field that a later one supersedes; no code reads fields of that name.
_SUPERSEDED: Final = b"X-Superseded-"
# Written before a boundary; after it, parsers that compare only beginnings would still match the outer boundary.
_INNER: Final = b"inner-"


def mend(raw: bytes, parts: Sequence[Part], *, signs: AbstractSet[Oddity]) -> bytes:
    """Return the mail with its ambiguities resolved; the same bytes if there are none.

    signs: the oddities of the parts as the fast parser read them.
    """
    if Oddity.DOUBLED in signs:
        raw = last_fields_only(raw)
    if Oddity.ENCODING in signs and any(_is_dressed(part) for part in parts):
        raw = _SECTION.sub(lambda match: _ENCODING.sub(_bare, match[0]), raw)
    if Oddity.HEADLESS in signs:
        raw = _with_empty_lines(raw, parts)
    if Oddity.EMPTY in signs:
        outer = {part.parameters.get("boundary", "") for part in parts if part.children}
        empty = (part.parameters.get("boundary", "") for part in parts if part.is_container and not part.children)
        ambiguous = next((each for each in empty if each.endswith("--") and each[:-2] in outer), "")
        # Only one was seen in practice; each one costs a scan of the whole mail.
        raw = _with_own_boundary(raw, ambiguous.encode("utf-8", "replace")) if ambiguous else raw
    return raw


def mechanism(value: str) -> str:
    """Return only the name of one of RFC 2045's encodings; any other value unchanged."""
    match = _MECHANISM.fullmatch(value)
    return match[1] if match is not None else value


def _is_dressed(part: Part) -> bool:
    encoding = part.fields.get("content-transfer-encoding", "")
    return mechanism(encoding) != encoding


def _bare(field: re.Match[bytes]) -> bytes:
    return field[1] + b" " + mechanism(field[2].decode("latin-1")).encode("latin-1")


def _with_empty_lines(raw: bytes, parts: Sequence[Part]) -> bytes:
    """Insert the empty line where a text directly follows a delimiter; without it the text would be read as fields.

    A field's name has no blanks and a colon after it (RFC 5322 section 2.2), so the standard library ends a header
    section at a line without one. Only the first line counts here: a later one may be an unfolded rest of a field.
    """
    boundaries = {part.parameters.get("boundary", "") for part in parts if part.children} - {""}
    names = b"|".join(re.escape(each.encode("utf-8", "replace")) for each in sorted(boundaries))
    delimiter = rb"^(--(?:%s)[ \t]*\r?\n)(?![\r\n \t]|>?From |[!-9;-~]+[ \t]*:)(?=.*\n)" % names
    return re.sub(delimiter, rb"\1\n", raw, flags=re.MULTILINE) if names else raw


def last_fields_only(raw: bytes) -> bytes:
    """Rename each MIME field that a later one of its name follows: RFC 8621 section 4.1.3 reads the last."""
    return _SECTION.sub(lambda match: _settled(match[0]), raw)


def _settled(section: bytes) -> bytes:
    last = {field[1].lower(): field.start() for field in _MIME_FIELD.finditer(section)}

    def name(field: re.Match[bytes]) -> bytes:
        return field[0] if field.start() == last[field[1].lower()] else _SUPERSEDED + field[0]

    return _MIME_FIELD.sub(name, section)


def _with_own_boundary(raw: bytes, boundary: bytes) -> bytes:
    """Give a multipart another boundary if its delimiter reads as the end of the multipart around it.

    RFC 2046 section 5.1.1 forbids such a boundary. While a multipart is open its own delimiters come first: it must
    have a part, and the outer one cannot end before.
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
