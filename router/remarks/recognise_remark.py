"""Recognise the messages that say nothing of a matter: phrases of `remark_words` and parts of `remark_parts` alone.

Closed lists and the whole message: one word more, a question mark after thanks, or an angry face, and it is content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from router.remarks.remark_grammar import RemarkGrammar, build_grammar
from router.remarks.remark_kind import RemarkKind
from router.remarks.remark_names import may_be_name
from router.remarks.remark_parts import ARRIVED_PARTS, ASSENT_PARTS, REQUESTS, SLOTS, THANKS_PARTS
from router.remarks.remark_words import (
    AROUND_PERSON,
    AROUND_STOP,
    ASSENTS,
    COURTESIES,
    FILLERS,
    NOTHINGS,
    OPENERS,
    PERSONS,
    SALUTATIONS,
    STOP_OBJECTS,
    STOP_VERBS,
    STOPS,
)
from router.text.chinese_script import fold_script
from router.text.plain import fold

# Longer messages are content; thanks in a mail with a signature are left to the classifier.
_LONGEST: Final = 160
_MOST_TOKENS: Final = 64
_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff"
_TOKEN: Final = re.compile(rf"[{_HAN}]|[^\W_{_HAN}]+")
_STRETCHED: Final = re.compile(rf"([^\W\d{_HAN}])\1\1+")
_APOSTROPHES: Final = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc"))
_SPOKEN: Final = {
    "its": "it is",
    "thats": "that is",
    "im": "i am",
    "youre": "you are",
    "ur": "you are",
    "dont": "do not",
    "ive": "i have",
    "weve": "we have",
    "youve": "you have",
    "everythings": "everything is",
    "alls": "all is",
    "youll": "you will",
    "ill": "i will",
}
# Faces and signs by which people agree or thank; any other says nothing by itself: a hand that waves comes or goes.
_KIND_FACES: Final = re.compile(
    "[👍👌🙏🤝💪👏🙌🫶🤗😊☺😀😃😄😁😆😘🥰😍😇😉🙂😎🤩🥳🎉🎊✨💯✅✔❤♥💕💖💗💙💚💛🧡💜🌹💐🌸🌷☕🍻✌]"
)
# Between thanks; before them, or without, they ask for it: "回复谢谢".
_ASKED_FOR: Final = re.compile("^(?!.*(?:谢|感|辛苦|唔该|赞|棒).*(?:回复|解答|帮忙|帮助)).*(?:回复|解答|帮忙|帮助)")
_CRY: Final = "🆘"
# Longer numbers are an order's, or a code.
_LONGEST_COUNT: Final = 4
# "My phone stop sending messages" is a fault.
_PHONE_STOPPED: Final = re.compile(
    r"(?:(?:my|the|this|all|these) )*(?:phone|number|inbox|messages|texts|sms) .*(?:stop|no|not)\b"
)
_ANGRY_FACES: Final = re.compile("[😡😠🤬💢👎😭😢😤😩😫🖕💔😞😔😒🙄😰😱😨]")
_FACE: Final = "face"

_SALUTES: Final = 1
_OPENS: Final = 2
_THANKS: Final = 4
_CALLS: Final = 8
_STOPS: Final = 16
_ENDS: Final = 128
_NAMES: Final = 256
_SHOWS: Final = 32
_AGREES: Final = 64
_SMILES: Final = 512
_ARRIVES: Final = 1024
# "回复真快" praises.
_ANSWERED_WELL: Final = re.compile(
    "(?:回复|答复|解答)[得的]?[真好很太挺超这么非常级]+(?:快|及时|迅速|详细|清楚|耐心|专业)"
)
# "is it", "was that": a question without its mark.
_ASKS: Final = re.compile(
    r"\b(?:is|are|was|has|have|did|does|do|can|could|would|should|will) (?:it|this|everything|you|they|there|my|i|we)\b"
)
# "Thanks Anna!", "Cheers,\nTom Lee": a word that begins with a capital, where a name stands.
_NAMED: Final = re.compile(
    r"\b((?:[Tt]hanks|[Tt]hank you|[Cc]heers|[Tt]hx|[Rr]egards|[Bb]est|[Ww]ishes|so much|very much|a lot|again)"
    r"(?: |[,!]?\s*\n\s*|, ))[A-Z][a-z]+(?: [A-Z][a-z]*\.?)?(?=\s*(?:$|[.,!\n😊🙏👍]))"
)
# Roles that stand in thanks, too; with "phone" they ask for a number.
_AMBIGUOUS: Final = frozenset({"客服", "客服人员", "客服专员", "manager", "a manager"})
_PLACES: Final = frozenset({"电话", "phone", "by phone", "怎么", "怎样", "哪", "哪里", "如何"})

_Phrases = Mapping[str, tuple[tuple[tuple[str, ...], int], ...]]


def remark_of(text: str) -> RemarkKind:
    """Return what a text is for, by its words alone; `content` for each that says anything else."""
    bare = text.strip()
    if len(bare) > _LONGEST:
        return RemarkKind.CONTENT
    if _ANGRY_FACES.search(bare):
        return RemarkKind.CONTENT if _tokens(bare) else RemarkKind.EMPTY
    tokens = _tokens(_KIND_FACES.sub(f" {_FACE} ", _NAMED.sub(_without_name, bare)))
    if not tokens:
        return RemarkKind.CONTENT if _CRY in bare else RemarkKind.EMPTY
    if len(tokens) > _MOST_TOKENS:
        return RemarkKind.CONTENT
    asks = "?" in bare or "\uff1f" in bare
    return _kind(tokens, asks=asks)


def asks_to_stop(text: str) -> bool:
    """Return whether a sentence does nothing but end the messages to its sender."""
    bare = text.strip()
    if len(bare) > _LONGEST or "?" in bare or "\uff1f" in bare:
        return False
    tokens = _tokens(_ANGRY_FACES.sub(" ", bare))
    if _PHONE_STOPPED.match(" ".join(tokens)):
        return False
    said = _said(tokens, _stops()) or 0
    return bool(said & _STOPS) or bool(said & _ENDS and said & _NAMES)


def _kind(tokens: list[str], *, asks: bool) -> RemarkKind:
    if all(token.isdecimal() for token in tokens):
        # A number is an answer, or an order's.
        return RemarkKind.CONTENT
    if any(not (token.isdecimal() or may_be_name(token)) for token in set(tokens) - _vocabulary()):
        return RemarkKind.CONTENT
    said = _said(tokens, _remarks())
    if said is None or said & _OPENS:
        said = _in_parts(tokens, said)
    if said is not None and said & (_THANKS | _AGREES | _SMILES) and not said & _OPENS:
        is_request = asks or _ASKED_FOR.match(_ANSWERED_WELL.sub("", "".join(tokens)))
        return RemarkKind.CONTENT if is_request else _thanks_or_assent(said)
    if said is not None and said & (_SALUTES | _OPENS):
        return RemarkKind.GREETING
    if any((_said(tokens, phrases) or 0) & _CALLS for phrases in (_calls(), _plain_calls())):
        return RemarkKind.PERSON
    shown = _said([token for token in tokens if not token.isdecimal() or len(token) > _LONGEST_COUNT], _shows())
    return RemarkKind.EMPTY if shown is not None and shown & _SHOWS else RemarkKind.CONTENT


def _in_parts(tokens: list[str], said: int | None) -> int | None:
    """Return what the text says by its parts as well. said: by its phrases alone; this counts if the parts do not."""
    if not REQUESTS.isdisjoint(tokens) or _ASKS.search(" ".join(tokens)):
        return said
    found = _said(tokens, _remarks(), _parts())
    return said if found is None or (found & _ARRIVES and not found & _THANKS) else found


def _without_name(found: re.Match[str]) -> str:
    """Return thanks or a closing without the name after it; unchanged where the word is none."""
    words = found[0][len(found[1]) :].lower().split()
    return found[0] if any(not may_be_name(word) or word in _remarks() for word in words) else f"{found[1]} "


def _thanks_or_assent(said: int) -> RemarkKind:
    """Return `assent` where a word agrees, also with thanks: "好的，谢谢" answers a question."""
    return RemarkKind.COURTESY if said & _THANKS and not said & _AGREES else RemarkKind.ASSENT


def _tokens(text: str) -> list[str]:
    folded = _STRETCHED.sub(r"\1", fold_script(fold(text)).translate(_APOSTROPHES))
    return [word for token in _TOKEN.findall(folded) for word in _SPOKEN.get(token, token).split()]


def _said(tokens: list[str], phrases: _Phrases, parts: RemarkGrammar | None = None) -> int | None:
    """Return what the fewest phrases and parts that make up the whole text say, as bits; None if none do."""
    best: list[tuple[int, int] | None] = [(0, 0), *[None] * len(tokens)]
    for at, token in enumerate(tokens):
        before = best[at]
        if before is None:
            continue
        listed = ((at + len(words), bits) for words, bits in phrases.get(token, ()) if _stands(words, tokens, at))
        for end, bits in (*listed, *(parts.found(tokens, at) if parts else ())):
            found, known = (before[0] + 1, before[1] | bits), best[end]
            # "你好呀" greets; it is not "好呀" to you.
            if known is None or _rank(found) < _rank(known):
                best[end] = found
    whole = best[-1]
    return None if whole is None else whole[1]


def _stands(words: tuple[str, ...], tokens: list[str], at: int) -> bool:
    return tuple(tokens[at : at + len(words)]) == words


def _rank(found: tuple[int, int]) -> tuple[int, int]:
    """Return what is smaller for the better reading: fewer pieces, then what says less, then what may be an answer."""
    pieces, said = found
    if said & _AGREES:
        return pieces, 1
    return pieces, 2 if said & (_THANKS | _SMILES | _ARRIVES) else 0


@cache
def _remarks() -> _Phrases:
    return _by_first_word(
        {
            _SALUTES: SALUTATIONS,
            _OPENS: OPENERS,
            _THANKS: COURTESIES,
            _AGREES: ASSENTS,
            _SMILES: {_FACE},
            0: FILLERS | NOTHINGS,
        }
    )


@cache
def _parts() -> RemarkGrammar:
    said = {_THANKS: THANKS_PARTS, _AGREES: ASSENT_PARTS, _ARRIVES: ARRIVED_PARTS}
    return build_grammar(said, slots=SLOTS, tokens_of=_tokens)


@cache
def _calls() -> _Phrases:
    around = AROUND_PERSON | FILLERS | NOTHINGS | SALUTATIONS | OPENERS | COURTESIES | ASSENTS | {_FACE}
    return _by_first_word({_CALLS: PERSONS - _AMBIGUOUS, 0: around - PERSONS})


@cache
def _plain_calls() -> _Phrases:
    """Return the phrases of calls that name a role alone: "客服" calls for one, "你们客服真耐心" praises one."""
    around = (AROUND_PERSON | SALUTATIONS | OPENERS | {"谢谢", "thanks", "thank you"}) - _AMBIGUOUS - _PLACES
    return _by_first_word({_CALLS: _AMBIGUOUS, 0: around})


@cache
def _shows() -> _Phrases:
    return _by_first_word({_SHOWS: NOTHINGS})


@cache
def _vocabulary() -> frozenset[str]:
    """Return every word of what is not content, but names and numbers: one other word, and no list needs a look."""
    listed = [_remarks(), _calls(), _plain_calls(), _shows()]
    words = {word for phrases in listed for each in phrases.values() for phrase, _ in each for word in phrase}
    return _parts().words | words


@cache
def _stops() -> _Phrases:
    return _by_first_word({_STOPS: STOPS, _ENDS: STOP_VERBS, _NAMES: STOP_OBJECTS, 0: AROUND_STOP})


def _by_first_word(listed: Mapping[int, Iterable[str]]) -> _Phrases:
    bits: dict[tuple[str, ...], int] = {}
    for bit, phrases in listed.items():
        for phrase in phrases:
            words = tuple(_tokens(phrase))
            bits[words] = bits.get(words, 0) | bit
    found: dict[str, list[tuple[tuple[str, ...], int]]] = {}
    for words, said in bits.items():
        found.setdefault(words[0], []).append((words, said))
    return {word: tuple(each) for word, each in found.items()}
