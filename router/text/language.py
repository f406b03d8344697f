"""Detect the language of a text: first by its script, then, among Latin scripts, by English words, then a library."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

UNDETERMINED: Final = "und"
_KANA: Final = re.compile(r"[\u3041-\u30ff]")
_HAN: Final = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LATIN_WORD: Final = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+")
_OTHER_SCRIPTS: Final = (
    ("ko", re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
)
# Words that only English has among the languages below; one of them decides without the library.
_ENGLISH: Final = re.compile(
    r"(?<![a-z])(?:the|and|is|are|my|your|you|it|this|that|of|for|with|how|what|why|when|where|can|can't|cannot|not|have|has|"
    r"was|were|do|does|don't|did|didn't|but|from|there|please|would|could|i'm|i've|been|get|got|which|who|will|about|an|to)"
    r"(?![a-z])"
)
# Of the words above, those that German has too ("Was ist das", "ich will", "an Sie").
_IN_BOTH: Final = frozenset({"was", "will", "an"})
# Words that only German has among the languages below, without those that are a mistyped English word ("oder", "im").
_GERMAN: Final = re.compile(
    r"(?<!\w)(?:ich|nicht|und|ist|sind|mein|meine|meinen|meinem|meiner|bitte|wir|haben|habe|ein|eine|einen|einem|einer|für|auf|"
    r"danke|hallo|guten|grüße|grüßen|sehr|ihr|ihre|ihren|ihrem|sie|noch|auch|aber|wurde|wird|kein|keine|keinen|möchte|"
    r"können|wann|wo|warum|wie|bestellung|vielen|dank)(?!\w)"
)
# The languages of the customers that were seen; fewer candidates make fewer mistakes in short texts.
_LATIN_LANGUAGES: Final = ("en", "es", "fr", "de", "pt", "it", "nl", "id", "ms", "vi", "tr", "tl", "pl", "sv")
# The library barely distinguishes these languages: each alone would rarely reach the required confidence.
_TWINS: Final = {"id": "ms", "ms": "id"}
# No detector is reliable on shorter texts: "refund pls" is not Dutch.
_FEWEST_WORDS: Final = 3
_SURE: Final = 0.8


def detect(text: str) -> str:
    """Return a BCP 47 tag: "zh-Hans", "zh-Hant", "en", "ja" ...; "und" when the language is unclear.

    A mixed text gets the language of its larger part; a Chinese character counts as much as a Latin word.
    """
    if text.isascii():
        return _latin_language(text)
    han, latin, kana = len(_HAN.findall(text)), len(_LATIN_WORD.findall(text)), len(_KANA.findall(text))
    if kana and kana * 4 >= han:
        return "ja"
    if han and han >= latin:
        return chinese_script(text)
    for language, script in _OTHER_SCRIPTS:
        if len(script.findall(text)) > 2 * (latin + han):
            return language
    return _latin_language(text)


def chinese_script(text: str) -> str:
    """Return "zh-Hant" if more characters are only traditional than only simplified, else "zh-Hans"."""
    simplified, traditional = _one_sided()
    balance = sum((char in traditional) - (char in simplified) for char in text)
    return "zh-Hant" if balance > 0 else "zh-Hans"


@cache
def _one_sided() -> tuple[frozenset[str], frozenset[str]]:
    """Return the characters that only the mainland's standard has, and those that only Taiwan's has.

    GB 2312 holds only simplified characters and Big5 only traditional ones; a character in both decides nothing.
    """
    mainland = _characters("gb2312", range(0xB0, 0xF8), range(0xA1, 0xFF))
    taiwan = _characters("big5", range(0xA4, 0xFA), [*range(0x40, 0x7F), *range(0xA1, 0xFF)])
    return mainland - taiwan, taiwan - mainland


def _characters(codec: str, rows: range, columns: range | list[int]) -> frozenset[str]:
    table = bytes(byte for row in rows for column in columns for byte in (row, column))
    return frozenset(_HAN.findall(table.decode(codec, "ignore")))


def _latin_language(text: str) -> str:
    lowered = text.lower()
    german = len(_GERMAN.findall(lowered))
    # English words are counted only where German ones are: mostly the first one decides.
    if not german and _ENGLISH.search(lowered):
        return "en"
    english = [word for word in _ENGLISH.findall(lowered) if word not in _IN_BOTH]
    if german > len(english):
        return "de"
    if english:
        return "en"
    words = _LATIN_WORD.findall(text)
    if not words:
        return UNDETERMINED
    if len(words) < _FEWEST_WORDS:
        return "en"
    language, probability = _library()(" ".join(words))
    return language if probability >= _SURE else "en"


@cache
def _library() -> Callable[[str], tuple[str, float]]:
    """Load py3langid for the first text that needs it: 55 MB and half a second, which some desks never need."""
    try:
        from py3langid.langid import (  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415
            MODEL_FILE,
            LanguageIdentifier,
        )
    except ImportError:
        return lambda _: ("en", 1.0)
    whole = LanguageIdentifier.from_model_file(MODEL_FILE)
    whole.set_languages(list(_LATIN_LANGUAGES))
    # A new identifier with the remaining languages: a narrowed one keeps all 140 in memory, 20 MB.
    identifier = LanguageIdentifier(
        whole.nb_ptc,
        whole.nb_pc,
        whole.nb_classes,
        whole.tk_nextmove,
        whole.tk_output,
        norm_probs=True,
        tk_row=whole.tk_row,
    )
    rank: Callable[[str], list[tuple[str, float]]] = identifier.rank
    return lambda text: _best(rank(text))


def _best(ranked: list[tuple[str, float]]) -> tuple[str, float]:
    """Return the most probable language; a language and its twin add their probabilities."""
    language, probability = ranked[0]
    twin = _TWINS.get(language)
    return language, probability + sum(share for other, share in ranked if other == twin)
