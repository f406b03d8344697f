"""Open a mail's MIME structure: one tree of parts, whichever of two parsers read it.

The rule: the fast parser reads. Where it refuses, or what it read looks wrong (`_looks_wrong` has the signs),
the standard library's parser reads the same bytes again and its reading stands.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.generator import BytesGenerator
from email.message import Message
from email.parser import BytesParser
from typing import Final

from fast_mail_parser import ParseError, PyLazyMimePart, parse_email_tree

from connectors.email import charsets, limits
from connectors.email.headers import Headers, decode_words, unfold
from connectors.email.parameters import parameters
from connectors.email.uuencode import take_files
from router.errors import PermanentError

# The standard library takes 0.1 ms a part and a frame a level: beyond these it is not asked.
_SECOND_OPINION_DELIMITERS: Final = 4 * limits.PARTS
_FIELDS: Final = ("content-type", "content-transfer-encoding", "content-disposition", "content-id")
# RFC 2045 section 6.3 lets private encodings begin with x-; these are older than it.
_UUENCODE: Final = {"x-uuencode", "uuencode", "uue", "x-uue"}
# `multipart/mixed boundary=...`, as some scripts write it.
_UNPARTED: Final = re.compile(r"^(content-type:\s*multipart/[a-z]+)\s+(?=boundary)", re.IGNORECASE)
_RAW: Final = policy.compat32.clone(max_line_length=0)


class Unreadable(PermanentError):
    """The mail cannot be read within its limits."""


@dataclass(slots=True)
class Part:
    """One node of a mail.

    disposition: `inline`, `attachment` or another word; empty if none is given.
    filename: as the sender gave it, decoded (RFC 2183 section 2.3; the Content-Type's `name` failing that).
    number: its place in a walk of the whole tree, the root being 0.
    """

    media_type: str
    fields: dict[str, str]
    disposition: str = ""
    filename: str = ""
    content: bytes = b""
    children: list[Part] = field(default_factory=list)
    number: int = 0

    @property
    def is_container(self) -> bool:
        """True for `multipart/*`, whose content is its children."""
        return self.media_type.startswith("multipart/")

    @property
    def content_id(self) -> str:
        """The part's Content-ID (RFC 2392) without angle brackets; empty if it has none."""
        return self.fields.get("content-id", "").strip("<> \t")

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the Content-Type field."""
        return parameters(self.fields.get("content-type", ""))

    def walk(self) -> Iterator[Part]:
        """Yield this part and all below it, depth first."""
        pending = [self]
        while pending:
            part = pending.pop()
            yield part
            pending.extend(reversed(part.children))


@dataclass(frozen=True, slots=True)
class Reading:
    """A mail's tree, the files that were found within its texts, and what was wrong with it, in words."""

    root: Part
    files: tuple[Part, ...] = ()
    defects: tuple[str, ...] = ()

    def leaves(self) -> Iterator[Part]:
        """Yield every part that has content of its own."""
        yield from (part for part in self.root.walk() if not part.children)
        yield from self.files


def read_parts(headers: Headers, body: bytes) -> Reading:
    """Open the mail that `open_mail` split.

    Raises Unreadable when neither parser can read it within the limits.
    """
    # The parsers get the MIME fields and no others: what else stands in the header section cannot hurt them.
    fields = "".join(f"{name}: {headers.fields[name][0].rstrip()}\n" for name in _FIELDS if name in headers.fields)
    if "multipart" in fields.lower():
        fields = _UNPARTED.sub(r"\1; ", fields)
    raw = b"%s\n%s" % (fields.encode("latin-1"), body)
    try:
        walk = _Walk(headers, body)
        root = walk.fast(parse_email_tree(raw, mode="lazy"))
        why = _looks_wrong(root)
    except (ParseError, ValueError) as error:
        why = f"the fast parser refused it ({type(error).__name__})"
    if why:
        return _second_opinion(raw, headers, why)
    return _complete(root, walk)


def _looks_wrong(root: Part) -> str:
    for part in root.walk():
        if part.is_container and not part.children:
            return "a multipart without parts"
        if " " in part.media_type or "/" not in part.media_type:
            return "a media type that is none"
        if part.fields.get("content-transfer-encoding", "").strip().lower() in _UUENCODE:
            return "an encoding that the fast parser leaves alone"
    return ""


def _second_opinion(raw: bytes, headers: Headers, why: str) -> Reading:
    if raw.count(b"\n--") > _SECOND_OPINION_DELIMITERS or raw.lower().count(b"boundary=") > limits.DEPTH * 2:
        raise Unreadable(f"The mail has more parts or levels than we read: {why}.")
    try:
        walk = _Walk(headers, raw)
        root = walk.standard(BytesParser(policy=policy.compat32).parsebytes(raw))
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError, AssertionError) as error:
        kind = type(error).__name__
        raise Unreadable(f"Neither parser can read the mail: {why}, and the second ended with {kind}.") from error
    walk.defects[f"Read a second time: {why}."] = None
    return _complete(root, walk)


def _complete(root: Part, walk: _Walk) -> Reading:
    """Take uuencoded files out of the texts; they are numbered after all parts, so that no part's number moves."""
    files: list[Part] = []
    for part in root.walk():
        if part.media_type == "text/plain" and part.disposition != "attachment" and b"begin " in part.content:
            part.content, found = take_files(part.content)
            for name, content in found:
                number = walk.parts + len(files)
                files.append(Part("application/octet-stream", {}, "attachment", name, content, number=number))
    return Reading(root, tuple(files), tuple(walk.defects))


class _Walk:
    """Copies a parser's tree into ours, within the limits, and notes what was left out."""

    def __init__(self, headers: Headers, body: bytes) -> None:
        self._hint = headers.hint
        self._body = body
        self.parts = 0
        self.defects: dict[str, None] = {}

    def fast(self, node: PyLazyMimePart, depth: int = 1) -> Part:
        """Copy a tree of the fast parser's. Its header values are decoded, 8-bit ones as if they were Latin."""
        fields = {name.lower(): values[0] for name, values in node.headers.items() if name.lower() in _FIELDS}
        part = self._part(node.content_type.lower(), fields)
        if node.filename:
            part.filename = self._fast_name(node.filename, fields)
        children = node.children
        if children and not node.is_message:
            part.children = [self.fast(child, depth + 1) for child in children if self._takes(depth + 1)]
            _unglue(part)
        elif not part.is_container:
            part.content = node.content or b""
        return part

    def standard(self, message: Message[str, str], depth: int = 1) -> Part:
        """Copy a tree of the standard library's."""
        fields = {
            name.lower(): unfold(self._text(value)) for name, value in message.raw_items() if name.lower() in _FIELDS
        }
        part = self._part(message.get_content_type(), fields)
        part.filename = _given_name(fields)
        payload = message.get_payload()
        inner = [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []
        if not inner:
            content = message.get_payload(decode=True)
            part.content = content if isinstance(content, bytes) else b""
        elif part.media_type.startswith("message/"):
            part.content = b"\n".join(map(_bytes_of, inner))
        else:
            part.children = [self.standard(child, depth + 1) for child in inner if self._takes(depth + 1)]
            _unglue(part)
        return part

    def _part(self, media_type: str, fields: dict[str, str]) -> Part:
        number, self.parts = self.parts, self.parts + 1
        disposition = fields.get("content-disposition", "").partition(";")[0].strip().lower()
        return Part(media_type, fields, disposition, number=number)

    def _takes(self, depth: int) -> bool:
        """Say whether one more part at that depth may be copied."""
        if depth > limits.DEPTH:
            self.defects[f"Parts below level {limits.DEPTH} were not read."] = None
        elif self.parts >= limits.PARTS:
            self.defects[f"Parts beyond the first {limits.PARTS} were not read."] = None
        else:
            return True
        return False

    def _fast_name(self, name: str, fields: dict[str, str]) -> str:
        if name.isascii() and "=?" not in name and "*" not in fields.get("content-disposition", ""):
            return name if _has_type(fields) else _given_name(fields)
        if max(name) < "\u0100" and not name.isascii() and not self._body.isascii():
            written = name.encode("latin-1")
            # Only if the mail holds these very bytes were they written raw; else they were decoded from a word.
            if written in self._body:
                return charsets.decode(written, hint=self._hint)
        return _given_name(fields) or decode_words(name)

    def _text(self, value: object) -> str:
        """Return a field of the standard library's, its raw bytes decoded."""
        text = str(value)
        return text if text.isascii() else charsets.decode(text.encode("utf-8", "surrogateescape"), hint=self._hint)


def _has_type(fields: dict[str, str]) -> bool:
    return not fields.get("content-disposition", "").lstrip().startswith(";")


def _given_name(fields: dict[str, str]) -> str:
    # RFC 2183 section 2: without a type it is no Content-Disposition, and what follows in it names nothing.
    name = parameters(fields.get("content-disposition", "")).get("filename", "") if _has_type(fields) else ""
    return name or parameters(fields.get("content-type", "")).get("name", "")


def _unglue(part: Part) -> None:
    """Cut the closing delimiter off a last text that has no line break before it, as some scripts send it."""
    last = part.children[-1] if part.children else None
    boundary = part.parameters.get("boundary", "")
    if last is not None and boundary and last.media_type.startswith("text/"):
        end = f"--{boundary}--".encode("utf-8", "replace")
        stripped = last.content.rstrip()
        if stripped.endswith(end):
            last.content = stripped.removesuffix(end)


def _bytes_of(message: Message[str, str]) -> bytes:
    sink = io.BytesIO()
    BytesGenerator(sink, mangle_from_=False, policy=_RAW).flatten(message)
    return sink.getvalue()
