"""Find secrets by the words around them: passwords, one-time codes, card security codes, passports, IDs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from router.masking.cards_and_ids import FoundSecret


def _either(*words: str) -> str:
    return "(?:" + "|".join(words) + ")"


# Each pattern starts with plain letters and looks back after them, so that the engine can jump to the letters.
def _word(word: str, end: str = "(?![a-z])") -> str:
    """Match a word that no letter precedes; file names join words with "_", where a word boundary does not match."""
    return rf"{word[0]}(?<![a-z0-9+/]{word[0]}){word[1:]}{end}"


_OPEN: Final = r"[\s\"'“”‘’「『《【\[(（<*_\-]{0,4}"
_EQUALS: Final = (
    r"(?:[:：=＝→]|->|=>|\bis\b|\bwas\b|\bare\b|\bto\b|是|为|為|係|叫|"
    r"改成|改为|改為|设成|設成|设为|設為|设置成|換成|换成)"
)
_LOCK: Final = _either(
    _word(r"pass\s?(?:word|code|phrase|wd)s?", ""), _word(r"pwd?"),
    _word("pass", r"(?=\s?[:：=＝])"), _word(r"pin(?:\s?(?:code|number|no\.?))?"),
    "密码", "密碼", "口令", "暗号", "安全问题答案",
    "contraseña", "mot de passe", "passwort", "senha",
)  # fmt: skip
_KEY: Final = r"(?P<secret>[!-~]{4,64})"
_PASSWORD: Final = re.compile(
    _LOCK
    + r"[)）\]】]?(?:[^\n:：=.。!！?？;；]|\.(?=\w)){0,32}?"
    + _EQUALS
    + r"了?(?:\s{0,2}[:：])?[\u4e00-\u9fff]{0,4}"
    + _OPEN
    + _KEY
)
# "password Abc12345", "密码abc123", "password_abc123.txt": no word stands between, so the secret must hold a digit.
_PASSWORD_NEXT: Final = re.compile(_LOCK + _OPEN + r"(?P<secret>(?=[!-~]{0,63}\d)[!-~]{4,64})")

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
_CODE: Final = _either(
    *_CHINESE_CODES, _word("otps?"), _word("2fa"), _word("mfa"), _word(r"one[- ]time\s(?:password|passcode|pin|code)"),
    _word("code", _NOT_PUBLIC + r"s?(?![a-z])"),
)  # fmt: skip
_FIGURES: Final = r"(?P<secret>\d(?<![\d.,¥￥$€£]\d)(?<![¥￥$€£] \d)(?:\d{3,7}|\d\d[- ]\d{3,4}|(?:[ \-]\d){3,7}))"
# These follow an amount, a count or a duration, never a code.
_NO_UNIT: Final = (
    r"(?![\d%]|[.,]\d|\s?(?:元|块|塊|万|萬|人民币|美元|港币|年|月|日|天|次|条|條|位|分钟|分鐘|小时|小時|秒|"
    r"rmb|cny|usd|yuan|dollars?|hkd|eur|euros?|gbp|pounds?|min|hours?|days?|times?|sec|people))"
)
_CODE_AFTER: Final = re.compile(
    _CODE
    + r"(?:[\s:：=#,，\"'“”（(【\[*_\-]{0,6}|[^\d\n。;；!！?？]{0,40}?(?:[:：=]|\bis\b|\bwas\b|是|为|為|了|到|叫)"
    + _OPEN
    + r")(?:[a-z]{1,3}-)?"
    + _FIGURES
    + _NO_UNIT
)
_CODE_OF_LETTERS: Final = re.compile(
    _CODE
    + r"\s?(?:[:：=]|\bis\b|是|为|為)"
    + _OPEN
    + r"(?P<secret>(?=[a-z]{0,7}\d)[a-z0-9]{4,10})(?![a-z0-9])"
    + _NO_UNIT
)
_CODE_BEFORE: Final = re.compile(
    _FIGURES
    + r"(?!\d)\s{0,2}(?:is\b|was\b|是|为|為|[（(\[【]|[,，]\s?(?:this|that|the|这|這|此|我的|my))[^\d\n]{0,30}?"
    + _CODE
)
_CVV: Final = re.compile(
    _either(
        _word(r"cv[vcn]\s?2?"), _word("csc"), _word(r"card\ssecurity\scode"), _word(r"security\s(?:code|number)"),
        _word(r"digits?\son\s(?:the|its)\sback"), "安全码", "安全碼",
        r"[背卡后後反末最][面尾后後]?的?[三3]位(?:数字|數字|数|數|码|碼)?",
    )
    + r"(?:\s?[(（]?[34三四]\s?-?(?:digits?|位)[)）]?)?[^\d\n<>]{0,20}?(?:\n\s{0,4})?"
    + r"(?P<secret>\d(?<!\d\d)(?:[ \-]?\d){2,3})"
    + _NO_UNIT
)  # fmt: skip
# After a card: "exp 12/27, 123".
_AFTER_CARD: Final = re.compile(
    r"[^\w\n]{0,4}(?:exp(?:iry|ires|iration)?(?:\sdate)?|valid\s(?:thru|until)|有效期(?:至|到)?)?[^\w\n]{0,4}"
    r"\d{1,2}\s?[/\-.年]\s?\d{2,4}月?[^\w\n]{0,4}(?P<secret>\d{3,4})(?!\d)",
    re.IGNORECASE,
)
_PASSPORT_NUMBER: Final = (
    r"(?<![a-z0-9])(?P<secret>[a-z]{1,3}[\s\-]?\d{6,9}[a-z]?|\d{9}|[a-z]\d{2}[a-z0-9]{6})(?![a-z0-9])"
)
_TRAVEL: Final = _either(
    "passports?(?![a-z])", "护照", "護照", "通行证", "通行證", "回乡证", "回鄉證", "台胞证", "臺胞證"
)
_PASSPORT: Final = re.compile(_TRAVEL + r"(?:[^\d\n]{0,40}?[^a-z0-9\n])?" + _PASSPORT_NUMBER)
_PASSPORT_BEFORE: Final = re.compile(_PASSPORT_NUMBER + r"\s{0,2}(?:is\b|是|为|為|[（(])[^\d\n]{0,24}?" + _TRAVEL)
_CITIZEN: Final = _either(
    "身份证", "身份證", "身分證", "证件号", "證件號", _word(r"id\s?card"), _word("identity"), _word("identification"),
    *(_word(rf"{whose}\sid") for whose in ("my", "national", "citizen", "resident", "chinese")),
)  # fmt: skip
_ID: Final = re.compile(
    _CITIZEN
    + r"[^\da-z\n]{0,12}(?:(?:no|number|num|card|is|was|号码|號碼|号|號)[^\da-z\n]{0,6}){0,3}"
    + r"(?P<secret>\d{17}[\dx]|\d{6}[\s\-]\d{8}[\s\-]\d{3}[\dx]|\d{15}|[a-z]{1,2}\d{6}[(（][\da][)）]|[a-z][12]\d{8})"
    + r"(?![\da-z])"
)

# Hints, kind, pattern. Patterns run only if the text holds one of their hints: that test is far cheaper.
_FAMILIES: Final[tuple[tuple[tuple[str, ...], tuple[tuple[str, re.Pattern[str]], ...]], ...]] = (
    (
        (
            "pass",
            "pw",
            "pin",
            "密码",
            "密碼",
            "口令",
            "暗号",
            "安全问题",
            "contrase",
            "senha",
        ),
        (("password", _PASSWORD), ("password", _PASSWORD_NEXT)),
    ),
    (
        ("code", "otp", "2fa", "mfa", "one-time", "one time", "码", "碼", "口令"),
        (("code", _CODE_AFTER), ("code", _CODE_OF_LETTERS), ("code", _CODE_BEFORE)),
    ),
    (
        ("cv", "csc", "security", "back", "安全", "三位", "3位"),
        (("cvv", _CVV),),
    ),
    (
        ("passport", "护照", "護照", "通行", "回乡证", "回鄉證", "胞证", "胞證"),
        (("passport", _PASSPORT), ("passport", _PASSPORT_BEFORE)),
    ),
    (
        (" id", "id card", "idcard", "ident", "身份", "身分", "证件", "證件"),
        (("id_card", _ID),),
    ),
)
HINTS: Final = tuple(dict.fromkeys(hint for hints, _ in _FAMILIES[:1] for hint in hints))
"""Hints of passwords, the only secrets without a digit: a text with neither a digit nor a hint holds no secret."""

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
    for hints, patterns in _FAMILIES:
        if any(hint in lowered for hint in hints):
            for kind, pattern in patterns:
                yield from _matches(lowered, kind, pattern)


def find_after_card(text: str, end: int) -> FoundSecret | None:
    """Return the security code that follows a card's number and expiry date without a name, if there is one."""
    match = _AFTER_CARD.match(text, end)
    return FoundSecret(*match.span("secret"), "cvv", "****") if match else None


def _matches(text: str, kind: str, pattern: re.Pattern[str]) -> Iterator[FoundSecret]:
    for match in pattern.finditer(text):
        start, end = match.span("secret")
        if kind == "password":
            end = start + len(text[start:end].rstrip(_TRAILING))
            if not _may_be_password(text[match.start() : start], text[start:end]):
                continue
        # The last four digits of a masked card stay, even after a word that announces a secret.
        if not text.startswith("**** ", max(0, start - 5)):
            yield FoundSecret(start, end, kind, "****")


def _may_be_password(before: str, secret: str) -> bool:
    if len(secret) < 4 or secret.startswith("//") or _NO_PASSWORD.match(secret):
        return False
    # A Latin word in a Chinese sentence, or a word in quotes, is the password itself.
    announced = any(mark in before for mark in ':：=＝→是为為係成"“‘「')
    return announced or not (secret.isalpha() or _is_plain_word(secret))


def _is_plain_word(secret: str) -> bool:
    return all(part.isalpha() or not part for part in re.split(r"[-'’/_.,]", secret))
