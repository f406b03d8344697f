"""Tell domains that are made to be taken for ours: letters of the same shape, one letter off, our name inside theirs.

Source of the shapes: Unicode Technical Standard 39 section 4, "Confusable Detection", as far as domains need it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from rapidfuzz.distance import OSA

# Letters of other alphabets, and digits, that look like Latin ones.
_SHAPES: Final = str.maketrans({
    "а": "a", "ɑ": "a", "α": "a", "в": "b", "с": "c", "ϲ": "c", "ԁ": "d", "е": "e", "ε": "e", "һ": "h", "і": "i",
    "ı": "i", "ι": "i", "ј": "j", "к": "k", "κ": "k", "ӏ": "l", "м": "m", "п": "n", "о": "o", "ο": "o", "σ": "o",
    "р": "p", "ρ": "p", "ԛ": "q", "г": "r", "ѕ": "s", "т": "t", "τ": "t", "υ": "u", "ν": "v", "ѵ": "v", "ѡ": "w",
    "ԝ": "w", "х": "x", "χ": "x", "у": "y", "γ": "y", "0": "o", "1": "l", "3": "e", "5": "s", "i": "l", "-": "",
})  # fmt: skip
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
# In a shorter name one letter is too large a part: "ebay.com" is not "bay.com".
_SHORTEST: Final = 6


def looks_like(domain: str, own_domains: Iterable[str]) -> str:
    """Return which of our domains `domain` imitates; empty if none. Ours and what is below them imitate nothing."""
    own = sorted(own_domains)
    if not domain or any(domain == each or domain.endswith(f".{each}") for each in own):
        return ""
    shown = _decoded(domain)
    return next((each for each in own if _imitates(shown, each)), "")


# Most customers write from a few domains.
@lru_cache(maxsize=4096)
def _imitates(domain: str, own: str) -> bool:
    # wallet.example.evil.com, wallet-example.evil.com
    if own in domain or own.replace(".", "-") in domain:
        return True
    skeleton, ours = _skeleton(domain), _skeleton(own)
    if skeleton == ours or skeleton.endswith(f".{ours}"):
        return True
    name, their_name = own.partition(".")[0], _registered(domain)
    if len(name) < _SHORTEST:
        return False
    # wallet-support.com, mywallet.com: our name with words of trust beside it.
    return _is_near(_skeleton(their_name), _skeleton(name)) or _with_words_of_trust(their_name, name)


def _is_near(name: str, ours: str) -> bool:
    return OSA.distance(name, ours, score_cutoff=1) <= 1


def _with_words_of_trust(name: str, ours: str) -> bool:
    rest = name.replace(ours, " ", 1).strip(" -") if ours in name else None
    return rest is not None and all(word in _TRUST for word in rest.replace("-", " ").split())


_TRUST: Final = frozenset({
    "support", "service", "help", "secure", "security", "login", "account", "pay", "official", "verify", "online",
    "mail", "my", "app", "cn", "hk", "kefu", "team", "center", "info",
})  # fmt: skip


def _registered(domain: str) -> str:
    """Return the name that was registered: the label before the last, or before a last pair such as `com.cn`."""
    labels = domain.split(".")
    depth = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return labels[-depth] if len(labels) >= depth else labels[0]


def _decoded(domain: str) -> str:
    """Return the domain as a reader sees it (RFC 5891: labels that begin with xn-- are written in another alphabet)."""
    if "xn--" not in domain:
        return unicodedata.normalize("NFKC", domain)
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain


def _skeleton(domain: str) -> str:
    plain = unicodedata.normalize("NFD", domain.casefold())
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter)).translate(_SHAPES)
    for pair, letter in _PAIRS:
        bare = bare.replace(pair, letter)
    return bare
