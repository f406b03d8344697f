"""Where a mail's HTML says that its words are quoted or signed, told as lines of the mail's text.

Names of classes and ids are those that the programs write: Gmail, Apple Mail, Thunderbird, Outlook and Outlook.com,
Yahoo, Zimbra, Zoho, Proton, Tutanota, GMX, QQ Mail and its company edition, NetEase and its Mail Master, Aliyun, Front.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from connectors.email.quote_lines import Mark, role_of

# Asked before the page is parsed: no program marks a quote without one of these.
# Plain words in a page made lower case: a pattern that ignores case takes fifty times as long on each page.
_HINTS: Final = (
    "quote", "includetail", "appendonsend", "divrplyfwdmsg", "stopspelling", "zwchr", "moz-forward",
    "outlookmessageheader", "border-top:", "reference-message", "signature", "replycontent", "forwardcontent",
    "zmail_extra", "neteasemailcard", "oringinal_describe", "original-content",
)  # fmt: skip
# A page beyond this is read by the rules for text alone.
_LARGEST_PAGE: Final = 500_000
_MOST_PASSAGES: Final = 60
_NOISE: Final = re.compile(r"[\s\u200b\ufeff>|*_]+")
_UNREAD: Final = frozenset({"style", "script", "title", "template", "noscript"})
# How much of a passage is looked for in the text, and how little is too little to be sure, in characters.
_ANCHORS: Final = (48, 24, 12)
_TRUSTED_SHIFT: Final = 12

_QUOTING: Final = frozenset({
    "yahoo_quoted", "protonmail_quote", "tutanota_quote", "zmail_extra", "moz-cite-prefix", "gmail_attr",
    "moz-forward-container", "alimail-quote", "front-blockquote", "freshdesk_quote", "ntes-mailmaster-quote",
    "ms-outlook-mobile-reference-message", "moz-email-headers-table", "mailmaster_quote",
})  # fmt: skip
_QUOTING_IDS: Final = (
    "yahoo_quoted", "isreplycontent", "isforwardcontent", "mail-editor-reference-message-container",
    "original-content", "blockquote_zmail", "ntes-quote",
)  # fmt: skip
# From here on all is quoted, whatever element it is in.
_CUTTING_IDS: Final = ("appendonsend", "divrplyfwdmsg", "stopspelling", "zwchr")
_CUTTING: Final = frozenset({"outlookmessageheader", "xm_mail_oringinal_describe"})
_SIGNING: Final = frozenset({
    "gmail_signature", "gmail_signature_prefix", "moz-signature", "protonmail_signature_block", "zmail_signature",
    "ntes-mailmaster-signature", "yahoo_signature",
})  # fmt: skip
_SIGNING_IDS: Final = ("signature", "applemailsignature", "ms-outlook-mobile-signature", "divneteasemailcard")
_BORDER: Final = re.compile(r"border-top:\s*solid\s+#(?:e1e1e1|b5c4df)", re.IGNORECASE)
_BAR: Final = re.compile(r"border-left(?:-width)?\s*:(?!\s*(?:none|0))", re.IGNORECASE)

_Passages = list[tuple[Mark, str]]


def mark_lines(lines: Sequence[str], *, html: str) -> dict[int, Mark]:
    """Return what the HTML says of the text's lines, by index; lines it says nothing of are left out."""
    if len(html) > _LARGEST_PAGE or not _is_marked(html.lower()):
        return {}
    passages = _read(html)
    if all(mark is Mark.NEW for mark, _ in passages):
        return {}
    return _locate(lines, passages)


def _is_marked(page: str) -> bool:
    return any(hint in page for hint in _HINTS)


def _read(html: str) -> _Passages:
    """Return the page's text as runs of one kind, without spaces."""
    content = html.replace("\x00", "").encode("utf-8", "replace")
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.LxmlError:
        return []
    return _Reader().read(root) if root is not None else []


class _Reader:
    """Walks a page once. base: what words are outside of every marked element."""

    def __init__(self) -> None:
        self.base = Mark.NEW
        self.inside: tuple[etree._Element, Mark] | None = None
        self.unread: etree._Element | None = None
        self.runs: list[tuple[Mark, list[str]]] = []

    def read(self, root: etree._Element) -> _Passages:
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if event == "start":
                self._enter(element)
            else:
                self._leave(element)
        squeezed = ((mark, _NOISE.sub("", "".join(pieces))) for mark, pieces in self.runs)
        return [(mark, text) for mark, text in squeezed if text]

    def _enter(self, element: etree._Element) -> None:
        if self.unread is not None:
            return
        if element.tag in _UNREAD:
            self.unread = element
            return
        if self.inside is None and self.base is Mark.NEW and (element.attrib or element.tag in _BARE):
            self._judge(element)
        self._say(element.text)

    def _leave(self, element: etree._Element) -> None:
        if self.inside is not None and self.inside[0] is element:
            self.inside = None
        if self.unread is element:
            self.unread = None
        if self.unread is None:
            self._say(element.tail)

    def _judge(self, element: etree._Element) -> None:
        if _cuts(element):
            self.base = Mark.QUOTED
            return
        mark = _mark_of(element)
        if mark is None and element.tag == "blockquote" and self._last()[-1:] in {":", "："}:
            mark = Mark.QUOTED
        if mark is not None:
            self.inside = (element, mark)

    def _last(self) -> str:
        pieces = self.runs[-1][1] if self.runs else []
        return next((piece.rstrip() for piece in reversed(pieces[-5:]) if piece.strip()), "")

    def _say(self, text: str | None) -> None:
        if not text:
            return
        mark = self.inside[1] if self.inside is not None else self.base
        if not self.runs or self.runs[-1][0] is not mark:
            self.runs.append((mark, []))
        self.runs[-1][1].append(text)


# Elements that mark a quote without any attribute.
_BARE: Final = frozenset({"blockquote", "includetail"})


def _mark_of(element: etree._Element) -> Mark | None:
    name, classes = _names(element)
    if classes & _SIGNING or name.startswith(_SIGNING_IDS) or element.get("data-smartmail") == "gmail_signature":
        return Mark.SIGNATURE
    if "gmail_quote" in classes:
        # In a reply between the lines this element holds quotes and answers: its blockquotes are what is quoted.
        return None if any(child.tag == "blockquote" for child in element) else Mark.QUOTED
    quoting = (
        element.tag == "includetail"
        or classes & _QUOTING
        or name.startswith(_QUOTING_IDS)
        or element.get("name") == "quote"
        or element.get("data-marker") == "__QUOTED_TEXT__"
        or (element.tag == "blockquote" and _is_citation(element, classes))
    )
    return Mark.QUOTED if quoting else None


def _is_citation(element: etree._Element, classes: frozenset[str]) -> bool:
    # Programs that indent a paragraph also write a blockquote: it has neither a bar nor a name.
    cited = element.get("type") == "cite" or element.get("cite") is not None
    return cited or any("quote" in name for name in classes) or bool(_BAR.search(element.get("style", "")))


def _cuts(element: etree._Element) -> bool:
    name, classes = _names(element)
    if name.startswith(_CUTTING_IDS) or classes & _CUTTING or element.get("data-marker") == "__DIVIDER__":
        return True
    if element.tag != "div" or not _BORDER.search(element.get("style", "")):
        return False
    opening = "".join(text for text, _ in zip(element.itertext(), range(8), strict=False))
    return role_of(opening.strip()[:40]) == "from"


def _names(element: etree._Element) -> tuple[str, frozenset[str]]:
    return (element.get("id") or "").casefold(), frozenset((element.get("class") or "").casefold().split())


def _locate(lines: Sequence[str], passages: _Passages) -> dict[int, Mark]:
    """Find the passages in the text, and return the lines that they cover."""
    squeezed = [_NOISE.sub("", line) for line in lines]
    whole = "".join(squeezed)
    spans: list[tuple[int, int, Mark]] = []
    cursor = 0
    for index, (mark, text) in enumerate(passages[:_MOST_PASSAGES]):
        start = _find(text, whole, cursor)
        if start < 0:
            continue
        follower = passages[index + 1][1] if index + 1 < len(passages) else ""
        below = _find(follower, whole, start + len(text) // 2) if follower else len(whole)
        end = below if below >= 0 else min(start + len(text), len(whole))
        if mark is not Mark.NEW:
            spans.append((start, end, mark))
        cursor = end if mark is not Mark.NEW else start
    return _lines_within(squeezed, spans)


def _find(text: str, whole: str, cursor: int) -> int:
    """Return where the passage begins at or after `cursor`, -1 if that is not certain."""
    if whole.startswith(text[: _ANCHORS[0]], cursor):
        return cursor
    for length in _ANCHORS:
        if len(text) < length:
            continue
        found = whole.find(text[:length], cursor)
        if found >= 0:
            return found
    return whole.find(text, cursor, cursor + len(text) + _TRUSTED_SHIFT)


def _lines_within(squeezed: Sequence[str], spans: Sequence[tuple[int, int, Mark]]) -> dict[int, Mark]:
    marks: dict[int, Mark] = {}
    pending = iter(spans)
    span = next(pending, None)
    offset = 0
    for index, line in enumerate(squeezed):
        while span is not None and offset >= span[1]:
            span = next(pending, None)
        if span is None:
            break
        if line and offset >= span[0]:
            marks[index] = span[2]
        offset += len(line)
    return marks
