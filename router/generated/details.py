"""What in a text can be wrong although it reads well: numbers with their units, addresses, negations, names on screens.

Two texts are compared by these: each of the one must stand in the other. Widths, Chinese numerals and number words are
folded, so that a faithful paraphrase has the same ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from router.text.chinese_numerals import chinese_number
from router.text.chinese_script import fold_case

_UNITS: Final = {
    "minute": "min", "minutes": "min", "min": "min", "mins": "min", "分钟": "min", "分鐘": "min",
    "second": "s", "seconds": "s", "秒": "s", "秒钟": "s",
    "hour": "h", "hours": "h", "小时": "h", "小時": "h", "个小时": "h",
    "working day": "wd", "working days": "wd", "business day": "wd", "business days": "wd", "个工作日": "wd",
    "工作日": "wd", "個工作日": "wd",
    "day": "d", "days": "d", "天": "d", "日": "d", "个自然日": "d", "自然日": "d", "calendar days": "d",
    "week": "w", "weeks": "w", "周": "w", "星期": "w", "个星期": "w",
    "month": "mo", "months": "mo", "个月": "mo", "月": "mo", "個月": "mo",
    "year": "y", "years": "y", "年": "y",
    "%": "%", "percent": "%", "per cent": "%",
    "times": "x", "次": "x", "cards": "cards", "张": "cards", "digits": "digits", "位": "digits",
    "元": "cny", "yuan": "cny", "rmb": "cny", "cny": "cny", "块": "cny", "usd": "usd", "dollars": "usd", "美元": "usd",
    "eur": "eur", "euros": "eur", "欧元": "eur", "hkd": "hkd", "港币": "hkd", "港元": "hkd",
}  # fmt: skip
_UNIT: Final = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_SIGNS: Final = {"¥": "cny", "￥": "cny", "$": "usd", "€": "eur", "£": "gbp"}
_FIGURE: Final = re.compile(
    rf"(?P<sign>[¥￥$€£])?\s?(?P<number>\d+(?:[.,:]\d+)*)(?P<scale>\s?[万亿千]|k(?![a-z]))?[-\s]?(?P<unit>{_UNIT})?(?![a-z])"
)
_BARE_FIGURE: Final = re.compile(r"(?P<number>\d+(?:[.,:]\d+)*)")
_WORDS: Final = {
    word: value
    for value, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
} | {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90, "hundred": 100, "twenty-four": 24}
# "one" is more often no number at all; before a unit it is one.
_NUMBER_WORD: Final = re.compile(
    rf"\b(?:(?P<one>one|an?)(?=[- ](?:{'|'.join(each for each in _UNITS if each.isascii() and each.isalpha())})\b)|"
    rf"(?P<word>{'|'.join(sorted(set(_WORDS) - {'zero', 'one'}, key=len, reverse=True))}))\b"
)
_CHINESE_UNIT: Final = "|".join(re.escape(each) for each in _UNITS if not each.isascii())
_NUMERAL: Final = re.compile(
    rf"[一二两兩三四五六七八九十百千万]{{1,7}}(?=\s?(?:{_CHINESE_UNIT}))|"
    r"[二三四五六七八九]?十[一二三四五六七八九]?|[二三四五六七八九]百|百分之[一二三四五六七八九十]{1,3}"
)
_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'()，。；）》」]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|"
    r"\b(?:[a-z0-9-]+\.)+(?:com|cn|net|org|io|me|info|top|xyz|app|example|co|cc|shop|site|ru|de|hk|tw)\b(?:/\S*)?"
)
_NEGATION: Final = re.compile(
    r"\b(?:not|never|cannot|can't|won't|don't|doesn't|isn't|aren't|didn't|mustn't|shouldn't|needn't|wasn't|no longer|"
    r"without|neither|nor|nobody|none|no)\b|n't\b"
)
_WORD: Final = re.compile(r"[a-z]+(?:'[a-z]+)?")
# fmt: off
_FILLERS: Final = frozenset({
    "a", "an", "the", "be", "been", "is", "are", "was", "were", "will", "would", "can", "could", "may", "might", "must",
    "should", "shall", "do", "does", "did", "have", "has", "had", "to", "we", "you", "it", "they", "i", "he", "she",
    "our", "your", "their", "my", "its", "this", "that", "these", "those", "ever", "any", "anyone", "anybody",
    "anything", "else", "also", "yet", "even", "just", "again", "of", "for", "on", "in", "by", "from", "with", "as",
    "at", "so", "or", "and", "need",
})
# fmt: on
# How many words after a negation its verb may stand.
_REACH: Final = 4
_CHINESE_NEGATION: Final = re.compile(r"不|没有?|無|无需|无法|无|勿|未|别(?!人|的)|禁止|切勿|并非|沒有?|非(?!常)")
# These words have the sign of a negation and deny nothing.
_NO_NEGATIONS: Final = re.compile(
    r"不同|不仅|不但|不论|不管|不久|不过|不足|不少|是否|不错|无论|未来|特别|个别|级别|类别|别人|识别|区别|分别|不超过|不到|不低于|不少于|能不能|可不可以|对不起|不好意思|没关系"
)
_MODALS: Final = "会能要可以需用得再被向把在对给应该必须去让请想是有"
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")
_SCOPE: Final = 8
_ARROW: Final = re.compile(r"\s*(?:→|->|>|›|»|»)\s*")
_QUOTED: Final = re.compile(r"[“\"「『【《]([^”\"」』】》\n]{1,40})[”\"」』】》]|\*\*([^*\n]{1,60})\*\*")
_STEP: Final = re.compile(r"[^\s，。,.;；：:、（）()“”\"「」【】]{1,24}")
_CAPITAL: Final = re.compile(r"(?<![.!?:。！？：\n] )(?<![.!?。！？\n•*-])(?<!^)\b[A-Z][A-Za-z]{2,}\b")


_RANGE: Final = re.compile(r"(\d+(?:\.\d+)?)\s?(?:to|and|-|~|至|到)\s?(\d+(?:\.\d+)?)(?![\d.]*:)")
_SENTENCE: Final = re.compile(r"[.;!?\n。；！？]+(?!\w)")
_CLAUSE: Final = re.compile(r"[,:，：、]+\s?|\bbut\b|但")
# These deny as much as a "not": without them an upper bound becomes a lower one.
_BOUNDS: Final = re.compile(r"不超过|不到|不低于|不少于|至多|最长|最多|最迟")
_NOTHING: Final = re.compile(r"\b(?:nothing|nowhere)\b")


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence or a clause. words: that carry it, without negations.  denies: it has one."""

    words: frozenset[str]
    denies: bool


@dataclass(frozen=True)
class Figures:
    """What of a text is compared."""

    text: str

    @cached_property
    def folded(self) -> str:
        """The text with simplified characters, lower case, narrow forms, and digits in the place of number words."""
        folded = fold_case(self.text).replace("\u2019", "'").replace("–", "-")
        folded = _NUMBER_WORD.sub(lambda match: str(_WORDS.get(match["word"] or "one", 1)), folded)
        return _NUMERAL.sub(_digits, folded)

    @cached_property
    def numbers(self) -> frozenset[tuple[str, str]]:
        """Each number with its unit; empty without one."""
        found = {(_number(match), _unit(match)) for match in _FIGURE.finditer(_ADDRESS.sub(" ", self.folded))}
        bare = {(_plain(match["number"]), "") for match in _BARE_FIGURE.finditer(_ADDRESS.sub(" ", self.folded))}
        return frozenset(found | {pair for pair in bare if not any(pair[0] == one[0] for one in found)})

    @cached_property
    def ranges(self) -> frozenset[tuple[str, str]]:
        """Pairs such as 1 and 7 of "1 to 7 days": each number of it stands in the source, and so must the pair."""
        return frozenset((_plain(match[1]), _plain(match[2])) for match in _RANGE.finditer(self.folded))

    @cached_property
    def statements(self) -> tuple[Statement, ...]:
        """Its sentences, and the clauses of each, by the words that carry them."""
        return tuple(_statements(self.folded))

    @cached_property
    def addresses(self) -> frozenset[str]:
        """Links, mail addresses, and bare names of hosts."""
        return frozenset(match[0].rstrip(".,;:!?/*") for match in _ADDRESS.finditer(self.folded))

    @cached_property
    def denied(self) -> frozenset[str]:
        """The verbs that a negation stands before: English stems, and pairs of Chinese characters."""
        return frozenset((*_denied_english(self.folded), *_denied_chinese(self.folded)))

    @cached_property
    def said(self) -> frozenset[str]:
        """What stands outside every negation, in the forms of `denied`."""
        return frozenset((*_said_english(self.folded), *_said_chinese(self.folded)))

    @cached_property
    def names(self) -> frozenset[str]:
        """Names that a reader looks for on a screen: quoted, bold, between arrows, or capital within a sentence."""
        quoted = {part for match in _QUOTED.finditer(self.text) for part in _ARROW.split(match[1] or match[2])}
        steps = set(_steps(self.text))
        capital = set(_CAPITAL.findall(self.text))
        return frozenset(fold_case(each).strip(" .,:;") for each in quoted | steps | capital if each.strip())


def _digits(match: re.Match[str]) -> str:
    said = match[0]
    return f"{chinese_number(said[3:])}%" if said.startswith("百分之") else str(chinese_number(said))


def _plain(number: str) -> str:
    trimmed = number.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", number) else number
    return trimmed.rstrip("0").rstrip(".") if "." in trimmed else trimmed


def _number(match: re.Match[str]) -> str:
    scale = (match["scale"] or "").strip()
    return _plain(match["number"]) + {"": "", "k": "000", "千": "000", "万": "0000", "亿": "00000000"}[scale]


def _unit(match: re.Match[str]) -> str:
    return _UNITS.get(match["unit"] or "", "") or _SIGNS.get(match["sign"] or "", "")


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _clauses(folded: str) -> list[str]:
    return re.split(r"[.;:!?\n。；：！？，]|, ", folded)


def _english(clause: str) -> Iterator[tuple[str, bool]]:
    """Yield the words of a clause that carry it, each with whether a negation reaches it."""
    reach = 0
    for match in _WORD.finditer(clause):
        word = match[0]
        if _NEGATION.fullmatch(word):
            reach = _REACH
            continue
        if word not in _FILLERS:
            yield _stem(word), reach > 0
            reach = 0
        reach = max(0, reach - 1)


def _denied_english(folded: str) -> Iterator[str]:
    return (stem for clause in _clauses(folded) for stem, is_denied in _english(clause) if is_denied)


def _said_english(folded: str) -> Iterator[str]:
    return (stem for clause in _clauses(folded) for stem, is_denied in _english(clause) if not is_denied)


def _chinese(folded: str) -> Iterator[tuple[str, bool]]:
    """Yield pairs of characters, each with whether it is the first one behind a negation."""
    for clause in _clauses(folded):
        plain = "".join(_HAN.findall(_NO_NEGATIONS.sub("", clause)))
        end = 0
        for match in _CHINESE_NEGATION.finditer(plain):
            yield from ((pair, False) for pair in _pairs(plain[end : match.start()]))
            scope = plain[match.end() : match.end() + _SCOPE].lstrip(_MODALS)
            if len(scope) > 1:
                yield scope[:2], True
            end = match.end() + len(plain[match.end() : match.end() + _SCOPE]) - len(scope) + 2
        yield from ((pair, False) for pair in _pairs(plain[end:]))


def _pairs(text: str) -> list[str]:
    return [text[at : at + 2] for at in range(len(text) - 1)]


def _denied_chinese(folded: str) -> Iterator[str]:
    return (pair for pair, is_denied in _chinese(folded) if is_denied)


def _said_chinese(folded: str) -> Iterator[str]:
    return (pair for pair, is_denied in _chinese(folded) if not is_denied)


def _steps(text: str) -> Iterator[str]:
    """Yield what stands next to arrows, without the words before and behind a path."""
    for match in _ARROW.finditer(text):
        if (before := _STEP.findall(text[: match.start()][-60:])) and text[match.start() - 1].strip(" "):
            yield before[-1].lstrip("在从到点击进入打开")
        if after := _STEP.match(text[match.end() :]):
            yield after[0]


def _statements(folded: str) -> Iterator[Statement]:
    for sentence in filter(str.strip, _SENTENCE.split(folded)):
        parts = [sentence, *(clause for clause in _CLAUSE.split(sentence) if clause != sentence)]
        yield from (_statement(part) for part in parts)


def _statement(part: str) -> Statement:
    latin = {_stem(word) for word in _WORD.findall(part) if word not in _FILLERS and not _NEGATION.fullmatch(word)}
    plain = _NO_NEGATIONS.sub("", _BOUNDS.sub("", part))
    denies = bool(
        _NEGATION.search(part) or _NOTHING.search(part) or _CHINESE_NEGATION.search(plain) or _BOUNDS.search(part)
    )
    chinese = _pairs("".join(_HAN.findall(_CHINESE_NEGATION.sub("", _BOUNDS.sub("超过", part)))))
    return Statement(frozenset(latin | set(chinese)), denies)
