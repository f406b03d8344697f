"""Whether a text that a model wrote may be shown: everything in it that can be checked stands where it should.

A text with one flaw is not mended and not shown in part: the operator's own words, or a person, take its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from router.generated.details import Figures, Statement
from router.generated.purposes import LONGEST, Purpose
from router.generated.veil import has_place, visible
from router.masking.mask import mask
from router.text.chinese_script import fold_case
from router.text.language import UNDETERMINED, detect


class Flaw(StrEnum):
    """Why a generated text is not shown."""

    UNREADABLE = "unreadable"
    CUT = "cut"
    NOT_ENOUGH = "not_enough"
    EMPTY = "empty"
    TOO_LONG = "too_long"
    NO_SOURCE = "no_source"
    NUMBER = "number"
    ADDRESS = "address"
    NEGATION = "negation"
    NAME = "name"
    PROMISE = "promise"
    MARKUP = "markup"
    LANGUAGE = "language"
    SECRET = "secret"  # noqa: S105  (a kind of flaw)
    LEAK = "leak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a text is compared with.

    language: "zh" or "en"; empty for any.  passages: by marker.  own: the words of the case or of the agent, which a
    draft may repeat and a summary comes from.  prompt: the words for the model, which it must not repeat.
    """

    purpose: Purpose
    language: str
    passages: Mapping[str, str]
    own: str = ""
    prompt: str = ""


_MARKUP: Final = re.compile(
    r"!?\[[^\]\n]*\]\s*\(|<\s*/?\s*[a-z!]|&#?\w+;|```|\{\{|javascript:|data:\w+/|^\s*\{|\[\[|\b(?:system|assistant|user)\s*:",
    re.IGNORECASE | re.MULTILINE,
)
_THOUGHT: Final = re.compile(r"</?think|\"(?:text|sources|enough)\"\s*:", re.IGNORECASE)
_PROMISES: Final = re.compile(
    r"\bguarantee\w*|\bpromise\w*|\b(?:i|we)(?:'ve| have| had)?(?: now| already| just| manually)? "
    r"(?:sent|unlocked|unfroze|refunded|reversed|cancel\w+|credited|reset|transferred|processed|approved|restored|removed|"
    r"changed|updated|escalated|checked|verified|confirmed|returned|paid|closed|deleted|blocked|initiated|issued)\b|"
    r"\b(?:i|we)(?:'ll| will| shall| am going to| are going to| can)(?: now| gladly| happily)? "
    r"(?:refund|unlock|unfreeze|reverse|credit|compensate|transfer|restore|approve|waive|pay you|return your|"
    r"reset your)\b|\byour (?:refund|money|account|payment|card|withdrawal|transfer)(?: request)? "
    r"(?:has been|was|is now|is being|will be) "
    r"(?:\w+ )?(?:approved|processed|unlocked|unfrozen|refunded|credited|restored|reversed|sent|cancelled|returned)\b|"
    r"\bcompensat\w+|\bdefinitely\b|\brest assured\b|"
    r"保证|保證|承诺|承諾|一定会|一定會|肯定会|绝对|必定|包您|放心|赔偿|补偿|"
    r"(?:我|我们|我們|系统|客服)?(?:已经|已經|已|刚刚|马上|立即|这就)(?:为|為|帮|给|替|向)(?:您|你)|"
    r"(?:我|我们|我們)(?:已经|已經|已|会|會|将|來|来|可以)?(?:为|為|帮|给|替)(?:您|你)"
    r"(?:退|解|恢复|撤|取消|处理|更改|修改|转|打|重置|开通|办)"
)
# A sentence of the prompt of this length is no accident.
_LEAK: Final = 32
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_LETTER: Final = re.compile(r"[A-Za-z]{2,}")
# Statements of this share of common words are about the same; a smaller difference than `_TIE` decides nothing.
_ALIKE: Final = 0.5
_TIE: Final = 0.05
_FEWEST_WORDS: Final = 2
# These must cite what they say.
_CITING: Final = frozenset({Purpose.DRAFT, Purpose.ANSWER})
# What these say of an act, the source says too: a customer's "I sent it twice" is no promise.
_RETELLING: Final = frozenset({Purpose.SUMMARY, Purpose.TRANSLATION})


def flaws_of(text: str, *, sources: Collection[str], expected: Expected) -> tuple[Flaw, ...]:
    """Return why a text must not be shown; nothing if it may be. sources: the markers that it cites."""
    cited = [passage for marker, passage in expected.passages.items() if marker in sources]
    return tuple(dict.fromkeys(_flaws(text, cited="\n".join(cited), has_source=bool(cited), expected=expected)))


def _flaws(text: str, *, cited: str, has_source: bool, expected: Expected) -> Iterator[Flaw]:
    if not text.strip():
        yield Flaw.EMPTY
        return
    if len(text) > LONGEST[expected.purpose]:
        yield Flaw.TOO_LONG
    if expected.purpose in _CITING and not has_source:
        yield Flaw.NO_SOURCE
    basis = f"{cited}\n{expected.own}"
    yield from _of_form(text, basis=basis, expected=expected)
    yield from _of_facts(Figures(text), basis=Figures(basis), expected=expected)
    if expected.language and not _speaks(text, expected.language):
        yield Flaw.LANGUAGE
    if set(mask(text).kinds) - set(mask(basis).kinds):
        yield Flaw.SECRET


def _of_form(text: str, *, basis: str, expected: Expected) -> Iterator[Flaw]:
    if (_MARKUP.search(text) and not _stands(_MARKUP, text, basis)) or visible(text) != _quoted(text):
        yield Flaw.MARKUP
    shown = fold_case(text)
    if (
        _THOUGHT.search(text)
        or has_place(text)
        or any(fold_case(marker) in shown for marker in expected.passages)
        or _repeats(shown, fold_case(expected.prompt), known=fold_case(basis))
    ):
        yield Flaw.LEAK


def _quoted(text: str) -> str:
    """Return a text as `visible` would leave it if nothing in it was invisible."""
    return text.replace("<", "\u2039").replace(">", "\u203a")


def _stands(pattern: re.Pattern[str], text: str, basis: str) -> bool:
    return all(match[0] in basis for match in pattern.finditer(text))


def _repeats(text: str, prompt: str, *, known: str) -> bool:
    sentences = (each.strip() for each in re.split(r"[.\n。]", prompt))
    return any(len(each) >= _LEAK and each in text and each not in known for each in sentences)


def _of_facts(text: Figures, *, basis: Figures, expected: Expected) -> Iterator[Flaw]:
    if not _numbers_stand(text, basis):
        yield Flaw.NUMBER
    if text.addresses - basis.addresses:
        yield Flaw.ADDRESS
    if expected.purpose is Purpose.TRANSLATION:
        # Another language has other words for everything else.
        return
    if expected.purpose not in _RETELLING and not _negations_stand(text, basis):
        yield Flaw.NEGATION
    if expected.purpose in _CITING and not all(_has_name(basis, name) for name in text.names):
        yield Flaw.NAME
    if expected.purpose not in _RETELLING and not _stands(_PROMISES, text.folded, basis.folded):
        yield Flaw.PROMISE


def _numbers_stand(text: Figures, basis: Figures) -> bool:
    known = {number for number, _ in basis.numbers}
    stand = all((number, unit) in basis.numbers or (not unit and number in known) for number, unit in text.numbers)
    return stand and text.ranges <= basis.ranges


def _negations_stand(text: Figures, basis: Figures) -> bool:
    """Return whether no statement of a text denies what its source says, or says what its source denies."""
    dropped = {each for each in basis.denied if each in text.said and each not in basis.said | text.denied}
    return not dropped and not any(_contradicts(each, basis) for each in text.statements)


def _contradicts(statement: Statement, basis: Figures) -> bool:
    if len(statement.words) < _FEWEST_WORDS:
        return False
    alike = [(_likeness(statement, other), other.denies) for other in basis.statements]
    nearest = max((likeness for likeness, _ in alike), default=0.0)
    near = {denies for likeness, denies in alike if likeness >= nearest - _TIE}
    return nearest >= _ALIKE and statement.denies not in near


def _likeness(one: Statement, other: Statement) -> float:
    return len(one.words & other.words) / len(one.words | other.words) if one.words else 0.0


def _has_name(basis: Figures, name: str) -> bool:
    folded = fold_case(basis.text)
    if not name.isascii():
        return name in folded
    return re.search(rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", folded) is not None


def _speaks(text: str, language: str) -> bool:
    han, words = len(_HAN.findall(text)), len(_LETTER.findall(text))
    if language == "zh":
        return han > 0 and han >= words
    found = detect(text).partition("-")[0]
    return han * 5 <= words and found in {language, UNDETERMINED}
