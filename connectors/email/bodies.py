"""Tell a mail's text from its files.

Which parts are body and which are attached follows RFC 8621 section 4.1.4 (JMAP, `textBody`, `htmlBody`,
`attachments`), the one written-down rule that clients agree on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.email import charsets, limits
from connectors.email.parts import Part


@dataclass(slots=True)
class Bodies:
    """text, html: the parts to show in each form, in order.  attached: all other leaves, inline pictures too."""

    text: list[Part] = field(default_factory=list)
    html: list[Part] = field(default_factory=list)
    attached: list[Part] = field(default_factory=list)


def sort_parts(root: Part) -> Bodies:
    """Sort the leaves of a mail."""
    bodies = Bodies()
    _sort([root], "mixed", _Scope(bodies, bodies.text, bodies.html, False))
    return bodies


@dataclass(slots=True)
class _Scope:
    """Where one level's parts go: a list that is None takes no more (RFC 8621 calls it null)."""

    bodies: Bodies
    text: list[Part] | None
    html: list[Part] | None
    in_alternative: bool


def text_of(part: Part, *, hint: str = "") -> str:
    """Return a text part's characters with bare line feeds, cut at `limits.TEXT_CHARACTERS`."""
    # Four bytes are the longest character of any charset; more than that can never be shown.
    content = part.content[: 4 * limits.HTML_CHARACTERS]
    charset = part.parameters.get("charset", "")
    text = charsets.decode(content, charset, hint=hint)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\x00", "") if "\x00" in text else text


def _sort(parts: list[Part], kind: str, scope: _Scope) -> None:
    before_text, before_html = len(scope.text or ()), len(scope.html or ())
    for index, part in enumerate(parts):
        if part.children or part.is_container:
            _descend(part, scope)
        elif not _is_shown(part, index, kind):
            scope.bodies.attached.append(part)
        elif kind == "alternative":
            _alternative(part, scope)
        else:
            _inline(part, scope)
    if kind == "alternative" and scope.text is not None and scope.html is not None:
        if len(scope.text) == before_text:
            scope.text.extend(scope.html[before_html:])
        elif len(scope.html) == before_html:
            scope.html.extend(scope.text[before_text:])


def _descend(part: Part, scope: _Scope) -> None:
    subtype = part.media_type.partition("/")[2]
    # RFC 1847 section 2.1: the second part of a signed mail is the signature; it is no file of the sender's.
    children = part.children[:1] if subtype == "signed" else part.children
    inside = scope.in_alternative or subtype == "alternative"
    _sort(children, subtype, _Scope(scope.bodies, scope.text, scope.html, inside))


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


def _is_shown(part: Part, index: int, kind: str) -> bool:
    if part.disposition == "attachment":
        return False
    if part.media_type in {"text/plain", "text/html"}:
        return index == 0 or (kind != "related" and not part.filename)
    return part.media_type.startswith(("image/", "audio/", "video/")) and (index == 0 or kind != "related")
