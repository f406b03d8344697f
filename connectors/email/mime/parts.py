"""Parse a mail's MIME structure into one tree of parts, the same for both parsers.

The rule: a mail that is one unnamed text has no structure, and is decoded as declared. Any other is read by the fast
parser. Where it refuses, or its result looks wrong (`_looks_wrong` has the signs), the standard library's parser
reads the same bytes again and its result is used. Damaged base64 alone is not a reason: the fast parser gives
the structure, and the damaged part is decoded as far as possible. If a MIME field stands twice in one header
section, the last is read (RFC 8621 section 4.1.3), by both parsers.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_qp, a2b_uu
from email import policy
from email.parser import BytesParser
from functools import lru_cache
from typing import Final

from fast_mail_parser import DecodeError, ParseError, parse_email_tree

from connectors.email.mime import limits, transfer
from connectors.email.mime.headers import Headers, unfold
from connectors.email.mime.html import take_pictures
from connectors.email.mime.repair import fitting_type, last_fields_only, mechanism, mend
from connectors.email.mime.tree import (
    MIME_FIELDS,
    RAW_BASE64,
    RAW_QUOTED,
    Oddity,
    ParsedTree,
    Part,
    TreeCopy,
    UnreadableMail,
)

# The lines of a file have no lower-case letter, so no line is scanned twice, however many files begin.
_FILE: Final = re.compile(
    rb"^begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n((?:[ -`]{0,90}\r?\n)+)end[ \t]*\r?$\n?",
    re.MULTILINE,
)
_MOST: Final = 50


def take_files(content: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Return the text without its files, and each file's name and bytes."""
    if b"begin " not in content:
        return content, []
    files: list[tuple[str, bytes]] = []

    def take(match: re.Match[bytes]) -> bytes:
        files.append((match[1].decode("utf-8", "replace").strip(), _decode(match[2])))
        return b""

    return _FILE.sub(take, content, count=_MOST), files


def _decode(lines: bytes) -> bytes:
    return b"".join(_line(line) for line in lines.splitlines() if line)


def _line(line: bytes) -> bytes:
    # Some encoders pad a line beyond its count; the count in its first character is right.
    for candidate in (line, line[: (((line[0] - 32) & 63) * 4 + 5) // 3], line[: 1 + ((line[0] - 32) & 63) // 3 * 4]):
        try:
            return a2b_uu(candidate)
        except Error:
            continue
    return b""


__all__ = ["ParsedTree", "Part", "UnreadableMail", "read_parts"]

# The standard library takes 0.1 ms per part and a stack frame per level: it does not get mail beyond these.
_SECOND_OPINION_DELIMITERS: Final = 4 * limits.PARTS
# RFC 2045 section 6.3 lets private encodings begin with x-; these are older than that rule.
_UUENCODE: Final = {"x-uuencode", "uuencode", "uue", "x-uue"}
# `multipart/mixed boundary=...`, as some scripts write it.
_UNPARTED: Final = re.compile(r"(content-type:\s*multipart/[a-z]+)\s+(?=boundary)", re.IGNORECASE)
# For mail in lower case: a pattern that ignores case, or begins with `^`, scans every byte.
_ENCODED_FIELD: Final = re.compile(rb"\ncontent-transfer-encoding[ \t]*:[ \t]*(base64|quoted-printable)\b")
# RFC 2046 section 5.1.1: a boundary has at most 70 characters and does not end in a blank. A field of the part stands
# below a delimiter; a line that a person draws has none.
_DELIMITER: Final = re.compile(
    rb"^--([0-9A-Za-z'()+_,./:=?-]{1,70})[ \t]*\r?\n(?=(?:[Cc][Oo][Nn][Tt][Ee][Nn][Tt]|[Xx])-[!-9;-~]{1,70}:)",
    re.MULTILINE,
)
# A text and its charset, and no more: no name, no boundary.
_SINGLE_TEXT: Final = re.compile(
    r"""\s*(text/[a-z0-9.+-]{1,40})\s*(?:;\s*(?:charset|format|delsp)\s*=\s*"?[a-z0-9_.:-]{1,40}"?\s*)*;?\s*""",
    re.IGNORECASE,
)
# This pattern's cost grows with the square of a run of blanks.
_LONGEST_SINGLE: Final = 200


def read_parts(headers: Headers, body: bytes) -> ParsedTree:
    """Parse the mail that `open_mail` split.

    Raises UnreadableMail when neither parser can read it within the limits.
    """
    return _single_text(headers, body) or _read_fast(headers, body)


def _single_text(headers: Headers, body: bytes) -> ParsedTree | None:
    """Read a mail that is one unnamed text; None if it is more."""
    found = headers.fields
    types = found.get("content-type", ())
    declared = unfold(fitting_type(types, body)) if len(types) > 1 else headers.last("content-type")
    declared = declared or "text/plain"
    media_type = _single_type(declared) if len(declared) <= _LONGEST_SINGLE else ""
    if not media_type or "content-disposition" in found:
        return None
    encoding = mechanism(headers.last("content-transfer-encoding").lower())
    defects: dict[str, None] = {}
    if encoding == "quoted-printable":
        if not body.isascii():
            defects[transfer.NOT_QUOTED] = None
        body = a2b_qp(body)
    elif encoding == "base64":
        return _single_base64(media_type, declared, body)
    elif encoding not in {"", "7bit", "8bit", "binary"}:
        return None
    root = Part(media_type, {"content-type": declared}, content=body)
    return _complete(root, parts=[root], defects=defects)


def _single_base64(media_type: str, declared: str, body: bytes) -> ParsedTree:
    root = Part(media_type, {"content-type": declared})
    plain = media_type == "text/plain"
    found = transfer.read_text(body, root.parameters.get("charset", ""), is_plain=plain)
    root.content, root.charset, root.footer = found.data, found.charset, found.footer
    return _complete(root, parts=[root], defects={found.defect: None} if found.defect else {})


@lru_cache(maxsize=256)
def _single_type(declared: str) -> str:
    """Return the media type that the field declares; empty if the field is not just one text and its charset."""
    match = _SINGLE_TEXT.fullmatch(declared)
    return match[1].lower() if match is not None else ""


def _read_fast(headers: Headers, body: bytes) -> ParsedTree:
    # The parsers get only the MIME fields: no other field of the header section can break them.
    fields = "".join(f"{name}: {_root_field(headers, name, body)}\n" for name in MIME_FIELDS if name in headers.fields)
    unparted = _UNPARTED.match(fields)
    if unparted is not None:
        fields = f"{unparted[1]}; {fields[unparted.end() :]}"
    raw = b"%s\n%s" % (fields.encode("latin-1"), body)
    try:
        copy, root = _copied(raw, headers=headers, body=body)
        mended = mend(raw, copy.all, signs=copy.signs) if copy.signs else raw
        if mended is not raw:
            copy, root = _copied(mended, headers=headers, body=body)
        why = _looks_wrong(copy.all) if copy.signs else ""
    except (ParseError, ValueError) as error:
        why = f"the fast parser refused it ({type(error).__name__})"
    return (
        _second_opinion(raw, headers=headers, why=why) if why else _complete(root, parts=copy.all, defects=copy.defects)
    )


def _root_field(headers: Headers, name: str, body: bytes) -> str:
    values = headers.fields[name]
    value = (fitting_type(values, body) if len(values) > 1 and name == "content-type" else values[-1]).rstrip()
    return mechanism(value) if name == "content-transfer-encoding" else value


def _copied(raw: bytes, *, headers: Headers, body: bytes) -> tuple[TreeCopy, Part]:
    copy = TreeCopy(headers, body)
    try:
        root = copy.copy_fast(parse_email_tree(raw, mode="lazy"))
        if Oddity.CONTRADICTED not in copy.signs:
            return copy, root
    except DecodeError:
        pass
    copy = TreeCopy(headers, body)
    return copy, copy.copy_fast(parse_email_tree(_undecoded(raw), mode="lazy"))


def _undecoded(raw: bytes) -> bytes:
    """Return the mail with both encodings declared as ones that the fast parser does not decode."""
    pieces: list[bytes] = []
    end = 0
    # The line break in front, which lets the first field match, shifts all positions by one.
    for match in _ENCODED_FIELD.finditer(b"\n" + raw.lower()):
        pieces += raw[end : match.start(1) - 1], RAW_BASE64.encode() if match[1] == b"base64" else RAW_QUOTED.encode()
        end = match.end(1) - 1
    return b"".join((*pieces, raw[end:]))


def _looks_wrong(parts: list[Part]) -> str:
    for part in parts:
        if part.is_container and not part.children:
            return "a multipart without parts"
        if " " in part.media_type or "/" not in part.media_type:
            return "a media type that is none"
        if part.fields.get("content-transfer-encoding", "").strip().lower() in _UUENCODE:
            return "an encoding that the fast parser leaves alone"
    return ""


def _second_opinion(raw: bytes, *, headers: Headers, why: str) -> ParsedTree:
    if raw.count(b"\n--") > _SECOND_OPINION_DELIMITERS or raw.lower().count(b"boundary=") > limits.DEPTH * 2:
        raise UnreadableMail(f"The mail has more parts or levels than we read: {why}.")
    copy = TreeCopy(headers, raw)
    try:
        root = copy.copy_standard(BytesParser(policy=policy.compat32).parsebytes(last_fields_only(raw)))
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError, AssertionError) as error:
        kind = type(error).__name__
        raise UnreadableMail(f"Neither parser can read the mail: {why}, and the second ended with {kind}.") from error
    copy.defects[f"Read a second time: {why}."] = None
    for part in copy.all[:]:
        if part.is_container and not part.children and part.content:
            _split_by_guess(part, copy)
    return _complete(root, parts=copy.all, defects=copy.defects)


def _split_by_guess(part: Part, copy: TreeCopy) -> None:
    """Parse a multipart whose boundary is missing or misspelt, by the first line that looks like a delimiter."""
    match = _DELIMITER.search(part.content)
    if match is None:
        return
    raw = b'Content-Type: multipart/mixed; boundary="%s"\n\n%s' % (match[1], part.content[match.start() :])
    try:
        children = parse_email_tree(raw, mode="lazy").children
        part.children = copy.graft(children)
    except (ParseError, ValueError):
        return
    if part.children:
        part.content = b""
        copy.defects["A multipart's boundary is missing or misspelt; it was opened by its first delimiter."] = None


def _complete(root: Part, *, parts: list[Part], defects: dict[str, None]) -> ParsedTree:
    """Take the files out of texts and the pictures out of pages.

    They are numbered after all parts, so that no part's number changes.
    """
    files: list[Part] = []
    for part in parts:
        if part.disposition == "attachment":
            continue
        if part.media_type == "text/plain" and b"begin " in part.content:
            part.content, found = take_files(part.content)
            for name, content in found:
                number = len(parts) + len(files)
                files.append(Part("application/octet-stream", {}, "attachment", name, content, number=number))
        elif part.media_type == "text/html" and b":image/" in part.content:
            part.content, pictures = take_pictures(part.content, first=len(parts) + len(files))
            for identifier, kind, content in pictures:
                number = len(parts) + len(files)
                files.append(Part(kind, {"content-id": identifier}, "inline", "", content, number=number))
    return ParsedTree(root, (*parts, *files), tuple(files), tuple(defects))
