"""Find secrets by the words around them: passwords, one-time codes, card security codes, passports, IDs.

A pattern is tried only where one of its words stands: to find the words one by one is ten times as fast.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from router.masking.visible_text import FoundSecret
from router.text.patterns import WordPlaces, matches_at


def either(*words: str) -> str:
    """Return a pattern of any of the words."""
    return "(?:" + "|".join(words) + ")"


# Each pattern starts with plain letters and looks back after them, so that the engine can jump to the letters.
def word_of(word: str, end: str = "(?![a-z])") -> str:
    """Match a word that no letter precedes; file names join words with "_", where a word boundary does not match."""
    return rf"{word[0]}(?<![a-z0-9+/]{word[0]}){word[1:]}{end}"


OPEN: Final = r"[\s\"'“”‘’「『《【\[(（<«„*_\-]{0,4}"
"""What may stand between a word that announces a secret and the secret."""
# The first class lets the engine reject most places at once.
EQUALS: Final = (
    r"(?=[:：=＝→\-\siwatsel这эはがを는은이是为為係叫改设設换換])(?:[:：=＝→]|->|=>|\s[\-—–]\s|is\b(?<=\bis)|was\b(?<=\bwas)|are\b(?<=\bare)|to\b(?<=\bto)|shi\b(?<=\bshi)|"
    r"这|это\b|es\b(?<=\bes)|est\b(?<=\best)|ist\b(?<=\bist)|adalah\b|là\b|[はがをは]|[는은]|이고|"
    r"[是为為係叫]|[改设設换換]成|改[为為]|[设設][为為]|[设設]置成)"
)
"""What says that the next words are the secret."""
_LOCK: Final = either(
    word_of(r"pass\s?(?:word|code|phrase|wd)s?", ""), word_of(r"pwd?"),
    word_of("pass", r"(?=\s?[:：=＝]|\s(?:is|was)\b(?<=(?:my|in|nt|et|pp|er|ld|ew)\spass\s(?:is))"
            r"|\s(?:is|was)\b(?<=(?:my|in|nt|et|pp|er|ld|ew)\spass\swas))"),
    word_of(r"pin(?:\s?(?:code|number|no\.?))?"),
    word_of(r"mi\s?ma"), "密码", "密碼", "口令", "暗号", "暗號", "暗証番号", "パスワード", "비밀번호", "비번", "암호",
    word_of("парол[ьяюие]", ""), word_of("пин-?код", ""), word_of("contrase[nñ]a"), word_of("clave"), "mot de passe",
    word_of("passwort"), word_of("kennwort"), word_of("wachtwoord"),
    word_of("senha"), word_of("parola"), word_of("sifre", ""),
    word_of("şifre", ""),
    word_of("has[lł]o"), "mật khẩu", word_of(r"kata\s(?:sandi|laluan)"), "รหัสผ่าน", "كلمة المرور", "كلمة السر", "पासवर्ड",
)  # fmt: skip
_LOCK_WORDS: Final = (
    "pass", "pw", "pin", "mima", "mi ma", "密码", "密碼", "口令", "暗号", "暗號", "暗証番号", "パスワード", "비밀번호",
    "비번", "암호", "парол", "пин", "contrase", "clave", "mot de passe", "kennwort", "wachtwoord", "senha", "parola",
    "sifre",
    "şifre", "hasl", "hasł", "mật khẩu", "kata sandi", "kata laluan", "รหัสผ่าน", "كلمة المرور", "كلمة السر", "पासवर्ड",
)  # fmt: skip
# In plain characters, or in any if a digit is among them: the next word of a sentence has none.
_KEY: Final = r"(?P<secret>(?![\"'“‘「])[!-~]{4,64}|(?=[^\s\d，。；！？、」』”’]{1,63}\d)[^\s，。；！？、」』”’]{4,64})"
_PASSWORD: Final = re.compile(
    _LOCK
    + r"[)）\]】]?[^\n:：=!！?？;；。]{0,32}?"
    + EQUALS
    + r"了?(?:\s{0,2}[:：])?[\u4e00-\u9fff]{0,4}"
    + OPEN
    + _KEY
)
# "password Abc12345", "密码abc123", "password_abc123.txt": no word stands between, so the secret must hold a digit.
_PASSWORD_NEXT: Final = re.compile(_LOCK + OPEN + r"(?P<secret>(?=[!-~]{0,63}\d)[!-~]{4,64})")
# 'my passphrase is "correct horse battery staple"'.
_PASSWORD_QUOTED: Final = re.compile(
    _LOCK
    + r"[^\n:：=.。!！?？;；\"“「『«„]{0,16}?"
    + EQUALS
    + r"\s{0,2}[\"'“‘「『«„](?P<secret>[^\n\"'”’」』»“]{4,100})[\"'”’」』»“]"
)
# The end of a sentence between the word and the secret; a point within a name is none.
_NEXT_SENTENCE: Final = re.compile(r"\.(?!\w)")

_HAN: Final = re.compile("[\u4e00-\u9fff]")
_NEXT_CLAUSE: Final = re.compile("[，,、]|\\s[\u4e00-\u9fff]{2}")

# "error code 50013" is not a secret.
_PUBLIC_CODES: Final = (
    "error", "zip", "postal", "post", "promo", "coupon", "country", "area", "qr", "bar", "status", "sort", "swift",
    "product", "discount", "referral", "invite", "invitation", "response", "reason", "voucher", "gift", "merchant",
    "source", "bank", "tracking", "reference", "order",
)  # fmt: skip
_NOT_PUBLIC: Final = "".join(f"(?<!{word} code)" for word in _PUBLIC_CODES)
_CHINESE_CODES: Final = tuple(
    what + code
    for what in [
        "验证",
        "驗證",
        "校验",
        "校驗",
        "动态",
        "動態",
        "确认",
        "確認",
        "短信",
        "簡訊",
        "激活",
        "登录",
        "登錄",
        "登入",
    ]
    for code in ("码", "碼", "口令", "密码", "密碼")
)
_CODE: Final = either(
    *_CHINESE_CODES, "認証コード", "確認コード", "認証番号", "인증번호", r"인증\s?코드", word_of(r"yan\s?zheng\s?ma"),
    word_of(r"код(?:\s(?:подтверждения|доступа|из\sсмс))?", r"(?![а-я])(?!\sошибки)"),
    word_of(r"c[oó]digo(?:\sde\s(?:verifica|seguran|seguri|acc?es)\w{0,8})?", r"(?!\w)(?!\sde)"),
    word_of("otps?"), word_of("2fa"), word_of("mfa"), word_of(r"one[- ]time\s(?:password|passcode|pin|code)"),
    word_of("code", _NOT_PUBLIC + r"s?(?![a-z])"),
)  # fmt: skip
_FIGURES: Final = r"(?P<secret>\d(?<![\d.,¥￥$€£]\d)(?<![¥￥$€£] \d)(?:\d{3,7}|\d\d[- ]\d{3,4}|(?:[ \-]\d){3,7}))"
# These follow an amount, a count or a duration, never a code.
_NO_UNIT: Final = (
    r"(?![\d%]|[.,]\d|\s?(?:元|块|塊|万|萬|人民币|美元|港币|年|月|日|天|次|条|條|位|分钟|分鐘|小时|小時|秒|"
    r"rmb|cny|usd|yuan|dollars?|hkd|eur|euros?|gbp|pounds?|min|hours?|days?|times?|sec|people))"
)
_CODE_AFTER: Final = re.compile(
    _CODE
    + r"(?:[\s:：=#,，\"'“”（(【\[*_\-]{0,6}|"
    + r"[^\d\n。;；!！?？]{0,40}?(?:[:：=]|\bis\b|\bwas\b|[是为為了到叫はが는은]|это|—)"
    + OPEN
    + r")(?:[a-z]{1,3}-)?"
    + _FIGURES
    + _NO_UNIT
)
_CODE_OF_LETTERS: Final = re.compile(
    _CODE
    + r"\s?(?:[:：=]|\bis\b|是|为|為)"
    + OPEN
    + r"(?P<secret>(?=[a-z]{0,7}\d)[a-z0-9]{4,10})(?![a-z0-9])"
    + _NO_UNIT
)
_CODE_BEFORE: Final = re.compile(
    _FIGURES
    + r"(?!\d)\s{0,2}(?:is\b|was\b|是|为|為|[（(\[【]|[,，]\s?(?:this|that|the|这|這|此|我的|my))[^\d\n]{0,30}?"
    + _CODE
)
_CVV: Final = re.compile(
    either(
        word_of(r"cv[vcn]\s?2?"), word_of("csc"), word_of(r"card\ssecurity\scode"),
        word_of(r"security\s(?:code|number)"),
        word_of(r"digits?\son\s(?:the|its)\sback"), "安全码", "安全碼",
        r"[背卡后後反末最][面尾后後]?的?[三3]位(?:数字|數字|数|數|码|碼)?",
    )
    + r"(?:\s?[(（]?[34三四]\s?-?(?:digits?|位)[)）]?)?[^\d\n<>]{0,20}?(?:\n\s{0,4})?"
    + r"(?P<secret>\d(?<!\d\d)(?:[ \-]?\d){2,3})"
    + _NO_UNIT
)  # fmt: skip
_MONTH: Final = r"(?:0?[1-9]|1[0-2])\s?[/\-.年]\s?(?:20)?[2-4]\d月?"
# "exp 12/26 123", with or without a card's number.
_EXPIRY: Final = re.compile(
    either(word_of(r"exp(?:iry|ires|iration)?(?:\sdate)?\.?", ""), word_of(r"valid\s(?:thru|until|to)"),
            word_of(r"good\sthru"), "有效期(?:至|到)?", "срок действия")
    + rf"[^\w\n]{{0,4}}{_MONTH}[^\w\n]{{1,4}}(?P<secret>\d{{3,4}})(?!\d)"
    + _NO_UNIT
)  # fmt: skip
_BACK: Final = tuple("背卡后後反末最")
# After a card: "exp 12/27, 123", and what else its stripe holds (ISO/IEC 7813).
_AFTER_CARD: Final = re.compile(
    r"[^\w\n]{0,4}(?:exp(?:iry|ires|iration)?(?:\sdate)?|valid\s(?:thru|until)|有效期(?:至|到)?)?[^\w\n]{0,4}"
    r"(?:\d{1,2}\s?[/\-.年]\s?\d{2,4}月?|(?:0[1-9]|1[0-2])[2-4]\d)[^\w\n]{1,4}(?P<secret>\d{3,4})(?!\d)"
    r"|(?:\^[^\^\n]{0,40}\^|=)(?P<stripe>\d{7,}[^\s?]{0,40})",
    re.IGNORECASE,
)
_PASSPORT_NUMBER: Final = (
    r"(?<![a-z0-9])(?P<secret>[a-z]{1,3}[\s\-]?\d{6,9}[a-z]?|\d{9}|[a-z]\d{2}[a-z0-9]{6})(?![a-z0-9])"
)
_TRAVEL: Final = either(
    "passports?(?![a-z])", "护照", "護照", "通行证", "通行證", "回乡证", "回鄉證", "台胞证", "臺胞證"
)
_PASSPORT: Final = re.compile(_TRAVEL + r"(?:[^\d\n]{0,40}?[^a-z0-9\n])?" + _PASSPORT_NUMBER)
_PASSPORT_BEFORE: Final = re.compile(_PASSPORT_NUMBER + r"\s{0,2}(?:is\b|是|为|為|[（(])[^\d\n]{0,24}?" + _TRAVEL)
_CITIZEN: Final = either(
    "身份证", "身份證", "身分證", "证件号", "證件號", word_of(r"id\s?card"), word_of("identity"),
    word_of("identification"),
    *(word_of(rf"{whose}\sid") for whose in ("my", "national", "citizen", "resident", "chinese")),
)  # fmt: skip
_ID: Final = re.compile(
    _CITIZEN
    + r"[^\da-z\n]{0,12}(?:(?:no|number|num|card|is|was|号码|號碼|号|號)[^\da-z\n]{0,6}){0,3}"
    + r"(?P<secret>\d{17}[\dx]|\d{6}[\s\-]\d{8}[\s\-]\d{3}[\dx]|\d{15}|[a-z]{1,2}\d{6}[(（][\da][)）]|[a-z][12]\d{8})"
    + r"(?![\da-z])"
)


@dataclass(frozen=True, slots=True)
class _Family:
    """Patterns that share their words. patterns: begin with one of `words`.  before: begin with the secret itself."""

    kind: str
    words: WordPlaces
    patterns: tuple[re.Pattern[str], ...] = ()
    before: tuple[re.Pattern[str], ...] = ()

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Yield the matches in a text in lower case."""
        starts = self.words.starts(text)
        for pattern in self.patterns if starts else ():
            yield from matches_at(pattern, text, starts)
        for pattern in self.before if starts else ():
            yield from pattern.finditer(text)


_FAMILIES: Final = (
    _Family("password", WordPlaces(*_LOCK_WORDS), (_PASSWORD, _PASSWORD_NEXT, _PASSWORD_QUOTED)),
    _Family(
        "code",
        WordPlaces(*_CHINESE_CODES, "otp", "2fa", "mfa", "one-time", "one time", "code", "認証", "確認コード", "인증",
         "yanzheng", "yan zheng", "код", "codigo", "código"),
        (_CODE_AFTER, _CODE_OF_LETTERS),
        (_CODE_BEFORE,),
    ),
    _Family("cvv", WordPlaces("cv", "csc", "card", "security", "digit", "安全码", "安全碼", *_BACK), (_CVV,)),
    _Family("cvv", WordPlaces("exp", "valid", "good", "有效期", "срок"), (_EXPIRY,)),
    _Family(
        "passport",
        WordPlaces("passport", "护照", "護照", "通行证", "通行證", "回乡证", "回鄉證", "台胞证", "臺胞證"),
        (_PASSPORT,),
        (_PASSPORT_BEFORE,),
    ),
    _Family(
        "id_card",
        WordPlaces("身份证", "身份證", "身分證", "证件号", "證件號", "id card", "idcard", "identi", "my id",
         "national id", "citizen id", "resident id", "chinese id"),
        (_ID,),
    ),
)  # fmt: skip
_FAMILY_WORDS: Final = WordPlaces(*(word for family in _FAMILIES for word in family.words.words))
HINTS: Final = _LOCK_WORDS
"""Words of passwords: a text with neither a digit nor one of these, or of `keys_and_phrases`, holds no secret."""

# Words that follow "password is" or "password:" and are not a password.
_NO_PASSWORD: Final = re.compile(
    r"(?:\*+$|(?:not|wrong|incorrect|invalid|expired|reset|resetting|changed?|changes|changing|forg[eo]t(?:ten)?|lost|cannot|"
    r"can't|cant|could|does|did|doesn't|didn't|don't|dont|please|help|issues?|problems?|errors?|failed|failure|locked|"
    r"blocked|too|always|still|being|never|correct|right|the|that|this|these|those|what|when|where|which|how|why|request|"
    r"recovery|updated?|updates|required|needed|secure|safe|work|works|working|been|very|also|only|same|again|unknown|none|"
    r"n/a|https?://\S*|account|accounts|email|login|wallet|phone|your|from|with|have|after|before|because|since|"
    r"somehow|already|weak|strong|short|long|different|hello|dear|thanks|thank|regards|urgent|unable|"
    r"some(?:one|body)|they|there|will|would|should|must|need|needs|want|and|for)(?![a-z0-9]))"
)
_TRAILING: Final = ".,;:!?\"')]}>*_"


def find_in_context(lowered: str) -> Iterator[FoundSecret]:
    """Yield the secrets next to the words that announce one, in a text in lower case; they may overlap."""
    for family in _FAMILIES if _FAMILY_WORDS.are_in(lowered) else ():
        for match in family.matches(lowered):
            start, end = match.span("secret")
            if family.kind == "password":
                end = start + len(lowered[start:end].rstrip(_TRAILING))
                if not _may_be_password(lowered[match.start() : start], lowered[start:end].strip()):
                    continue
            # The last four digits of a masked card stay, even after a word that announces a secret.
            if not lowered.startswith("**** ", max(0, start - 5)):
                yield FoundSecret(start, end, family.kind, "****")


def find_after_card(text: str, end: int) -> FoundSecret | None:
    """Return the security code that follows a card's number and expiry date without a name, or the rest of a stripe."""
    match = _AFTER_CARD.match(text, end)
    if not match:
        return None
    return FoundSecret(*match.span("secret" if match["secret"] else "stripe"), "cvv", "****")


# What an error message in quotes begins with.
_NO_PHRASE: Final = re.compile(
    r"(?:wrong|incorrect|invalid|error|please|your|the|this|password|pass|must|not|try|account|login|log|sorry|too|"
    r"unable|service|system|密码|密碼|请|請|您)(?![a-z0-9])"
)


def is_no_secret(word: str) -> bool:
    """Return whether a word after "is" or a colon goes on with the sentence: "my password is not working"."""
    return word.startswith("//") or _NO_PASSWORD.match(word) is not None


def _may_be_password(before: str, secret: str) -> bool:
    if " " in secret:
        return not _NO_PHRASE.match(secret)
    if len(secret) < 4 or is_no_secret(secret) or _NEXT_SENTENCE.search(before):
        return False
    # A secret with Chinese characters follows in the same clause; what a later clause says is the sentence going on.
    if _HAN.search(secret) and _NEXT_CLAUSE.search(before):
        return False
    # A Latin word in a Chinese sentence, or a word in quotes, is the password itself.
    announced = any(mark in before for mark in ':：=＝→是为為係成"“‘「')
    return announced or not (secret.isalpha() or _is_plainword_of(secret))


def _is_plainword_of(secret: str) -> bool:
    return all(part.isalpha() or not part for part in re.split(r"[-'’/_.,]", secret))
