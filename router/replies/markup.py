"""The markup of agents' answers: bold, lists and links, written with a few signs; as HTML and as plain text.

Only these: what an agent types besides them stays as it is. Markdown's own rules decide what is bold or a list
(CommonMark 0.31, by markdown-it-py); HTML in the text is text, and a link leads to http, https, a mail address or a
telephone only.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from typing import Final

from markdown_it import MarkdownIt

_RULES: Final = ("emphasis", "list", "link", "newline", "escape")
_SAFE: Final = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_BOLD: Final = re.compile(r"\*\*(?=\S)(.{1,1000}?)(?<=\S)\*\*")
_LINK: Final = re.compile(r"\[([^\[\]\n]+)\]\(((?:https?://|mailto:|tel:)[^\s()]+)\)")
_MARKED: Final = frozenset({"strong_open", "em_open", "bullet_list_open", "ordered_list_open", "link_open"})


def has_markup(text: str) -> bool:
    """Return whether the text has anything that plain text cannot show."""
    tokens = _parser().parse(text)
    return any(each.type in _MARKED for token in tokens for each in (token, *(token.children or ())))


def to_html(text: str) -> str:
    """Return the text as HTML; nothing in it is a tag but what its markup says."""
    html: str = _parser().render(text)
    return html.strip()


def to_plain(text: str) -> str:
    """Return the text without the signs of its markup: a link shows its address, a list keeps its dashes."""
    linked = _LINK.sub(lambda found: found[1] if found[1] == found[2] else f"{found[1]} ({found[2]})", text)
    return _BOLD.sub(lambda found: found[1], linked)


def below_as_html(text: str) -> str:
    """Return a signature and a quoted message as HTML: lines that begin with `>` are a quotation."""
    parts: list[str] = []
    quoted = False
    for line in text.split("\n"):
        if line.startswith(">") is not quoted:
            quoted = not quoted
            parts.append("<blockquote>" if quoted else "</blockquote>")
        parts.append(f"{escape(line.removeprefix('>').removeprefix(' ') if quoted else line)}<br>")
    return "".join((*parts, "</blockquote>" if quoted else ""))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"breaks": True}).enable(list(_RULES))
    parser.validateLink = _is_safe  # type: ignore[method-assign]
    return parser


def _is_safe(url: str) -> bool:
    return _SAFE.match(url) is not None
