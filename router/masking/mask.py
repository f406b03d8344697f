"""Replace secrets in a text before anything else stores the text.

Secrets are card numbers, identity cards, passports, security codes, passwords and one-time codes (PCI DSS 4.0 3.3 to
3.5). The last four digits of a card stay, because agents and customers need them to identify it; stars replace
everything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from router.errors import PermanentError
from router.masking.cards_and_ids import SHORTEST, find_numbers
from router.masking.keys_and_phrases import HINTS as KEY_HINTS
from router.masking.keys_and_phrases import find_keys
from router.masking.passwords_and_codes import HINTS, find_after_card, find_in_context
from router.masking.visible_text import TAG, FoundSecret, narrow, see
from router.text.chinese_script import fold_case
from router.text.patterns import WordPlaces

_HINTS: Final = WordPlaces(*HINTS, *KEY_HINTS)
_DIGIT: Final = re.compile(r"\d")
# Fewer are no card and no identity number: the search for them takes a quarter of the time, and most texts have fewer.
_FEWEST_DIGITS: Final = re.compile(rf"(?:\D*+\d){{{SHORTEST}}}")
_ADDRESSES: Final = 4096


@dataclass(frozen=True, slots=True)
class Masked:
    """The text without its secrets. kinds: the kinds that were found, each once, in alphabetical order."""

    text: str
    kinds: tuple[str, ...] = ()


def mask(text: str) -> Masked:
    """Replace every secret in a text or a piece of HTML; tags inside a number stay."""
    if not text:
        return Masked(text)
    plain = narrow(text)
    visible = see(plain)
    lowered = fold_case(visible.text)
    has_digits = _DIGIT.search(plain) is not None
    if not has_digits and not _HINTS.are_in(lowered):
        return Masked(text)
    numbers = _numbers(plain) if _FEWEST_DIGITS.match(plain) else []
    found = _without_overlaps([*numbers, *visible.originals([*find_in_context(lowered), *find_keys(lowered)])])
    if not found:
        return Masked(text)
    return Masked(_replaced(text, found), tuple(sorted({one.kind for one in found})))


def without_secret(identifier: str, *, key: bytes = b"") -> str:
    """Return an identifier as it is, or as its hash if it contains a secret: the hash is as unique.

    key: for the hash, so that it does not reveal the secret.
    """
    if not mask(identifier).kinds:
        return identifier
    return f"masked-{blake2b(identifier.encode('utf-8', 'surrogatepass'), key=key[:64], digest_size=16).hexdigest()}"


# A list shows the same people again and again.
@lru_cache(maxsize=_ADDRESSES)
def mask_address(handle: str) -> str:
    """Return a mail address as it may be shown: without the secrets of its local part (RFC 5321 section 4.1.2).

    The address itself is kept, because the answer goes there. Numbers and names of other channels stay as they are.
    """
    local, at, domain = handle.rpartition("@")
    return f"{mask(local).text}{at}{domain}" if at else handle


def refuse_secrets(names: Iterable[str], *, what: str) -> None:
    """Raise PermanentError if a name contains a secret. what: of what they are the names, such as "label"."""
    if any(mask(name).kinds for name in names):
        raise PermanentError(f"a {what} must not contain a card number, a password or another secret")


def _numbers(text: str) -> list[FoundSecret]:
    found = list(find_numbers(text))
    codes = [find_after_card(text, one.end) for one in found if one.kind == "card"]
    return found + [code for code in codes if code]


def _without_overlaps(found: Iterable[FoundSecret]) -> list[FoundSecret]:
    """Join overlapping secrets: the replacement is that of the earliest, and among equal starts of the longest."""
    kept: list[FoundSecret] = []
    for one in sorted(found, key=lambda one: (one.start, -one.end)):
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
        elif one.end > kept[-1].end:
            first = kept.pop()
            kept.append(FoundSecret(first.start, one.end, first.kind, first.shown))
    return kept


def _replaced(text: str, found: Iterable[FoundSecret]) -> str:
    pieces, at = [], 0
    for one in found:
        tags = TAG.findall(text, one.start, one.end)
        pieces += [text[at : one.start], one.shown, *tags]
        at = one.end
    return "".join([*pieces, text[at:]])
