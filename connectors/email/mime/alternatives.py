"""Decide whether a plain text speaks for its page, or only stands in for it: "Your program cannot show this mail"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

# A program's sentence about the page is no longer; a longer text is the mail's own.
_LONGEST: Final = 400
# A text of which every third character is one lost its letters on the way.
_LOST: Final = 3
_LEAST_LOST: Final = 4
# What such sentences speak of. Words of a person's own may stand here too: they are found in the page as well.
_ABOUT: Final = re.compile(
    r"html|browser|no plain[ -]text|without plain|text[ -]only|view (?:this|it) |mime format|multi-?part"
    r"|e?mail (?:client|program|reader)|浏览器|瀏覽器|纯文本|純文字|网页|網頁"
    r"|无法(?:显示|正常)|無法(?:顯示|正常)|不支持|不支援|客户端|navigateur|navegador|https?://",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[A-Za-z0-9\u00c0-\u052f]{3,}|[^\W\d_A-Za-z]{2}")
# The share of the sentence's words that its page may have by chance.
_BY_CHANCE: Final = 0.5
_BY_CHANCE_WITHOUT_A_SIGN: Final = 0.2


def stands_in(plain: str, *, source: str, page: Callable[[], str]) -> bool:
    """Return whether the plain text of an alternative only stands in for its page.

    source: the page's HTML.  page: called for the page's words, which take longer to get.
    """
    bare = plain.strip()
    # Nearly always the page has the same first line.
    if bare.partition("\n")[0].rstrip() in source and "?" not in bare and "\ufffd" not in bare:
        return False
    lost = plain.count("?") + plain.count("\ufffd") + plain.count("？")
    if lost >= _LEAST_LOST and lost * _LOST >= len("".join(plain.split())):
        words = page()
        return words.count("?") + words.count("？") < lost and any(map(str.isalnum, words))
    if len(bare) > _LONGEST:
        return False
    about = all(_ABOUT.search(line) for line in bare.splitlines() if line.strip())
    said = _WORD.findall(bare.casefold())
    if not about and (not said or max(said, key=len) in source.casefold()):
        return False
    shown = page().casefold()
    if not any(map(str.isalnum, shown)):
        return False
    common = sum(word in shown for word in said)
    return common < len(said) * (_BY_CHANCE if about else _BY_CHANCE_WITHOUT_A_SIGN)
