"""Join the soft lines of `format=flowed` text (RFC 3676), so that a paragraph is one line again."""

from __future__ import annotations

from typing import Final

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
