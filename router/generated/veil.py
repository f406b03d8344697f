"""Replace what identifies a person before a text goes to a model, and put it back into what the model wrote.

Secrets are masked already, wherever a text is kept. What is left, and what an agent may see but a provider need not, is
replaced by places such as [MAIL_1]: mail addresses, phone numbers, links, names of the contact, and long numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from router.masking.mask import mask

_PLACE: Final = re.compile(r"\[(?:MAIL|LINK|PHONE|NUMBER|NAME)_\d+\]")
_KINDS: Final = (
    ("MAIL", re.compile(r"[A-Za-z0-9._%+\-*]{1,64}[@\uff20][A-Za-z0-9\-]{1,63}(?:[.\uff0e][A-Za-z0-9\-]{1,63}){1,5}")),
    # In another script, or without its end.
    ("MAIL", re.compile(r"[\w.%+\-*]{1,64}[@\uff20][\w\-]{1,63}(?:[.\uff0e][\w\-]{1,63}){0,5}")),
    ("LINK", re.compile(r"(?:https?://|www\.)[^\s<>\"'()，。；）》」]{3,2000}", re.IGNORECASE)),
    ("LINK", re.compile(r"(?<![\w.\-])(?:[A-Za-z0-9\-]{1,63}\.){1,5}[A-Za-z]{2,24}/[^\s<>\"'()，。；）》」]{1,2000}")),
    ("PHONE", re.compile(r"(?<![\w*])(?:\+|00)\d(?:[-\s().]{0,2}\d){7,14}(?!\d)")),
    # Longer than any phone number: none of the next patterns takes a piece out of it.
    ("NUMBER", re.compile(r"(?<![A-Za-z\d])\d(?:[-\s]?[\d*]){12,40}(?![\d*])")),
    ("PHONE", re.compile(r"(?<![\w*.])\d{2,4}\.\d{3,4}\.\d{4}(?![\d.])")),
    ("PHONE", re.compile(r"(?<![\w*])1[3-9]\d(?:[-\s]?\d{4}){2}(?!\d)")),
    ("PHONE", re.compile(r"(?<![\w*])\(?0\d{2,4}\)?[-\s]\d{3,4}[-\s]?\d{3,4}(?!\d)")),
    ("PHONE", re.compile(r"(?<![\w*])[48]00[-\s]\d{3}[-\s]\d{4}(?!\d)")),
    # Orders, transactions, accounts, telephone extensions; with up to four letters before or stars within.
    ("NUMBER", re.compile(r"(?<![A-Za-z\d])[A-Za-z]{0,4}-?\d(?:[-\s]?[\d*]){5,40}(?![\d*])")),
    ("NUMBER", re.compile(r"\*{2,}[-\s]?\d{2,4}(?!\d)")),
)  # fmt: skip
# A shorter name is often a word of the language.
_SHORTEST_NAME: Final = 2
_ZERO_WIDTH: Final = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Veil:
    """The places of one request. names: of the contact, which texts may contain."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._places: dict[str, str] = {}
        known = {part for name in names for part in (name.strip(), *name.split())}
        wanted = sorted((each for each in known if len(each) >= _SHORTEST_NAME), key=len, reverse=True)
        self._names = re.compile("|".join(map(_whole, wanted)), re.IGNORECASE) if wanted else None

    def over(self, text: str) -> str:
        """Return a text as it may leave: masked, without invisible characters, with places, and no brackets of ours."""
        found = mask(visible(text)).text
        for kind, pattern in _KINDS:
            found = pattern.sub(lambda match, kind=kind: self._place(kind, match[0]), found)  # type: ignore[misc]
        return self._names.sub(lambda match: self._place("NAME", match[0]), found) if self._names else found

    def lift(self, text: str) -> str:
        """Return what a model wrote with the original words in the places. A place that it invented stays."""
        return _PLACE.sub(lambda match: self._places.get(match[0], match[0]), text)

    def _place(self, kind: str, word: str) -> str:
        known = next((place for place, had in self._places.items() if had == word), None)
        if known:
            return known
        place = f"[{kind}_{sum(each.startswith(f'[{kind}_') for each in self._places) + 1}]"
        self._places[place] = word
        return place


def _whole(name: str) -> str:
    # A bracket before it begins a place: a customer may be called Mail.
    return rf"(?<![A-Za-z\[]){re.escape(name)}(?![A-Za-z])" if name.isascii() else re.escape(name)


def visible(text: str) -> str:
    """Return a text without invisible and control characters, and with brackets that are none of a request's own."""
    plain = _CONTROLS.sub(" ", _ZERO_WIDTH.sub("", unicodedata.normalize("NFC", text)))
    # A customer's words must not end the block that they stand in.
    return plain.replace("<", "\u2039").replace(">", "\u203a")


def has_place(text: str) -> bool:
    """Return whether a place is left in a text."""
    return _PLACE.search(text) is not None
