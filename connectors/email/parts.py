"""Open a mail's MIME structure: one tree of parts, whichever of two parsers read it.

The rule: the fast parser reads. Where it refuses, or what it read looks wrong (`_looks_wrong` has the signs),
the standard library's parser reads the same bytes again and its reading stands.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import policy
from email.generator import BytesGenerator
from email.message import Message
from email.parser import BytesParser
from typing import Final

from fast_mail_parser import ParseError, PyLazyMimePart, parse_email_tree

from connectors.email import limits
from connectors.email.headers import unfold
from connectors.email.parameters import parameters
from router.errors import PermanentError

# The standard library takes 0.1 ms a part and a frame a level: beyond these it is not asked.
_SECOND_OPINION_DELIMITERS: Final = 4 * limits.PARTS
_FIELDS: Final = frozenset({"content-type", "content-disposition", "content-id", "content-transfer-encoding"})
_RAW: Final = policy.compat32.clone(max_line_length=0)


class Unreadable(PermanentError):
    """The mail cannot be read within its limits."""


@dataclass(slots=True)
class Part:
    """One node of a mail. number: its place in a walk of the whole tree, the root being 0."""

    media_type: str
    disposition: str
    content_id: str
    fields: dict[str, str]
    content: bytes = b""
    children: list[Part] = field(default_factory=list)
    number: int = 0
    _filename: str = ""

    @property
    def is_container(self) -> bool:
        """True for `multipart/*`, whose content is its children."""
        return self.media_type.startswith("multipart/")

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the Content-Type field."""
        return parameters(self.fields.get("content-type", ""))

    @property
    def filename(self) -> str:
        """The name the sender gave the file (RFC 2183 section 2.3), Content-Type's `name` failing that."""
        if self._filename.isascii() and "=?" not in self._filename and "%" not in self._filename:
            return self._filename
        return (
            parameters(self.fields.get("content-disposition", "")).get("filename")
            or self.parameters.get("name")
            or self._filename
        )

    def walk(self) -> Iterator[Part]:
        """Yield this part and all below it, depth first."""
        pending = [self]
        while pending:
            part = pending.pop()
            yield part
            pending.extend(reversed(part.children))


@dataclass(frozen=True, slots=True)
class Reading:
    """A mail's tree, and what was wrong with it, in words."""

    root: Part
    defects: tuple[str, ...] = ()


def read_parts(raw: bytes, *, hint: str = "") -> Reading:
    """Open the mail.

    hint: a charset for 8-bit file names that declare none.
    Raises Unreadable when neither parser can read it within the limits.
    """
    try:
        budget = _Budget(hint)
        budget.takes(1)
        root = _fast(parse_email_tree(raw, mode="lazy"), budget)
        why = _looks_wrong(root)
    except (ParseError, ValueError) as error:
        why = f"the fast parser refused it: {error}"
    if why:
        return _second_opinion(raw, hint, why)
    return Reading(root, tuple(budget.defects))


def _looks_wrong(root: Part) -> str:
    for part in root.walk():
        if part.is_container and not part.children:
            return "a multipart without parts"
        if " " in part.media_type or "/" not in part.media_type:
            return "a media type that is none"
    return ""


def _second_opinion(raw: bytes, hint: str, why: str) -> Reading:
    if raw.count(b"\n--") > _SECOND_OPINION_DELIMITERS or raw.lower().count(b"boundary=") > limits.DEPTH * 2:
        raise Unreadable(f"The mail has more parts or levels than we read ({why}).")
    try:
        budget = _Budget(hint)
        budget.takes(1)
        root = _standard(BytesParser(policy=policy.compat32).parsebytes(raw), budget)
    except (RecursionError, ValueError, LookupError, TypeError, AttributeError, IndexError, AssertionError) as error:
        raise Unreadable(f"Neither parser can read the mail ({why}; {type(error).__name__}).") from error
    return Reading(root, (*budget.defects, f"Read a second time: {why}."))


class _Budget:
    """Counts parts and levels while a tree is copied, and notes what was left out."""

    def __init__(self, hint: str) -> None:
        self.hint = hint
        self.parts = 0
        self.defects: dict[str, None] = {}

    def takes(self, depth: int) -> bool:
        """Say whether one more part at that depth may be copied."""
        if depth > limits.DEPTH:
            self.defects[f"Parts below level {limits.DEPTH} were not read."] = None
        elif self.parts >= limits.PARTS:
            self.defects[f"Parts beyond the first {limits.PARTS} were not read."] = None
        else:
            self.parts += 1
            return True
        return False


def _fast(node: PyLazyMimePart, budget: _Budget, depth: int = 1) -> Part:
    fields = {name.lower(): values[0] for name, values in node.headers.items() if name.lower() in _FIELDS}
    part = Part(
        node.content_type.lower(),
        (node.disposition or "").lower(),
        node.content_id or "",
        fields,
        number=budget.parts - 1,
        _filename=node.filename,
    )
    children = node.children
    if children and not node.is_message:
        part.children = [_fast(child, budget, depth + 1) for child in children if budget.takes(depth + 1)]
    elif not part.is_container:
        part.content = node.content or b""
    return part


def _standard(message: Message[str, str], budget: _Budget, depth: int = 1) -> Part:
    fields = {name.lower(): unfold(str(value)) for name, value in message.items() if name.lower() in _FIELDS}
    part = Part(
        message.get_content_type(),
        (message.get_content_disposition() or "").lower(),
        fields.get("content-id", "").strip("<> "),
        fields,
        number=budget.parts - 1,
    )
    part._filename = parameters(fields.get("content-disposition", "")).get("filename") or part.parameters.get(
        "name", ""
    )
    payload = message.get_payload()
    inner = [child for child in payload if isinstance(child, Message)] if isinstance(payload, list) else []
    if not inner:
        content = message.get_payload(decode=True)
        part.content = content if isinstance(content, bytes) else b""
    elif part.media_type.startswith("message/"):
        part.content = b"\n".join(_bytes_of(child) for child in inner)
    else:
        part.children = [_standard(child, budget, depth + 1) for child in inner if budget.takes(depth + 1)]
    return part


def _bytes_of(message: Message[str, str]) -> bytes:
    sink = io.BytesIO()
    BytesGenerator(sink, mangle_from_=False, policy=_RAW).flatten(message)
    return sink.getvalue()
