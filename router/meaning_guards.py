"""Words and characters whose change turns a sentence round: while they differ, two texts are never the same message."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rapidfuzz.distance import OSA, Levenshtein

# "n't" loses its apostrophe in canonical form: "don t", "dont" and "do not" say the same.
_NEGATIONS: Final = re.compile(
    r"(?<![a-z])(?:not|no|never|none|nothing|nobody|without|cannot|neither|nor|"
    r"(?:can|don|doesn|didn|won|wouldn|couldn|shouldn|isn|aren|wasn|weren|haven|hasn|hadn)\s?t)(?![a-z])|"
    r"不|没|未|无|非|别|勿"
)
# Words whose exchange for each other says something else although they are short or look alike.
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
# The same for characters: direction, order, time, person, number, and money's own nouns.
_TURNING_CHARACTERS: Final = frozenset(
    "入出收付买卖多少上下前后开关存取充提早晚昨今明加减大小左右他她一二两三四五六七八九十百千万半元角卡钱款币券票"
)
# Characters that may come and go.
_PARTICLES: Final = frozenset(
    "的了吗呢啊吧请我你您就也都还很再又啦呀哦这那个一是在有把被到着过得地会要能可以么呗嘛帮给和跟与"
)
_DECIDES: Final = 100
_TOKEN: Final = re.compile(r"[a-z]+|[\u4e00-\u9fff]")
_LONG_WORD = 4
# Short words that people mistype; of any other, one letter more tells "Zhang Wei" from "Zhang Lei", and order A from B.
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
# Less alike than this, a long word is no typo of the other.
_ALIKE: Final = 0.6
# The first level of GB 2312 is sorted by sound; characters this close sound alike, as mistyped ones do.
_NEAR_IN_SOUND: Final = 15
_LAST_SORTED_ROW: Final = 0xD7


def negations(words: str) -> int:
    """Return how often a canonical text says no."""
    return len(_NEGATIONS.findall(words))


def turns(a: str, b: str) -> bool:
    """Tell whether, between two canonical texts, a word is exchanged that is no typo, or a turning one goes."""
    left, right = _TOKEN.findall(a), _TOKEN.findall(b)
    come = go = 0
    for edit in Levenshtein.editops(left, right):
        if edit.tag == "replace":
            if _exchanged(left[edit.src_pos], right[edit.dest_pos]):
                return True
            continue
        weight = _weight(right, edit.dest_pos) if edit.tag == "insert" else _weight(left, edit.src_pos)
        come, go = (come + weight, go) if edit.tag == "insert" else (come, go + weight)
    # One Chinese character may be forgotten; one that comes while another goes is another word ("锁定" for "解锁").
    return max(come, go) >= _DECIDES or (come > 0 and go > 0)


def _weight(tokens: Sequence[str], at: int) -> int:
    """Return how much a word that only one text has says; a doubled one is a slip of the hand."""
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
