"""Make a mail's HTML harmless to show, and readable as text."""

from __future__ import annotations

import re
from html import escape
from typing import Final
from urllib.parse import unquote

import nh3

# What a message needs to look like one. Nothing here fetches, submits, runs or draws over the page: no style, form,
# SVG, media, frame or meta element, and no attribute that names an address except a link's.
_TAGS: Final = {
    "a", "abbr", "address", "b", "bdo", "big", "blockquote", "br", "caption", "center", "code", "col", "colgroup",
    "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
    "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
}  # fmt: skip
_ATTRIBUTES: Final = {
    "*": {"dir", "lang", "title", "align", "valign"},
    "a": {"href", "name"},
    "font": {"color", "face", "size"},
    # No `src`: a picture of this mail is named by `data-cid`, any other would be fetched from a stranger.
    "img": {"alt", "width", "height", "data-cid"},
    "ol": {"start", "type"},
    "table": {"border", "cellpadding", "cellspacing", "width"},
    "td": {"colspan", "rowspan", "width", "height"},
    "th": {"colspan", "rowspan", "width", "height"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
}
_CLEANER: Final = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style", "title", "svg", "math", "object", "noscript", "template"},
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer nofollow",
)
# RFC 2392: a picture that travels with the mail. Renaming is safe before cleaning; the cleaner has the last word.
_OWN_PICTURE: Final = re.compile(r"""\bsrc\s*=\s*(["']?)cid:""", re.IGNORECASE)
_CID: Final = re.compile(r"""cid:([^"'\s>)]{1,500})""")
# What follows counts work that grows with the square: a browser's rules for blocks left open, and for attributes.
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
    """Say whether a parser may be given this HTML: parsing takes the square of its depth, and of a tag's attributes."""
    if html.count("<") > _DEEPEST and _depth(html) > _DEEPEST:
        return False
    return not _may_be_wide(html) or _attributes(html) <= _MOST_ATTRIBUTES


def _may_be_wide(html: str) -> bool:
    """Say whether the page has a run without `>` that is long enough for that many attributes."""
    start = 0
    while len(html) - start >= 2 * _MOST_ATTRIBUTES:
        # Each attribute takes two characters at least. The last `>` of a window is where the next one begins.
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
    """Return the most attributes that one tag can have, judged by what parts them."""
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
    """Return HTML that can be shown inside a page: no script, no remote load, no form, no style."""
    if "cid:" in html:
        html = _OWN_PICTURE.sub(r"data-cid=\1", html)
    if "ang;" in html:
        # Mail is HTML 4, where these are U+2329 and U+232A (section 24.3.2); the cleaner reads HTML 5.
        html = html.replace("&lang;", "\u2329").replace("&rang;", "\u232a")
    return _CLEANER.clean(html).strip()


def as_html(text: str) -> str:
    """Return plain text as HTML, for mails that mix both."""
    return f"<pre>{escape(text)}</pre>"


def cids(html: str) -> frozenset[str]:
    """Return the Content-IDs that the HTML, as it came, shows as pictures."""
    return frozenset(map(unquote, _CID.findall(html))) if "cid:" in html else frozenset()
