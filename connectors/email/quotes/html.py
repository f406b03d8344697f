"""Find which lines of a mail's text are quoted or signed, by the marks in its HTML.

The class names and ids are those that mail programs write: Gmail, Apple Mail, Thunderbird, Outlook and Outlook.com,
Yahoo, Zimbra, Zoho, Proton, Tutanota, GMX, QQ Mail and its company edition, NetEase and its Mail Master, Aliyun, Front.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from lxml import etree

from connectors.email.quotes.lines import LineMark, role_of

# Searched before the page is parsed: no program marks a quote without one of these.
# Plain words in a lower-case page: a pattern that ignores case takes fifty times as long on each page, and
# lower-casing bytes takes a tenth of the time of text. Latin-1 has one character per byte and is fast to search.
_HINTS: Final = (
    "quote", "includetail", "appendonsend", "divrplyfwdmsg", "stopspelling", "zwchr", "moz-forward",
    "outlookmessageheader", "#e1e1e1", "#b5c4df", "reference-message", "signature", "replycontent", "forwardcontent",
    "zmail_extra", "neteasemailcard", "oringinal_describe", "original-content", "210px",
)  # fmt: skip
# A larger page is read by the rules for text alone.
_LARGEST_PAGE: Final = 500_000
_MOST_PASSAGES: Final = 60
# Characters that the plain form of a page adds or leaves out, besides blanks.
_NOISE: Final = ("\u200b", "\ufeff", ">", "|", "*", "_")
_UNREAD: Final = ("style", "script", "title", "template", "noscript")
# How many characters of a passage are searched for in the text; fewer than the last are too few to be sure.
_ANCHORS: Final = (48, 24, 12)
_MOST_CANDIDATES: Final = 2_000
_MOST_TEXTS: Final = 20_000

_QUOTING: Final = frozenset({
    "yahoo_quoted", "protonmail_quote", "tutanota_quote", "zmail_extra", "moz-cite-prefix", "gmail_attr",
    "moz-forward-container", "alimail-quote", "front-blockquote", "freshdesk_quote", "ntes-mailmaster-quote",
    "ms-outlook-mobile-reference-message", "moz-email-headers-table", "mailmaster_quote",
})  # fmt: skip
_QUOTING_IDS: Final = (
    "yahoo_quoted", "isreplycontent", "isforwardcontent", "mail-editor-reference-message-container",
    "original-content", "blockquote_zmail", "ntes-quote",
)  # fmt: skip
_CUTTING_IDS: Final = ("appendonsend", "divrplyfwdmsg", "stopspelling", "zwchr")
_CUTTING: Final = frozenset({"outlookmessageheader", "xm_mail_oringinal_describe"})
_SIGNING: Final = frozenset({
    "gmail_signature", "gmail_signature_prefix", "moz-signature", "protonmail_signature_block", "zmail_signature",
    "ntes-mailmaster-signature", "yahoo_signature",
})  # fmt: skip
_SIGNING_IDS: Final = (
    "signature", "applemailsignature", "ms-outlook-mobile-signature", "divneteasemailcard", "ntes-pcmail-signature",
    "ntes-pcmac-signature",
)  # fmt: skip
_BORDER: Final = re.compile(r"border-top:\s*solid\s+#(?:e1e1e1|b5c4df)", re.IGNORECASE)
_BAR: Final = re.compile(r"border-left(?:-width)?\s*:(?!\s*(?:none|0))", re.IGNORECASE)

# The elements that can carry a mark; paragraphs and spans, which are many, cannot.
_CANDIDATES: Final = etree.XPath(
    "//blockquote | //includetail | //*[@*][self::div or self::hr or self::pre or self::table or self::section]"
)
# Foxmail's ruler: below it stand the sender's name or address and, in a reply, the quote.
_RULER: Final = re.compile(r"width:\s*210px;\s*height:\s*1px", re.IGNORECASE)
_NEAR: Final = 6
_TEXT_BEFORE: Final = etree.XPath("preceding::text()[normalize-space()][1]")


@dataclass(frozen=True, slots=True)
class _Passage:
    """A marked run of the page. text: its words.  follower: how the words after it begin; empty if none follow."""

    mark: LineMark
    text: str
    follower: str = ""


def mark_lines(lines: Sequence[str], *, html: str) -> dict[int, LineMark]:
    """Return the marks that the HTML gives to the text's lines, by index; other lines are left out."""
    if len(html) > _LARGEST_PAGE:
        return {}
    content = html.encode("utf-8", "replace")
    if not any(map(content.lower().decode("latin-1").__contains__, _HINTS)):
        return {}
    passages = _read(content.replace(b"\x00", b""))
    return _locate(lines, passages) if passages else {}


def _read(content: bytes) -> list[_Passage]:
    """Return the marked passages of a page in UTF-8, in order."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.LxmlError:
        return []
    if root is None:
        return []
    etree.strip_elements(root, *_UNREAD, with_tail=False)
    return list(islice(_passages(root), _MOST_PASSAGES))


def _passages(root: etree._Element) -> Iterator[_Passage]:
    marked: set[etree._Element] = set()
    for element in _CANDIDATES(root)[:_MOST_CANDIDATES]:
        if _cuts(element):
            # Everything from here on is quoted, in any element.
            rest = islice(chain(element.itertext(), _texts_after(element)), _MOST_TEXTS)
            yield _Passage(LineMark.QUOTED, _squeeze("".join(rest)))
            return
        mark = _mark_of(element)
        if mark is None or any(above in marked for above in element.iterancestors()):
            continue
        marked.add(element)
        yield _Passage(mark, _squeeze("".join(element.itertext())), _beginning(_texts_after(element)))


def _texts_after(element: etree._Element) -> Iterator[str]:
    """Yield the texts after an element, in document order."""
    inner: etree._Element | None = element
    while inner is not None:
        if inner.tail:
            yield inner.tail
        for sibling in inner.itersiblings():
            yield from sibling.itertext()
            if sibling.tail:
                yield sibling.tail
        inner = inner.getparent()


def _squeeze(text: str) -> str:
    text = "".join(text.split())
    for noise in _NOISE:
        if noise in text:
            text = text.replace(noise, "")
    return text


def _beginning(texts: Iterator[str]) -> str:
    found = ""
    for text in islice(texts, _MOST_TEXTS):
        found += _squeeze(text[: 4 * _ANCHORS[0]])
        if len(found) >= _ANCHORS[0]:
            break
    return found[: _ANCHORS[0]]


def _mark_of(element: etree._Element) -> LineMark | None:
    name, classes = _names(element)
    if classes & _SIGNING or name.startswith(_SIGNING_IDS) or element.get("data-smartmail") == "gmail_signature":
        return LineMark.SIGNATURE
    if "gmail_quote" in classes:
        # In a reply between the quoted lines this element holds quotes and answers: only its blockquotes are quoted.
        return None if any(child.tag == "blockquote" for child in element) else LineMark.QUOTED
    quoting = (
        element.tag == "includetail"
        or classes & _QUOTING
        or name.startswith(_QUOTING_IDS)
        or element.get("name") == "quote"
        or element.get("data-marker") == "__QUOTED_TEXT__"
        or (element.tag == "blockquote" and (_is_citation(element, classes) or _is_introduced(element)))
    )
    return LineMark.QUOTED if quoting else None


def _is_citation(element: etree._Element, classes: frozenset[str]) -> bool:
    # Programs also indent a paragraph by a blockquote: that one has neither a bar nor a name.
    cited = element.get("type") == "cite" or element.get("cite") is not None
    return cited or any("quote" in name for name in classes) or bool(_BAR.search(element.get("style", "")))


def _is_introduced(element: etree._Element) -> bool:
    """Return whether a blockquote without any mark follows an attribution, as Yandex writes it."""
    above = _TEXT_BEFORE(element)
    return bool(above) and not element.attrib and str(above[0]).rstrip()[-1:] in {":", "："}


def _cuts(element: etree._Element) -> bool:
    name, classes = _names(element)
    if name.startswith(_CUTTING_IDS) or classes & _CUTTING or element.get("data-marker") == "__DIVIDER__":
        return True
    if element.tag == "hr" and _RULER.search(element.get("style", "")):
        return any(below.tag == "blockquote" for below in islice(element.itersiblings(), _NEAR))
    if element.tag != "div" or not _BORDER.search(element.get("style", "")):
        return False
    opening = "".join(text for text, _ in zip(element.itertext(), range(8), strict=False))
    return role_of(opening.strip()[:40]) == "from"


def _names(element: etree._Element) -> tuple[str, frozenset[str]]:
    return (element.get("id") or "").casefold(), frozenset((element.get("class") or "").casefold().split())


def _locate(lines: Sequence[str], passages: Sequence[_Passage]) -> dict[int, LineMark]:
    """Find the passages in the text, and return the lines that they cover."""
    squeezed = [_squeeze(line) for line in lines]
    whole = "".join(squeezed)
    spans: list[tuple[int, int, LineMark]] = []
    cursor = 0
    for passage in passages:
        start = _find(passage, whole, cursor)
        if start < 0:
            continue
        likely = min(start + len(passage.text), len(whole))
        below = whole.find(passage.follower, start + len(passage.text) // 2) if passage.follower else len(whole)
        cursor = below if below >= 0 else likely
        spans.append((start, cursor, passage.mark))
    return _lines_within(squeezed, spans)


def _find(passage: _Passage, whole: str, cursor: int) -> int:
    """Return where the passage begins at or after `cursor`, -1 if that is not certain."""
    text = passage.text
    for length in _ANCHORS:
        found = whole.find(text[:length], cursor) if len(text) >= length else -1
        if found >= 0:
            return found
    # One or two words may occur anywhere; at the end of the text they are accepted.
    at_end = len(whole) - len(text)
    return at_end if text and not passage.follower and at_end >= cursor and whole.endswith(text) else -1


def _lines_within(squeezed: Sequence[str], spans: Sequence[tuple[int, int, LineMark]]) -> dict[int, LineMark]:
    marks: dict[int, LineMark] = {}
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
