"""Make a mail's HTML harmless to show, and convert it to text."""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from html import escape, unescape
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

import nh3

from connectors.email.mail_colours import kept_attribute

# The tags that a message needs to look right. Nothing here fetches, submits, runs or draws over the page: no form,
# SVG, media, frame or meta element, and no attribute with an address except a link's.
_TAGS: Final = {
    "a", "abbr", "address", "b", "bdo", "big", "blockquote", "br", "caption", "center", "code", "col", "colgroup",
    "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
    "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}  # fmt: skip
_ATTRIBUTES: Final = {
    # Of a style only colours are left (`kept_attribute`).
    "*": {"dir", "lang", "title", "align", "valign", "style"},
    "a": {"href", "name"},
    "font": {"color", "face", "size"},
    # No `src`: `data-cid` names a picture of this mail; the browser would fetch any other picture from a stranger. Its
    # address is kept in `data-remote` until an agent asks for it.
    "img": {"alt", "width", "height", "data-cid", "data-remote"},
    "ol": {"start", "type"},
    "table": {"bgcolor", "border", "cellpadding", "cellspacing", "width"},
    "tr": {"bgcolor"},
    "td": {"bgcolor", "colspan", "rowspan", "width", "height"},
    "th": {"bgcolor", "colspan", "rowspan", "width", "height"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
}
_CLEANER: Final = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style", "title", "svg", "math", "object", "noscript", "template"},
    attributes=_ATTRIBUTES,
    attribute_filter=kept_attribute,
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer nofollow",
    # A link without a scheme would lead into the desk itself, and one that begins with "//" to any host.
    url_relative="deny",
)
# RFC 2392: a picture inside the mail. Renaming is safe before cleaning, because the cleaner runs last.
_OWN_PICTURE: Final = re.compile(r"""\bsrc\s*=\s*(["']?)cid:""", re.IGNORECASE)
# Only with quotes: without them the end of an address is not certain. A long one is a tracker's.
_REMOTE_PICTURE: Final = re.compile(
    r"""(<img\b[^<>]{0,2000}?\s)src\s*=\s*(["'])\s*(https?://[^"'<>\s]{1,1000})\s*\2""", re.IGNORECASE
)
_CID: Final = re.compile(r"""cid:([^"'\s>)]{1,500})""")
# Limits for work that grows with the square: a browser's rules for unclosed blocks, and for attributes.
# A deep newsletter has 60 levels, a busy tag 40 attributes.
_DEEPEST: Final = 2_000
_MOST_ATTRIBUTES: Final = 10_000
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements without content, and those whose end is implied by the next of their kind (HTML standard, section 13.1.2).
_FLAT: Final = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    "p", "li", "dt", "dd", "option", "tr", "td", "th", "thead", "tbody", "tfoot", "html", "head", "body",
}  # fmt: skip
_QUOTED: Final = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")


def is_reasonable(html: str) -> bool:
    """Return whether a parser may get this HTML: parsing costs the square of its depth, and of a tag's attributes."""
    if html.count("<") > _DEEPEST and _depth(html) > _DEEPEST:
        return False
    return not _may_be_wide(html) or _attributes(html) <= _MOST_ATTRIBUTES


def _may_be_wide(html: str) -> bool:
    """Return whether the page has a run without `>` that is long enough for that many attributes."""
    start = 0
    while len(html) - start >= 2 * _MOST_ATTRIBUTES:
        # Each attribute takes two characters at least. The next window begins at the last `>` of this one.
        start = html.rfind(">", start, start + 2 * _MOST_ATTRIBUTES) + 1
        if not start:
            return True
    return False


def _depth(html: str) -> int:
    depth = deepest = 0
    for match in _TAG.finditer(html):
        if match[2].lower() not in _FLAT:
            depth = max(depth + (-1 if match[1] else 1), 0)
            deepest = max(deepest, depth)
    return deepest


def _attributes(html: str) -> int:
    """Return the most attributes that one tag can have, counted by their separators."""
    most = 0
    for piece in html.split(">"):
        if len(piece) < 2 * _MOST_ATTRIBUTES:
            continue
        _, opened, tag = piece.rpartition("<")
        if opened:
            bare = _QUOTED.sub("= ", tag)
            most = max(most, len(bare.split()) + bare.count("/"))
    return most


def sanitise(html: str) -> str:
    """Return HTML that is safe to show in a page: no script, no remote load, no form; of a style only its colours."""
    if "cid:" in html:
        html = _OWN_PICTURE.sub(r"data-cid=\1", html)
    if "<img" in html or "<IMG" in html:
        html = _REMOTE_PICTURE.sub(r'\1data-remote="\3"', html)
    if "ang;" in html:
        # Mail is HTML 4, where these are U+2329 and U+232A (section 24.3.2); the cleaner reads HTML 5.
        html = html.replace("&lang;", "\u2329").replace("&rang;", "\u232a")
    return _CLEANER.clean(html).strip()


def as_html(text: str) -> str:
    """Return plain text as HTML, for mails that mix both."""
    return f"<pre>{escape(text)}</pre>"


def cids(html: str) -> frozenset[str]:
    """Return the Content-IDs that the unsanitised HTML shows as pictures."""
    return frozenset(map(unquote, _CID.findall(html))) if "cid:" in html else frozenset()


# A picture that the page holds itself (RFC 2397). Each letter is read once: the symbols of base64 hold none of the
# signs in front of them.
_DATA: Final = re.compile(
    rb"data:\s{0,9}(image/[a-z0-9.+-]{1,40})(?:;[a-z0-9=_.-]{1,40}){0,4};base64,([A-Za-z0-9+/=%\s]++)", re.IGNORECASE
)
_MOST_PICTURES: Final = 50


def take_pictures(content: bytes, *, first: int) -> tuple[bytes, list[tuple[str, str, bytes]]]:
    """Return the page with `cid:` addresses, and each picture's Content-ID, media type and bytes.

    first: the number of the first picture; it makes the Content-IDs.
    """
    if b"ase64," not in content:
        return content, []
    pictures: list[tuple[str, str, bytes]] = []

    def take(match: re.Match[bytes]) -> bytes:
        try:
            picture = a2b_base64(unquote_to_bytes(match[2]))
        except Error:
            return match[0]
        name = f"picture-{first + len(pictures)}@data"
        pictures.append((name, match[1].decode("ascii").lower(), picture))
        return b"cid:" + name.encode("ascii")

    return _DATA.sub(take, content, count=_MOST_PICTURES), pictures


_BLOCKS: Final = (
    "address", "blockquote", "br", "caption", "center", "dd", "div", "dl", "dt", "hr", "li", "ol", "pre", "table",
    "tbody", "tfoot", "thead", "tr", "ul",
)  # fmt: skip
_PARAGRAPHS: Final = ("p", "h1", "h2", "h3", "h4", "h5", "h6")
_ENDS: Final = dict.fromkeys(_BLOCKS, "\n") | dict.fromkeys(_PARAGRAPHS, "\n\n")
# The text that replaces a tag; any other tag is removed.
_INSTEAD: Final = _ENDS | {f"/{name}": gap for name, gap in _ENDS.items()} | {"/td": " ", "/th": " "}
# Exact for the cleaner's output (names in lower case, `>` in a value as `&gt;`), and for nothing else.
_CLEAN_TAG: Final = re.compile(r"<(/?[a-z0-9]+)[^>]*>")
_PREFORMATTED: Final = re.compile(r"<pre[^>]*>(.*?)</pre>", re.DOTALL)
_BLANKS: Final = "\t\r\n\f\xa0"
_LINES: Final = re.compile(r"\n{3,}")
_ANY_TAG: Final = re.compile(r"<[^<>]*>")
_TITLE: Final = re.compile(r"<title[^<>]*>([^<]{1,300})</title", re.IGNORECASE)


def to_text(html: str) -> str:
    """Return the text of unsanitised HTML."""
    return page_to_text(sanitise(html)) if is_reasonable(html) else without_tags(html)


def page_to_text(page: str) -> str:
    """Return the text of a page that `sanitise` made, each block on its own line, a blank line between paragraphs.

    Reading this page, not the unsanitised HTML, gives the words that agents see: two parsers of broken HTML differ,
    and libxml2 drops everything after `</html>`, where replies stand.
    """
    if "<pre" not in page:
        return _tidy(_flow(page))
    # Split with one group: flowing, preformatted, flowing, ...
    pieces = _PREFORMATTED.split(page)
    pieces[0::2] = map(_flow, pieces[0::2])
    pieces[1::2] = [f"\n{_without_clean_tags(piece)}\n" for piece in pieces[1::2]]
    return _tidy("".join(pieces))


def title_of(html: str) -> str:
    """Return the title that a browser shows above the page; empty if there is none."""
    match = _TITLE.search(html, 0, 20_000)
    return " ".join(unescape(match[1]).split()) if match else ""


def without_tags(html: str) -> str:
    """Return the text left of HTML that is too costly to parse: for reading only, never show it as HTML."""
    return _tidy(_one_blank(unescape(_ANY_TAG.sub(" ", html))))


def _flow(page: str) -> str:
    return _without_clean_tags(_one_blank(page))


def _one_blank(text: str) -> str:
    """Return the text with each run of blanks and line breaks as one blank."""
    for blank in _BLANKS:
        if blank in text:
            text = text.replace(blank, " ")
    # Each round halves the runs, so a long run takes few rounds.
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
    # Line by line: a pattern for blanks around a line break costs the square of a run of blanks.
    lines = "\n".join([line.strip(" ") for line in text.split("\n")])
    return (_LINES.sub("\n\n", lines) if "\n\n\n" in lines else lines).strip()
