"""A mail's parts as our own tree, copied from either parser's within the limits."""

from __future__ import annotations

import io
import re
from binascii import a2b_qp
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import policy
from email.errors import HeaderParseError
from email.generator import BytesGenerator
from email.message import Message
from enum import Enum, auto
from functools import lru_cache
from itertools import islice
from typing import Final
from urllib.parse import unquote_to_bytes

from fast_mail_parser import ParseError, PyLazyMimePart

from connectors.email.mime import charsets, limits, transfer
from connectors.email.mime.headers import Headers, decode_words, unfold
from router.errors import PermanentError

_PARAMETER: Final = re.compile(r""";\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;]*))""", re.DOTALL)
_NAME: Final = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
_ESCAPED: Final = re.compile(r'\\(["\\])')
# Honest fields have fewer than ten; attacks with 3,000 were seen.
_MOST: Final = 100
# Most mail declares its parts in the same few ways, so parsed values are cached. Longer values are not.
_USUAL_CHARACTERS: Final = 120


def parameters(value: str) -> Mapping[str, str]:
    """Return the parameters of a field, names in lower case, values decoded; the first of a name wins."""
    if ";" not in value:
        return {}
    return _usual(value) if len(value) <= _USUAL_CHARACTERS else _read(value)


@lru_cache(maxsize=256)
def _usual(value: str) -> Mapping[str, str]:
    return _read(value)


def _read(value: str) -> dict[str, str]:
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in islice(_PARAMETER.finditer(value), _MOST):
        name, text = match[1].lower(), match[2] if match[2] is not None else match[3].strip()
        parsed = _NAME.fullmatch(name)
        if match[2] is not None:
            text = _ESCAPED.sub(r"\1", text)
        if parsed is None or (parsed[2] is None and parsed[3] is None):
            plain.setdefault(name, decode_words(text))
        else:
            pieces.setdefault(parsed[1], {}).setdefault(int(parsed[2] or 0), (text, bool(parsed[3])))
    return plain | {name: _joined(parts) for name, parts in pieces.items()}


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    """Join the numbered pieces of a value (RFC 2231 section 4.1)."""
    charset, content = "", b""
    for number, (piece, extended) in sorted(parts.items()):
        text = piece
        if extended and number == 0 and text.count("'") >= 2:
            charset, _, text = piece.split("'", 2)
        elif extended and number == 0 and charsets.codec_for(text.partition("'")[0]):
            charset, _, text = text.partition("'")
        content += unquote_to_bytes(text) if extended else text.encode("utf-8", "surrogateescape")
    return decode_words(charsets.decode(content, charset))


# The fields of a part that are read; the parsers get them in this order.
MIME_FIELDS: Final = ("content-type", "content-transfer-encoding", "content-disposition", "content-id")
# What `parts` writes in place of `base64` and `quoted-printable` to get a part's bytes undecoded.
RAW_BASE64: Final = "x-base64"
RAW_QUOTED: Final = "x-quoted-printable"
_FIELDS: Final = frozenset(MIME_FIELDS)
# RFC 2045 section 6.1, as programs spell them.
_USUAL_ENCODINGS: Final = frozenset({"", "7bit", "8bit", "binary", "base64", "quoted-printable"})
_RAW: Final = policy.compat32.clone(max_line_length=0)
# What `str.splitlines` treats as the end of a line, unless a blank follows.
_STRAY_BREAK: Final = re.compile(r"[\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029](?![ \t])")


class UnreadableMail(PermanentError):
    """The mail cannot be read within its limits."""


class Oddity(Enum):
    """What is unusual in the fast parser's copy and needs a closer look."""

    # A MIME field stands more than once in one header section, with different values.
    DOUBLED = auto()
    # An encoding with other characters around its name, or one that the parser does not decode.
    ENCODING = auto()
    # The lines in the place of a part's fields hold no MIME field.
    HEADLESS = auto()
    # A multipart without parts.
    EMPTY = auto()
    # An invalid media type.
    TYPE = auto()
    # A text whose bytes are not encoded as its label says.
    CONTRADICTED = auto()


@dataclass(slots=True)
class Part:
    """One node of a mail.

    disposition: `inline`, `attachment` or another word; empty if none is given.
    filename: as the sender gave it, decoded (RFC 2183 section 2.3; without one, the Content-Type's `name`).
    number: its position in a walk of the whole tree; the root is 0.
    charset: that of a text's content if it is not the one that the Content-Type declares.
    footer: the words that a gateway wrote below a text's encoded ones.
    """

    media_type: str
    fields: dict[str, str]
    disposition: str = ""
    filename: str = ""
    content: bytes = b""
    children: list[Part] = field(default_factory=list)
    number: int = 0
    charset: str = ""
    footer: str = ""

    @property
    def is_container(self) -> bool:
        """True for `multipart/*`, whose content is its children."""
        return self.media_type.startswith("multipart/")

    @property
    def content_id(self) -> str:
        """The part's Content-ID (RFC 2392) without angle brackets; empty if it has none."""
        return self.fields.get("content-id", "").strip("<> \t")

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the Content-Type field."""
        return parameters(self.fields.get("content-type", ""))


@dataclass(frozen=True, slots=True)
class ParsedTree:
    """A mail's tree.

    parts: all of it, by number.  files: those that were found within its texts.
    defects: what was wrong with it, in words.
    """

    root: Part
    parts: tuple[Part, ...]
    files: tuple[Part, ...] = ()
    defects: tuple[str, ...] = ()

    def leaves(self) -> Iterator[Part]:
        """Return every part that has content of its own."""
        return (part for part in self.parts if not part.children)


class TreeCopy:
    """Copies a parser's tree into ours, within the limits, and notes what was left out.

    all: the copied parts, by number.  defects: sentences, each once.
    signs: what is odd in a copy of the fast parser's tree.
    """

    def __init__(self, headers: Headers, body: bytes) -> None:
        self._hint = headers.hint
        self._body = body
        self.all: list[Part] = []
        self.defects: dict[str, None] = {}
        self.signs: set[Oddity] = set()
        self._is_ascii: bool | None = None

    def copy_fast(self, node: PyLazyMimePart, depth: int = 1) -> Part:
        """Copy a tree of the fast parser. It decodes header values, 8-bit ones as if they were Latin-1."""
        fields, doubled = _fields_of(node)
        kind = node.content_type.lower()
        part = self._part(kind, fields)
        encoding = fields.get("content-transfer-encoding", "")
        headless = not fields and depth > 1 and bool(node.headers)
        if doubled or headless or encoding not in _USUAL_ENCODINGS or " " in kind or "/" not in kind:
            self._look_at(part, doubled=doubled, headless=headless)
        filename = node.filename
        if filename:
            part.filename = self._fast_name(filename, fields)
        elif "name" in fields.get("content-disposition", "") or "name" in fields.get("content-type", ""):
            part.filename = _given_name(fields)
        children = node.children
        if children and not node.is_message:
            part.children = [self.copy_fast(child, depth + 1) for child in children if self._takes(depth + 1)]
            _unglue(part)
        elif not kind.startswith("multipart/"):
            part.content = node.content or b""
            if encoding in {RAW_BASE64, RAW_QUOTED}:
                self._decoded(part, part.content, encoding=encoding)
            elif encoding[:1] in {"q", "Q", "b", "B"} and self._suspects(part, encoding.lower()):
                self.signs.add(Oddity.CONTRADICTED)
        else:
            self.signs.add(Oddity.EMPTY)
        return part

    def graft(self, nodes: list[PyLazyMimePart]) -> list[Part]:
        """Copy the fast parser's trees of what was found within a part, numbered after all others.

        Raises ParseError, and keeps no part of them, if one cannot be decoded.
        """
        count = len(self.all)
        try:
            return [self.copy_fast(node, limits.DEPTH // 2) for node in nodes if self._takes(limits.DEPTH // 2)]
        except ParseError:
            del self.all[count:]
            raise

    def copy_standard(self, message: Message[str, str], depth: int = 1) -> Part:
        """Copy a tree of the standard library."""
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
            encoding = fields.get("content-transfer-encoding", "").lower()
            if encoding == "base64" and self._suspects(part, encoding):
                written = str(message.get_payload()).encode("utf-8", "surrogateescape")
                self._decoded(part, written, encoding=RAW_BASE64)
        elif part.media_type.startswith("message/"):
            part.content = b"\n".join(map(_bytes_of, inner))
        else:
            part.children = [self.copy_standard(child, depth + 1) for child in inner if self._takes(depth + 1)]
            _unglue(part)
        return part

    def _look_at(self, part: Part, *, doubled: bool, headless: bool) -> None:
        if doubled:
            self.signs.add(Oddity.DOUBLED)
        if headless:
            self.signs.add(Oddity.HEADLESS)
        if part.fields.get("content-transfer-encoding", "") not in _USUAL_ENCODINGS:
            self.signs.add(Oddity.ENCODING)
        if " " in part.media_type or "/" not in part.media_type:
            self.signs.add(Oddity.TYPE)

    def _part(self, media_type: str, fields: dict[str, str]) -> Part:
        given = fields.get("content-disposition")
        disposition = given.partition(";")[0].strip().lower() if given else ""
        part = Part(media_type, fields, disposition, number=len(self.all))
        self.all.append(part)
        return part

    def _takes(self, depth: int) -> bool:
        """Return whether one more part at that depth may be copied."""
        if depth > limits.DEPTH:
            self.defects[f"Parts below level {limits.DEPTH} were not read."] = None
        elif len(self.all) >= limits.PARTS:
            self.defects[f"Parts beyond the first {limits.PARTS} were not read."] = None
        else:
            return True
        return False

    def _fast_name(self, name: str, fields: dict[str, str]) -> str:
        if '"' in name:
            # The fast parser ends a quoted name at a semicolon, and keeps the marks of quoted characters.
            return _given_name(fields) or name
        extended = "*" in fields.get("content-disposition", "") or "*" in fields.get("content-type", "")
        if name.isascii() and "=?" not in name and not extended:
            return name if _has_type(fields) else _given_name(fields)
        if max(name) < "\u0100" and not name.isascii() and not self._body.isascii():
            written = name.encode("latin-1")
            # The name was written raw if the mail holds exactly these bytes; else it was an encoded word.
            if written in self._body:
                return charsets.decode(written, hint=self._hint)
        return _given_name(fields) or decode_words(name)

    def _decoded(self, part: Part, content: bytes, *, encoding: str) -> None:
        """Give the part its content, decoded here because the fast parser refuses or deletes some of it."""
        if encoding == RAW_QUOTED:
            part.content = a2b_qp(content)
            if not content.isascii():
                self.defects[transfer.NOT_QUOTED] = None
            return
        if part.media_type.startswith("text/"):
            plain = part.media_type == "text/plain" and part.disposition != "attachment"
            found = transfer.read_text(content, part.parameters.get("charset", ""), is_plain=plain)
        else:
            found = transfer.read_file(content)
        part.content, part.charset, part.footer = found.data, found.charset, found.footer
        if found.defect:
            self.defects[found.defect] = None

    def _suspects(self, part: Part, encoding: str) -> bool:
        """Return whether the fast parser may have decoded what was never encoded, or deleted bytes."""
        if encoding == "quoted-printable":
            self._is_ascii = self._body.isascii() if self._is_ascii is None else self._is_ascii
            return not self._is_ascii
        is_text = encoding == "base64" and part.media_type.startswith("text/")
        return is_text and not transfer.seems_encoded(part.content, part.parameters.get("charset", ""))

    def _text(self, value: object) -> str:
        """Return a field of the standard library, its raw bytes decoded."""
        text = str(value)
        return text if text.isascii() else charsets.decode(text.encode("utf-8", "surrogateescape"), hint=self._hint)


def _has_type(fields: dict[str, str]) -> bool:
    return not fields.get("content-disposition", "").lstrip().startswith(";")


def _fields_of(node: PyLazyMimePart) -> tuple[dict[str, str], bool]:
    """Return the MIME fields of a part, the last of each name, and whether one occurs with different values."""
    fields: dict[str, str] = {}
    doubled = False
    for given, values in node.headers.items():
        name = given.lower()
        if name in _FIELDS:
            fields[name] = values[-1]
            doubled = doubled or (len(values) > 1 and len(set(values)) > 1)
    return fields, doubled


def _given_name(fields: dict[str, str]) -> str:
    # RFC 2183 section 2: without a type it is not a Content-Disposition, and its parameters name nothing.
    name = parameters(fields.get("content-disposition", "")).get("filename", "") if _has_type(fields) else ""
    return name or parameters(fields.get("content-type", "")).get("name", "")


def _unglue(part: Part) -> None:
    """Remove the closing delimiter from a last text that has no line break before it, as some scripts send it."""
    last = part.children[-1] if part.children else None
    if last is None or not last.media_type.startswith("text/"):
        return
    stripped = last.content.rstrip()
    boundary = part.parameters.get("boundary", "") if stripped.endswith(b"--") else ""
    if boundary:
        end = f"--{boundary}--".encode("utf-8", "replace")
        if stripped.endswith(end):
            last.content = stripped.removesuffix(end)


def _bytes_of(message: Message[str, str]) -> bytes:
    try:
        return _written(message)
    except HeaderParseError:
        # The library breaks a field at a form feed and similar characters, and then refuses the result as two fields.
        for part in message.walk():
            _on_lines(part)
        return _written(message)


def _on_lines(part: Message[str, str]) -> None:
    """Remove every line break in a part's fields except those before a blank (RFC 5322 section 2.2.3)."""
    fields = list(part.raw_items())
    for name in dict.fromkeys(name for name, _ in fields):
        del part[name]
    for name, value in fields:
        part.set_raw(name, _STRAY_BREAK.sub(" ", str(value)))


def _written(message: Message[str, str]) -> bytes:
    sink = io.BytesIO()
    BytesGenerator(sink, mangle_from_=False, policy=_RAW).flatten(message)
    return sink.getvalue()
