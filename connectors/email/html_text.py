"""Read HTML as a person would: its words, a line for each block."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

_BLOCKS: Final = {
    "address", "blockquote", "caption", "center", "dd", "div", "dl", "dt", "hr", "li", "ol", "pre", "table", "tbody",
    "tfoot", "thead", "tr", "ul",
}  # fmt: skip
_PARAGRAPHS: Final = {"p", "h1", "h2", "h3", "h4", "h5", "h6"}
# What stands before and after an element's own text.
_BEFORE: Final = dict.fromkeys(_BLOCKS, "\n") | dict.fromkeys(_PARAGRAPHS, "\n\n")
_AFTER: Final = _BEFORE | {"br": "\n", "td": " ", "th": " "}
_BLANK: Final = re.compile(r"[ \t\r\n\f\xa0]+")
_LINES: Final = re.compile(r"\n{3,}")
_TAG: Final = re.compile(r"<[^<>]*>")
_TITLE: Final = re.compile(r"<title[^<>]*>([^<]{1,300})</title", re.IGNORECASE)


def to_text(page: str) -> str:
    """Return the words of a page that `html.sanitise` made, blocks on lines of their own, paragraphs apart.

    Never of HTML as it came: this parser leaves out what stands behind `</html>`, and replies stand there.
    """
    if "<" not in page:
        return _tidy(_BLANK.sub(" ", unescape(page)))
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True)
    try:
        root = etree.fromstring(f"<div>{page}</div>".encode("utf-8", "replace"), parser)
    except etree.LxmlError:
        return without_tags(page)
    return _tidy("".join(_pieces(root)))


def title_of(html: str) -> str:
    """Return the title that a browser would show above the page; empty if there is none."""
    match = _TITLE.search(html, 0, 20_000)
    return " ".join(unescape(match[1]).split()) if match else ""


def without_tags(html: str) -> str:
    """Return what is left of HTML that no parser should be given: a reading aid, never to be shown as HTML."""
    return _tidy(_BLANK.sub(" ", unescape(_TAG.sub(" ", html))))


def _tidy(text: str) -> str:
    # Line by line: a pattern for blanks around a line break takes the square of a run of blanks.
    lines = "\n".join([line.strip(" ") for line in text.split("\n")])
    return _LINES.sub("\n\n", lines).strip()


def _pieces(root: etree._Element) -> list[str]:
    """Collect the text in document order. Iterative: a document may be 2,000 levels deep."""
    pieces: list[str] = []
    blank = _BLANK.sub
    preformatted = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if event == "start":
            preformatted += tag == "pre"
            pieces.append(_BEFORE.get(tag, ""))
            text = element.text
        else:
            preformatted -= tag == "pre"
            pieces.append(_AFTER.get(tag, ""))
            text = element.tail
        if text:
            pieces.append(text.replace("\xa0", " ") if preformatted else blank(" ", text))
    return pieces
