"""Resolve ambiguities in a mail's MIME structure, so that every parser reads the same structure.

Standards forbid each of them, and senders send them; where a standard names the preferred reading, it is used.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from connectors.email.mime.tree import MIME_FIELDS, Oddity, Part, parameters

# A delimiter's line and the fields below it; the first character of each line decides, so this is linear.
_SECTION: Final = re.compile(rb"^--[^\r\n]*\r?\n((?:[ \t].*\n|[!-9;-~]+[ \t]*:.*\n)++)", re.MULTILINE)
_MIME_FIELD: Final = re.compile(rb"^(%s)[ \t]*:" % "|".join(MIME_FIELDS).encode(), re.IGNORECASE | re.MULTILINE)
# RFC 2045 section 6.1 allows only these names, and RFC 822 section 3.4.3 allows comments around them; some
# senders write quotes, a semicolon or blanks, which parsers take for a part of the name.
_MECHANISM: Final = re.compile(
    r"[\s\"']*(?:\([^()]*\)\s*)?(7bit|8bit|binary|quoted-printable|base64)(?=[\s\"';,(]|$).*", re.IGNORECASE | re.DOTALL
)
_HEAD: Final = 2_000
_PREAMBLE: Final = re.compile(rb"mime|multi-?part", re.IGNORECASE)
_FIELD_REST: Final = re.compile(rb".*(?:\n[ \t].*)*")
_ENCODING: Final = re.compile(rb"^(content-transfer-encoding[ \t]*:)([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
# Written before the name of a field that a later one supersedes; no code reads fields of that name.
_SUPERSEDED: Final = b"X-Superseded-"
# Written before a boundary; after it, parsers that compare only beginnings would still match the outer boundary.
_INNER: Final = b"inner-"
# Each costs a scan of the whole mail.
_MOST_SHARED: Final = 3


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
        empty = [part.parameters.get("boundary", "") for part in parts if part.is_container and not part.children]
        ambiguous = next((each for each in empty if each.endswith("--") and each[:-2] in outer), "")
        # Only one was seen in practice; each one costs a scan of the whole mail.
        raw = _with_own_boundary(raw, ambiguous.encode("utf-8", "replace")) if ambiguous else raw
        for shared in [each for each in dict.fromkeys(empty) if each in outer][:_MOST_SHARED]:
            raw = _with_inner_boundaries(raw, shared.encode("utf-8", "replace"))
    return raw


def _with_inner_boundaries(raw: bytes, boundary: bytes) -> bytes:
    """Give each multipart another boundary that has the one of a multipart around it, which RFC 2046 forbids.

    From its declaration on the delimiters are its own until one ends it; those below belong to the one around it.
    """
    level = -1
    name = re.escape(boundary)

    def own(match: re.Match[bytes]) -> bytes:
        nonlocal level
        if match[1] is not None:
            level = min(level + 1, _MOST_SHARED)
            return match[1] + _INNER * level + boundary
        delimiter = b"\n--" + _INNER * max(level, 0) + boundary
        if match[2]:
            level = max(level - 1, 0)
        return delimiter + (match[2] or b"")

    pattern = rb"(\bboundary[ \t]*=[ \t]*\"?)%s(?![0-9A-Za-z'()+_,./:=?-])|\n--%s(--)?(?=[ \t]*\r?(?:\n|\Z))" % (
        name,
        name,
    )
    return re.sub(pattern, own, raw, flags=re.IGNORECASE)


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
    """Rename each MIME field that a later one of its name follows: RFC 8621 section 4.1.3 reads the last.

    Of two Content-Type fields the one that fits the body is read: see `fitting_type`.
    """
    return _SECTION.sub(lambda match: _settled(match[0], raw[match.end() : match.end() + _HEAD]), raw)


def fitting_type(declared: Sequence[str], body: bytes) -> str:
    """Return the Content-Type, of several, that fits the body; the last one if all or none do.

    A multipart fits if its boundary comes before any words but those for programs that know no MIME; another type fits
    if no multipart does.  body: its beginning is enough.
    """
    head = body[:_HEAD]
    for value in declared[: -_MOST_SHARED - 1 : -1]:
        boundary = parameters(value).get("boundary", "") if "multipart/" in value.lower() else ""
        preamble, found, _ = (b"\n" + head).partition(f"\n--{boundary}".encode("utf-8", "replace"))
        if boundary and found and (not preamble.strip() or _PREAMBLE.search(preamble)):
            return value
    others = [value for value in declared if "multipart/" not in value.lower()]
    return others[-1] if others else declared[-1]


def _settled(section: bytes, body: bytes) -> bytes:
    last = {field[1].lower(): field.start() for field in _MIME_FIELD.finditer(section)}
    types = [field for field in _MIME_FIELD.finditer(section) if field[1].lower() == b"content-type"]
    if len(types) > 1 and b"multipart/" in section.lower():
        values = [_value(section, field.end()) for field in types]
        last[b"content-type"] = types[values.index(fitting_type(values, body))].start()

    def name(field: re.Match[bytes]) -> bytes:
        return field[0] if field.start() == last[field[1].lower()] else _SUPERSEDED + field[0]

    return _MIME_FIELD.sub(name, section)


def _value(section: bytes, start: int) -> str:
    """Return the field's value that begins there, with its folds."""
    match = _FIELD_REST.match(section, start)
    return match[0].decode("latin-1") if match is not None else ""


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
