"""Read HTML as a person would: its words, a line for each block."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from connectors.email.mime.html import is_reasonable, sanitise

_BLOCKS: Final = (
    "address", "blockquote", "br", "caption", "center", "dd", "div", "dl", "dt", "hr", "li", "ol", "pre", "table",
    "tbody", "tfoot", "thead", "tr", "ul",
)  # fmt: skip
_PARAGRAPHS: Final = ("p", "h1", "h2", "h3", "h4", "h5", "h6")
_ENDS: Final = dict.fromkeys(_BLOCKS, "\n") | dict.fromkeys(_PARAGRAPHS, "\n\n")
# What takes a tag's place; any other tag leaves nothing.
_INSTEAD: Final = _ENDS | {f"/{name}": gap for name, gap in _ENDS.items()} | {"/td": " ", "/th": " "}
# Exact for what the cleaner writes (names in lower case, `>` in a value as `&gt;`), and for nothing else.
_CLEAN_TAG: Final = re.compile(r"<(/?[a-z0-9]+)[^>]*>")
_PREFORMATTED: Final = re.compile(r"<pre[^>]*>(.*?)</pre>", re.DOTALL)
_BLANKS: Final = "\t\r\n\f\xa0"
_LINES: Final = re.compile(r"\n{3,}")
_ANY_TAG: Final = re.compile(r"<[^<>]*>")
_TITLE: Final = re.compile(r"<title[^<>]*>([^<]{1,300})</title", re.IGNORECASE)


def to_text(html: str) -> str:
    """Return the words of HTML as it came."""
    return page_to_text(sanitise(html)) if is_reasonable(html) else without_tags(html)


def page_to_text(page: str) -> str:
    """Return the words of a page that `sanitise` made, blocks on lines of their own, paragraphs apart.

    Reading the page, not the HTML as it came, gives the words that agents see: two parsers of broken HTML differ,
    and libxml2 leaves out what stands behind `</html>`, where replies stand.
    """
    if "<pre" not in page:
        return _tidy(_flow(page))
    # Split with one group: flowing, preformatted, flowing, ...
    pieces = _PREFORMATTED.split(page)
    pieces[0::2] = map(_flow, pieces[0::2])
    pieces[1::2] = [f"\n{_without_clean_tags(piece)}\n" for piece in pieces[1::2]]
    return _tidy("".join(pieces))


def title_of(html: str) -> str:
    """Return the title that a browser would show above the page; empty if there is none."""
    match = _TITLE.search(html, 0, 20_000)
    return " ".join(unescape(match[1]).split()) if match else ""


def without_tags(html: str) -> str:
    """Return what is left of HTML that no parser should be given: a reading aid, never to be shown as HTML."""
    return _tidy(_one_blank(unescape(_ANY_TAG.sub(" ", html))))


def _flow(page: str) -> str:
    return _without_clean_tags(_one_blank(page))


def _one_blank(text: str) -> str:
    """Return the text with each run of blanks and line breaks as one blank."""
    for blank in _BLANKS:
        if blank in text:
            text = text.replace(blank, " ")
    # Each round halves the runs, so even one long run takes few rounds.
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def _without_clean_tags(page: str) -> str:
    if "<" in page:
        # Split with one group: text, tag's name, text, ...
        pieces = _CLEAN_TAG.split(page)
        pieces[1::2] = [_INSTEAD.get(name, "") for name in pieces[1::2]]
        page = "".join(pieces)
    return unescape(page).replace("\xa0", " ") if "&" in page else page


def _tidy(text: str) -> str:
    # Line by line: a pattern for blanks around a line break takes the square of a run of blanks.
    lines = "\n".join([line.strip(" ") for line in text.split("\n")])
    return (_LINES.sub("\n\n", lines) if "\n\n\n" in lines else lines).strip()
