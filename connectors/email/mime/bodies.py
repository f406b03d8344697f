"""Separate a mail's text from its files.

Which parts are body and which are attached follows RFC 8621 section 4.1.4 (JMAP, `textBody`, `htmlBody`,
`attachments`), the only written rule that clients agree on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from connectors.email.mime import charsets, limits
from connectors.email.mime.parts import ParsedTree, Part

_SIGNATURE: Final = "-- "


def unflow(text: str, *, delete_space: bool = False) -> str:
    """Return the text with its paragraphs on one line each. delete_space: the part says `DelSp=yes`.

    A quoted paragraph keeps one run of quote marks and a blank. Source: RFC 3676 sections 4.1 to 4.5.
    """
    joined: list[str] = []
    pieces: list[str] = []
    depth = 0
    for line in text.split("\n"):
        level, content = _unquote(line)
        if pieces and (level != depth or content == _SIGNATURE):
            joined.append(_paragraph(pieces, depth))
            pieces = []
        depth = level
        soft = content.endswith(" ") and content != _SIGNATURE
        pieces.append(content[:-1] if soft and delete_space else content)
        if not soft:
            joined.append(_paragraph(pieces, depth))
            pieces = []
    if pieces:
        joined.append(_paragraph(pieces, depth))
    return "\n".join(joined)


def _unquote(line: str) -> tuple[int, str]:
    """Return how deeply a line is quoted, and the line without marks and space-stuffing."""
    content = line.lstrip(">") if line.startswith(">") else line
    return len(line) - len(content), content.removeprefix(" ")


def _paragraph(pieces: list[str], depth: int) -> str:
    text = "".join(pieces)
    return f"{'>' * depth} {text}" if depth else text


_SMIME_SIGNATURES: Final = {"application/pkcs7-signature", "application/x-pkcs7-signature"}
_SMIME_SHELLS: Final = {"application/pkcs7-mime", "application/x-pkcs7-mime"}


@dataclass(slots=True)
class Bodies:
    """text, html: the parts to show in each form, in order.  attached: all other leaves, including inline pictures.

    notes: what a reader needs to know about the mail's structure, in sentences.
    """

    text: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    attached: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sort_parts(tree: ParsedTree) -> Bodies:
    """Sort the leaves of a mail."""
    root = tree.root
    bodies = Bodies()
    if root.is_container and not root.children and root.content.strip():
        # Strictly the mail is empty (RFC 2046 section 5.1.1: all of it is preamble), but a person wrote it.
        bodies.text.append(root)
        bodies.notes.append("The mail claims to have parts and has none; its whole body is shown as text.")
    else:
        _sort([root], _Scope(bodies, bodies.text, bodies.html, False), kind="mixed")
    bodies.attached.extend(tree.files)
    return bodies


@dataclass(slots=True)
class _Scope:
    """The lists that take the parts of one level; a list that is None takes no more parts (null in RFC 8621)."""

    bodies: Bodies
    text: list[Part] | None
    html: list[Part] | None
    in_alternative: bool


def text_of(part: Part, *, hint: charsets.Hint = charsets.no_hint) -> str:
    """Return a text part's characters with bare line feeds, `format=flowed` lines joined (RFC 3676)."""
    return read_text(part, hint=hint).text


def read_text(part: Part, *, hint: charsets.Hint = charsets.no_hint) -> charsets.Decoded:
    """Return what `text_of` does, and what contradicts the part's charset."""
    # The longest character of any charset has four bytes; more bytes than that can never be shown.
    content = part.content[: 4 * limits.HTML_CHARACTERS]
    parameters = part.parameters
    decoded = charsets.read(content, part.charset or parameters.get("charset", ""), hint=hint)
    text = decoded.text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text:
        text = text.replace("\x00", "")
    if "format" in parameters and parameters["format"].lower() == "flowed":
        text = unflow(text, delete_space=parameters.get("delsp", "").lower() == "yes")
    return decoded if text is decoded.text else charsets.Decoded(text, decoded.defect)


def _sort(parts: list[Part], scope: _Scope, *, kind: str) -> None:
    before_text, before_html = len(scope.text or ()), len(scope.html or ())
    for index, part in enumerate(parts):
        if part.children:
            _descend(part, scope)
        elif part.is_container:
            # A multipart that could not be opened; an empty one holds no content.
            scope.bodies.attached.extend([part] if part.content.strip() else [])
        elif not _is_shown(part, index=index, kind=kind):
            scope.bodies.attached.append(part)
            if part.media_type in _SMIME_SHELLS:
                scope.bodies.notes.append("The mail is wrapped by S/MIME (RFC 8551 section 3.2); see its attachment.")
        elif kind == "alternative":
            _alternative(part, scope)
        else:
            _inline(part, scope)
    if kind == "alternative":
        _stand_in(scope, before_text=before_text, before_html=before_html)


def _stand_in(scope: _Scope, *, before_text: int, before_html: int) -> None:
    """Let the one form that an alternative has stand for the other as well. before: how many parts each had."""
    if scope.text is None or scope.html is None:
        return
    if len(scope.text) == before_text:
        scope.text.extend(scope.html[before_html:])
    elif len(scope.html) == before_html:
        scope.html.extend(scope.text[before_text:])


def _descend(part: Part, scope: _Scope) -> None:
    subtype = part.media_type.partition("/")[2]
    children = part.children
    if subtype == "signed" and len(children) == 2 and _is_signature(children[1]):
        # RFC 1847 section 2.1: the second part is the signature, not a file from the sender.
        children = children[:1]
    elif subtype == "encrypted":
        scope.bodies.notes.append("The mail is encrypted (RFC 1847 section 2.2); its words cannot be read here.")
    elif subtype == "related":
        children = _root_first(part)
    inside = scope.in_alternative or subtype == "alternative"
    _sort(children, _Scope(scope.bodies, scope.text, scope.html, inside), kind=subtype)


def _root_first(part: Part) -> list[Part]:
    """Return the parts of a `multipart/related`, the root in front: it may stand anywhere (RFC 2387 section 3.2)."""
    start = part.parameters.get("start", "").strip("<> \t")
    children = part.children
    root = next((each for each in children if start and each.content_id == start), None)
    if root is None and not children[0].media_type.startswith(("text/", "multipart/")):
        kinds = ("multipart/alternative", "text/html", "text/plain")
        root = next(
            (each for kind in kinds for each in children if each.media_type == kind and not each.filename), None
        )
    return children if root is None else [root, *(each for each in children if each is not root)]


def _is_signature(part: Part) -> bool:
    # RFC 3156 section 5 and RFC 8551 section 3.5.3. A part that only has a signature's name may be anything: show it.
    if part.media_type == "application/pgp-signature":
        return part.content.lstrip().startswith(b"-----BEGIN PGP")
    return part.media_type in _SMIME_SIGNATURES and part.content[:1] == b"0"


def _alternative(part: Part, scope: _Scope) -> None:
    if part.media_type == "text/plain" and scope.text is not None:
        scope.text.append(part)
    elif part.media_type == "text/html" and scope.html is not None:
        scope.html.append(part)
    else:
        scope.bodies.attached.append(part)


def _inline(part: Part, scope: _Scope) -> None:
    if not part.media_type.startswith("text/"):
        scope.bodies.attached.append(part)
        return
    if scope.in_alternative and part.media_type == "text/plain":
        scope.html = None
    elif scope.in_alternative:
        scope.text = None
    for body in (scope.text, scope.html):
        if body is not None:
            body.append(part)


def _is_shown(part: Part, *, index: int, kind: str) -> bool:
    if part.disposition == "attachment":
        return False
    if part.media_type in {"text/plain", "text/html"}:
        return index == 0 or (kind != "related" and not part.filename)
    return part.media_type.startswith(("image/", "audio/", "video/")) and (index == 0 or kind != "related")
