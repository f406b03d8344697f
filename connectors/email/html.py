"""Make a mail's HTML harmless to show, and readable as text."""

from __future__ import annotations

import re
from html import escape
from typing import Final

import nh3
from inscriptis import get_text
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

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
_PLAIN_CSS: Final = ParserConfig(css=CSS_PROFILES["strict"], display_images=False, display_links=False)
_BLANK_LINES: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


def sanitise(html: str) -> str:
    """Return HTML that can be shown inside a page: no script, no remote load, no form, no style."""
    if "cid:" in html:
        html = _OWN_PICTURE.sub(r"data-cid=\1", html)
    return _CLEANER.clean(html).strip()


def as_html(text: str) -> str:
    """Return plain text as HTML, for mails that mix both."""
    return f"<pre>{escape(text)}</pre>"


def to_text(html: str) -> str:
    """Return what a person would read."""
    text = get_text(html, _PLAIN_CSS) if html.strip() else ""
    return _BLANK_LINES.sub("\n\n", text.replace("\xa0", " ")).strip()


def cids(html: str) -> frozenset[str]:
    """Return the Content-IDs that the HTML shows as pictures."""
    return frozenset(re.findall(r"""cid:([^"'\s>)]+)""", html)) if "cid:" in html else frozenset()
