"""Recognise equal texts: exactly by fingerprint, nearly by comparison, never across different numbers.

The caller compares one customer's recent messages. Different people write alike (measured: one text in eight is nearly
equal to another customer's), so across customers the results are only suggestions.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, Levenshtein

from router.text.chinese_script import fold_script
from router.text.search_terms import ascii_words

# "n't" loses its apostrophe in canonical form: "don t", "dont" and "do not" say the same.
_NEGATIONS: Final = re.compile(
    r"(?<![a-z])(?:not|no|never|none|nothing|nobody|without|cannot|neither|nor|"
    r"(?:can|don|doesn|didn|won|wouldn|couldn|shouldn|isn|aren|wasn|weren|haven|hasn|hadn)\s?t)(?![a-z])|"
    r"不|没|未|无|非|别|勿"
)
# Words whose exchange changes the meaning, although they are short or look alike.
_TURNING_WORDS: Final = frozenset(
    word
    for line in (
        "in out up down on off to from before after over under with only twice once double both either all any",
        "sent send received receive paid pay got get give gave debit credit debited credited lock unlock locked",
        "unlocked blocked unblocked frozen unfrozen add remove added removed enable disable enabled disabled",
        "incoming outgoing verified unverified linked unlinked authorised unauthorised authorized unauthorized",
        "success failed monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun",
        "january february march april june july august september october november december",
        "yesterday today tomorrow tonight morning evening am pm hour hours day days week weeks month months year years",
        "usd eur gbp cny rmb hkd jpy one two three four five six seven eight nine ten eleven twelve twenty thirty",
        "forty fifty hundred thousand million half first second third last next my his her their wife son",
    )
    for word in line.split()
)
# The same for characters: direction, order, time, person, number, and units of money.
_TURNING_CHARACTERS: Final = frozenset(
    "入出收付买卖多少上下前后开关存取充提早晚昨今明加减大小左右他她一二两三四五六七八九十百千万半元角卡钱款币券票"
)
# Characters that may be added or missing.
_PARTICLES: Final = frozenset(
    "的了吗呢啊吧请我你您就也都还很再又啦呀哦这那个一是在有把被到着过得地会要能可以么呗嘛帮给和跟与"
)
_DECIDES: Final = 100
_TOKEN: Final = re.compile(r"[a-z]+|[\u4e00-\u9fff]")
_LONG_WORD = 4
# Short words with frequent typing errors; in others one letter matters: "Zhang Wei" and "Zhang Lei", order A and B.
_COMMON_WORDS: Final = frozenset(
    word
    for line in (
        "a i an am as at be by do go he if in is it me my no of on or so to up us we you the and for not was has had",
        "did are but can get got how her him his its let may new now old one our out own pay see she too try two use",
        "via way who why yet any all ask app bad bank been bill both call card case cash code come cost does done down",
        "each even ever from full fund give gone good hand have help here hold home into just keep kept last late left",
        "less like link lock long look lost made mail make many mean mine miss more most much must name need next okay",
        "once only open over paid part pass past path plan plus read real rest safe said same save seem seen sell send",
        "sent show side sign soon sort stop such sure take tell than that them then they this till time told took turn",
        "type used user very wait want went were what when will with work your also back best able about fee fees text",
        "line live list form file date data days hour week year sum test true view void wire shop sold item free",
    )
    for word in line.split()
)
# If two long words are less similar than this, one is not a typing error of the other.
_ALIKE: Final = 0.6
# The first level of GB 2312 is sorted by sound; characters this close sound alike, like typing errors.
_NEAR_IN_SOUND: Final = 15
_LAST_SORTED_ROW: Final = 0xD7


def negations(words: str) -> int:
    """Return the number of negations in a canonical text."""
    return len(_NEGATIONS.findall(words))


def turns(a: str, b: str) -> bool:
    """Return whether two canonical texts differ in a word that changes the meaning, beyond typing errors."""
    left, right = _TOKEN.findall(a), _TOKEN.findall(b)
    come = go = 0
    for edit in Levenshtein.editops(left, right):
        if edit.tag == "replace":
            if _exchanged(left[edit.src_pos], right[edit.dest_pos]):
                return True
            continue
        weight = _weight(right, edit.dest_pos) if edit.tag == "insert" else _weight(left, edit.src_pos)
        come, go = (come + weight, go) if edit.tag == "insert" else (come, go + weight)
    # One Chinese character may be missing; one added and one missing make another word ("锁定" for "解锁").
    return max(come, go) >= _DECIDES or (come > 0 and go > 0)


def _weight(tokens: Sequence[str], at: int) -> int:
    """Return the weight of a word that only one text has; a doubled word is a typing error."""
    word = tokens[at]
    if word in tokens[max(0, at - 1) : at] or word in tokens[at + 1 : at + 2]:
        return 0
    if word in _TURNING_WORDS or (word in _TURNING_CHARACTERS and word not in _PARTICLES):
        return _DECIDES
    return 0 if word.isascii() or word in _PARTICLES else 1


def _exchanged(left: str, right: str) -> bool:
    if not (left.isascii() and right.isascii()):
        both = left in _TURNING_CHARACTERS and right in _TURNING_CHARACTERS
        return both or not _sound_alike(left, right)
    turning = (left in _TURNING_WORDS, right in _TURNING_WORDS)
    if all(turning):
        return True
    if len(left) == len(right) <= _LONG_WORD and sorted(left) != sorted(right):
        return not {left, right} & (_COMMON_WORDS | _TURNING_WORDS) or len(left) == 1
    if OSA.distance(left, right) <= 1 or Levenshtein.normalized_similarity(left, right) >= _ALIKE:
        return False
    return any(turning) or min(len(left), len(right)) >= _LONG_WORD


def _sound_alike(left: str, right: str) -> bool:
    one, other = _place(left), _place(right)
    return one is not None and other is not None and abs(one - other) <= _NEAR_IN_SOUND


def _place(char: str) -> int | None:
    try:
        row, column = char.encode("gb2312")
    except (UnicodeEncodeError, ValueError):
        return None
    return (row - 0xB0) * 94 + column - 0xA1 if row <= _LAST_SORTED_ROW else None


_GREETING: Final = re.compile(
    r"(?:(?:hi|hello|hey|dear|good\s(?:morning|afternoon|evening|day)|greetings)"
    r"(?:\s[\w.]{1,16}){0,2}\s?[,，!！.。:：\n]|"
    r"(?:hi|hello|hey)\s(?:there\b|team\b|all\b)?|"
    r"(?:亲|大家好|各位好|早上好|上午好|下午好|晚上好|早安|晚安|请问|"
    r"(?:尊敬的|亲爱的)?(?:客服|小二|先生|女士)?(?:你好|您好|在吗)))"
    r"[\s,，!！.。~～:：、]{0,8}"
)
# Both start with plain letters, which the regex engine finds fast.
_CLOSING: Final = re.compile(
    r"(?:\n--\s*\n|best regards|kind regards|warm regards|many regards|regards\b|best wishes|sincerely\b|yours truly|"
    r"yours faithfully|sent from my|get outlook for|此致|顺祝|祝好|祝您|发自我的|来自我的|发送自)[\s\S]{0,300}$"
)
_THANKS: Final = re.compile(
    r"(?:many thanks|thanks|thank you|thx|ty(?<![a-z]ty)|cheers|"
    r"非常感谢|十分感谢|多谢|万分感谢|感谢|非常谢谢|谢谢|谢|麻烦)"
    r"(?:\s(?:you|a lot|so much|very much|in advance|again|everyone)|了|啦|您|你|大家|客服)*"
    r"(?:[\s,，!！.。]+[\w ]{0,24})?[\s,，!！.。~～]{0,8}$"
)
_EDGE: Final = " \t\n\r,，!！.。、~～"
_ATTRIBUTION: Final = re.compile(
    r"^(?:on .{4,120} wrote:|在.{4,80}写道[:：]|"
    r"-+ ?(?:original message|forwarded message|原始邮件|转发) ?-*|(?:fwd?|re|转发|回复)[:：])",
    re.MULTILINE,
)
_QUOTED: Final = re.compile(r"^[ \t]*[>＞][> \t]*", re.MULTILINE)
_QUOTED_LINE: Final = re.compile(r"^[ \t]*[>＞].*(?:\n|$)", re.MULTILINE)
_PART_MARK: Final = re.compile(
    r"^\s*[(\[【（]?\s*([1-9])\s*/\s*([2-9])\s*[)\]】）]?[:：.]?\s*|\s*[(\[（]([1-9])/([2-9])[)\]）]\s*$"
)
# Abbreviations of text messages, and their long forms.
_SHORT: Final = {
    "pls": "please", "plz": "please", "u": "you", "ur": "your", "acct": "account", "acc": "account",
    "r": "are", "bc": "because", "cuz": "because", "txn": "transaction", "msg": "message", "b4": "before",
    "im": "i m", "ive": "i ve", "w": "with", "pw": "password", "pwd": "password", "num": "number",
    "bal": "balance", "amt": "amount",
}  # fmt: skip
_SHORTENED: Final = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(_SHORT)})(?![a-z0-9])")
_NOT_WORD: Final = re.compile(r"[\W_]+")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
# $5 is not €5, and -50 is not 50; a dash within a word or a number is not a minus.
_SIGNED: Final = re.compile(r"(?:([$€£¥₩₹₽₫฿])\s?|(?<!\S))([-−]?)$")
_MARKS: Final = frozenset("$€£¥₩₹₽₫฿-− ")

_SIMILAR: Final = 88.0
# Comparing longer texts costs too much; they match only when they are equal.
_LONGEST: Final = 4_000
# "Hello?" and "thank you" are too common.
_SHORTEST_ECHO: Final = 12
# An ASCII word up to this length says little; a gist of fewer words says too little.
_SMALL_WORD: Final = 2
_FEWEST_WORDS: Final = 4
# A shorter part of an earlier message may be a sentence of its own.
_SHORTEST_PART: Final = 12


@dataclass(frozen=True, slots=True)
class Canonical:
    """A normalised text: its words, and its numbers in order."""

    words: str
    numbers: tuple[str, ...]

    @property
    def negations(self) -> int:
        """The number of negations."""
        return negations(self.words)

    @property
    def key(self) -> str:
        """The words without blanks."""
        return self.words.replace(" ", "")


def canonical(text: str) -> Canonical:
    """Remove greeting, sign-off, quotes, punctuation, case, width and script."""
    folded = _folded(text).replace("\r\n", "\n")
    said = _core(_QUOTED_LINE.sub("", _ATTRIBUTION.sub("", folded)))
    # Only a quote: the customer sent an old message again.
    said = said or _core(_QUOTED.sub("", _ATTRIBUTION.sub("", folded))) or folded
    return Canonical(_written_out(said), _numbers(said))


def fingerprint(text: str) -> str:
    """Return 16 hex digits that are equal for texts which differ only in form."""
    return fingerprint_of(canonical(text))


def fingerprint_of(said: Canonical, *, exactly: str = "", key: bytes = b"") -> str:
    """See `fingerprint`; for a text that is canonical already.

    exactly: what must also be equal, letter by letter.
    key: without it, card numbers and passwords could be guessed from the stored digits.
    """
    content = f"{said.key}\n{' '.join(said.numbers)}\n{exactly}"
    return hashlib.blake2b(content.encode(), digest_size=8, key=key).hexdigest()


def echo_of(said: Canonical, *, key: bytes) -> str:
    """Return 16 hex digits that are equal for equal words of any customers; empty if there are too few words.

    key: see `fingerprint_of`.
    """
    words = said.key.encode()
    if len(words) < _SHORTEST_ECHO:
        return ""
    return hashlib.blake2b(words + b"\n" + " ".join(said.numbers).encode(), digest_size=8, key=key).hexdigest()


def gist_of(said: Canonical, *, key: bytes) -> str:
    """Return 16 hex digits that are equal for texts of any customers but for numbers, order and small words.

    Empty where too little is left: what many ask every day is no outage.  key: see `fingerprint_of`.
    """
    every = set(_TOKEN.findall(said.words)) - _PARTICLES
    words = {word for word in every if len(word) > _SMALL_WORD or not word.isascii()}
    content = " ".join(sorted(words)).encode()
    if len(words) < _FEWEST_WORDS:
        return ""
    return hashlib.blake2b(b"gist\n" + content, digest_size=8, key=key).hexdigest()


def same_message(a: str, b: str) -> bool:
    """Return whether two texts of one customer say the same; their order does not matter.

    Different numbers, an odd negation or a word that changes the meaning ("in" for "out") always mean no.
    """
    return same_canonical(canonical(a), canonical(b))


def same_canonical(a: Canonical, b: Canonical) -> bool:
    """See `same_message`; for callers that compare one text with many."""
    if not a.words or not b.words or a.numbers != b.numbers:
        return False
    if a.key == b.key:
        return True
    if a.negations != b.negations or max(len(a.words), len(b.words)) > _LONGEST:
        return False
    return _are_similar(a, b)


def repeats_part(later: str, earlier: str) -> bool:
    """Return whether the later text is only a part of the earlier one, as when a long SMS arrives in parts."""
    return is_part(canonical(without_part_mark(later)), canonical(earlier))


def without_part_mark(text: str) -> str:
    """Return the text without the mark of one of several parts, such as "(1/2)"."""
    return _PART_MARK.sub("", text)


def is_part(part: Canonical, whole: Canonical) -> bool:
    """See `repeats_part`; for callers that compare one text with many."""
    if len(part.key) == len(whole.key):
        # All of it: then its numbers must be equal, with their signs.
        return part.key == whole.key and part.numbers == whole.numbers
    return len(part.key.encode()) >= _SHORTEST_PART and part.key in whole.key


def join_parts(parts: Sequence[str]) -> str:
    """Join a split text: by the parts' own marks if all have one, else in the order of arrival."""
    marks = [_PART_MARK.search(part) for part in parts]
    bare = [_PART_MARK.sub("", part) for part in parts]
    if all(marks):
        order = [int(mark[1] or mark[3]) for mark in marks if mark]
        bare = [part for _, part in sorted(zip(order, bare, strict=True), key=lambda pair: pair[0])]
    return "".join(bare)


def quotes(quoted: str, earlier: str) -> bool:
    """Return whether the quoted text is the earlier message."""
    return same_message(_QUOTED.sub("", quoted), earlier) or repeats_part(earlier, _QUOTED.sub("", quoted))


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else fold_script(unicodedata.normalize("NFKC", text).casefold())


def _written_out(said: str) -> str:
    """Return the words separated by single blanks, with long forms instead of abbreviations."""
    if said.isascii():
        return " ".join([_SHORT.get(word, word) for word in ascii_words(said)])
    return _SHORTENED.sub(lambda match: _SHORT[match[0]], _NOT_WORD.sub(" ", said).strip())


def _core(text: str) -> str:
    stripped = text.strip()
    # "早上好，请问…" has two greetings.
    for _ in range(3):
        greeting = _GREETING.match(stripped)
        stripped = stripped[greeting.end() :] if greeting else stripped
    return _THANKS.sub("", _CLOSING.sub("", stripped).rstrip(_EDGE)).strip(_EDGE)


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(sorted(_sign(text, at.start()) + at[0].replace(",", "") for at in _NUMBER.finditer(text)))


def _sign(text: str, start: int) -> str:
    """Return the currency and the minus sign before a number."""
    if start == 0 or text[start - 1] not in _MARKS:
        return ""
    signed = _SIGNED.search(text, max(0, start - 3), start)
    return (signed[1] or "") + signed[2] if signed else ""


def _are_similar(a: Canonical, b: Canonical) -> bool:
    # SMS style and line breaks add or remove blanks, so the words are also compared without blanks.
    closeness = max(
        fuzz.ratio(a.words, b.words, score_cutoff=_SIMILAR), fuzz.ratio(a.key, b.key, score_cutoff=_SIMILAR)
    )
    return closeness >= _SIMILAR and not turns(a.words, b.words)
