"""Find what opens an account and is no password: keys of programs, recovery phrases, security answers; and accounts.

Keys are known by their form or by a word before them; a recovery phrase and an answer only by the words before them.
Numbers of bank accounts carry check digits; American social security numbers are named, or written as nothing else is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from router.masking.cards_and_ids import is_named_otherwise
from router.masking.check_digits import is_bank_account
from router.masking.passwords_and_codes import EQUALS, OPEN, either, is_no_secret, word_of
from router.masking.visible_text import FoundSecret
from router.text.patterns import WordPlaces, matches_at

# Issuers begin their keys alike, so that programs find leaked ones; "eyj" begins a signed token (RFC 7519).
_KEY: Final = re.compile(
    r"(?P<secret>sk-[a-z0-9_\-]{16,200}|[sprw]k_(?:live|test)_[a-z0-9]{10,200}|a[ks]ia[a-z0-9]{16}(?![a-z0-9])|"
    r"gh[pousr]_[a-z0-9]{20,255}|github_pat_[a-z0-9_]{20,255}|glpat-[a-z0-9_\-]{16,200}|xox[abprs]-[a-z0-9\-]{10,200}|"
    r"aiza[a-z0-9_\-]{30,60}|ya29\.[a-z0-9_\-]{20,255}|"
    r"eyj[a-z0-9_\-]{8,2000}\.[a-z0-9_\-]{8,4000}\.[a-z0-9_\-]{8,2000}|"
    r"-----begin[a-z ]{0,30}private key-----[a-z0-9+/=\s]{0,8000}(?:-----end[a-z ]{0,30}private key-----)?)"
)
_KEY_SIGNS: Final = (
    "sk-", "sk_", "pk_", "rk_", "wk_", "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-",
    "xox", "aiza", "ya29.", "eyj", "-----begin",
)  # fmt: skip
_KEY_NAMES: Final = ("api", "access", "secret", "private", "client", "auth", "app", "session")
_KEY_NAMES_WHOLE: Final = (
    "bearer", "私钥", "私鑰", "密钥", "密鑰", "秘钥", "秘鑰", "令牌", "приватный ключ", "секретный ключ", "秘密鍵",
    "개인키",
)  # fmt: skip
# Not after "?" or "&": a link's own token is no secret of the customer's, and newsletters are full of them.
_NAMED_KEY: Final = re.compile(
    either(*(word_of(rf"{name}[\s_\-]?(?:key|token|secret)s?") for name in _KEY_NAMES), *_KEY_NAMES_WHOLE)
    + rf"(?:[^\n?&:：=]{{0,16}}?{EQUALS}|\s)(?:\s?bearer\s)?"
    + OPEN
    + r"(?P<secret>(?=[a-z_\-+/=]{0,40}\d)[a-z0-9_\-+/=.]{12,200})"
)

_PHRASE_NAMES: Final = (
    "seed phrase", "seed words", "recovery phrase", "recovery words", "backup phrase", "secret phrase", "mnemonic",
    "助记词", "助記詞", "恢复词", "恢復詞", "恢复短语", "种子短语", "сид-фраза", "сид фраза", "니모닉",
    "復元フレーズ", "pass phrase", "passphrase", "my seed", "wallet seed",
)  # fmt: skip
_NUMBERED: Final = r"(?:\d{1,2}[.):、]?\s{0,2})?"
# Twelve to twenty-four words of three to eight letters (BIP 39), or as many single characters.
_PHRASE: Final = re.compile(
    either(*_PHRASE_NAMES)
    + rf"[^\n:：=]{{0,40}}?(?:{EQUALS}|\n|[\"“「])\s{{0,3}}"
    + OPEN
    + rf"(?P<secret>{_NUMBERED}[a-z]{{3,8}}(?:[\s,，、;]{{1,3}}{_NUMBERED}[a-z]{{3,8}}){{7,23}}(?![a-z])|"
    + r"[\u4e00-\u9fff](?:[\s,，、]{1,3}[\u4e00-\u9fff]){11,23})"
)
# A sentence has some of these among twelve words, and the list of BIP 39 has none.
_OF_A_SENTENCE: Final = re.compile(
    r"\b(?:the|and|for|not|was|has|but|are|your|please|help|cannot|lost|with|from|were|did|does|had|how|what|been)\b"
)

_ANSWER_NAMES: Final = (
    "security", "secret", "answer", "mother", "maiden", "密保", "安全问题", "安全問題", "секретный вопрос", "ответ на",
    "девичья", "秘密の質問", "보안 질문",
)  # fmt: skip
_ANSWER: Final = re.compile(
    either(
        r"(?:security|secret)\s(?:question\s|q\s)?answers?\b",
        r"answers?\s(?:to|for|of|is)\s(?:my|the|your|a)\s(?:security|secret)\squestions?\b",
        r"(?:security|secret)\squestion[^\n]{0,100}?[\s,;.?](?:answer|a)\b",
        r"(?:mother.{0,2}s\s)?maiden\sname\b",
        r"(?:密保|安全)(?:问题|問題)[^\n]{0,40}?答案", r"密保(?:答案|(?=\s?[:：是为]))",
        r"секретный вопрос[^\n]{0,60}?ответ",
        r"ответ на секретный вопрос", r"девичья фамилия(?: матери)?",
        r"秘密の質問[^\n]{0,40}?答え", r"보안 질문[^\n]{0,40}?답",
    )
    + rf"[^\n:：=.。!！?？;；]{{0,16}}?{EQUALS}"
    + OPEN
    + r"(?P<secret>[^\s.,;:!?。，；！？\"'“”‘’」』)）]{2,40}"
    + r"(?:\s(?!(?:and|but|so|or|please|pls|i|it|because|which|when|then|thanks|thank|the|my|to|for|is|was)\b)"
    + r"[^\s\W\d]{2,20}){0,2})"
)  # fmt: skip

_ACCOUNT: Final = re.compile(
    r"(?<![a-z0-9])[a-z]{2}\d{2}(?:[ \-]?[a-z0-9]{2,4}){3,8}(?:[ \-]?[a-z0-9]{1,3})?(?![a-z0-9])"
)
# It begins with a digit, so that the engine can jump there: most texts have none behind two letters.
_MAY_BE_ACCOUNT: Final = re.compile(r"\d(?<=[a-z]{2}\d)\d")
_IS_SEPARATOR: Final = re.compile(r"[ \-]")
_SHORTEST_ACCOUNT: Final = 15
_SSN_NAMES: Final = ("ssn", "social security", "社会安全号", "社會安全號", "社会保障号", "社安号")
_SSN: Final = r"(?P<secret>(?!000|666|9)\d{3}(?P<dash>[\s\-]?)(?!00)\d\d(?P=dash)(?!0000)\d{4})(?![\d\-])"
_NAMED_SSN: Final = re.compile(either(*_SSN_NAMES) + r"[^\d\n]{0,40}?" + _SSN)
# Without its name only with dashes, and not after a word that names something else.
_BARE_SSN: Final = re.compile(r"\d(?<![\w\-#.]\d)\d\d-(?!00)\d\d-(?!0000)\d{4}(?![\d\-])")
# Neither is an area; a telephone number begins with a zero as well.
_NO_AREAS: Final = ("0", "666", "9")

_KEY_PLACES: Final = WordPlaces(*_KEY_SIGNS)
_NAMED_KEY_PLACES: Final = WordPlaces(*_KEY_NAMES, *_KEY_NAMES_WHOLE)
_PHRASE_PLACES: Final = WordPlaces(*_PHRASE_NAMES)
_ANSWER_PLACES: Final = WordPlaces(*_ANSWER_NAMES)
_SSN_PLACES: Final = WordPlaces(*_SSN_NAMES)
_NAMES: Final = WordPlaces(*_KEY_SIGNS, *_KEY_NAMES, *_KEY_NAMES_WHOLE, *_PHRASE_NAMES, *_ANSWER_NAMES, *_SSN_NAMES)
HINTS: Final = (*_KEY_SIGNS, *_PHRASE_NAMES, *_ANSWER_NAMES)
"""A text with neither a digit nor one of these, or of `passwords_and_codes`, holds no secret."""


def find_keys(lowered: str) -> Iterator[FoundSecret]:
    """Yield the keys, phrases, answers and accounts of a text in lower case; they may overlap."""
    if _NAMES.are_in(lowered):
        yield from _named(lowered)
    yield from _accounts(lowered)
    for match in _BARE_SSN.finditer(lowered) if "-" in lowered else ():
        if not match[0].startswith(_NO_AREAS) and not is_named_otherwise(lowered, match.start()):
            yield FoundSecret(match.start(), match.end(), "id_card", "****")


def _named(lowered: str) -> Iterator[FoundSecret]:
    """Yield those with a name or a sign before them."""
    yield from _keys(lowered)
    yield from _phrases(lowered)
    for match in matches_at(_ANSWER, lowered, _ANSWER_PLACES.starts(lowered)):
        if not is_no_secret(match["secret"]):
            yield _found(match, "password")
    for match in matches_at(_NAMED_SSN, lowered, _SSN_PLACES.starts(lowered)):
        yield _found(match, "id_card")


def _found(match: re.Match[str], kind: str) -> FoundSecret:
    return FoundSecret(*match.span("secret"), kind, "****")


def _keys(lowered: str) -> Iterator[FoundSecret]:
    for match in matches_at(_KEY, lowered, _KEY_PLACES.starts(lowered)):
        if not lowered[match.start() - 1 : match.start()].isalnum():
            yield _found(match, "password")
    for match in matches_at(_NAMED_KEY, lowered, _NAMED_KEY_PLACES.starts(lowered)):
        yield _found(match, "password")


def _phrases(lowered: str) -> Iterator[FoundSecret]:
    for match in matches_at(_PHRASE, lowered, _PHRASE_PLACES.starts(lowered)):
        if not _OF_A_SENTENCE.search(match["secret"]):
            yield _found(match, "password")


def _accounts(lowered: str) -> Iterator[FoundSecret]:
    """Yield the international bank account numbers; what follows one after a blank may look like a part of it."""
    for match in _ACCOUNT.finditer(lowered) if _MAY_BE_ACCOUNT.search(lowered) else ():
        pieces = [piece.span() for piece in re.finditer(r"[a-z0-9]+", match[0])]
        for _, end in reversed(pieces):
            number = _IS_SEPARATOR.sub("", match[0][:end])
            if len(number) >= _SHORTEST_ACCOUNT and is_bank_account(number):
                yield FoundSecret(match.start(), match.start() + end, "bank_account", f"**** {number[-4:]}")
                break
