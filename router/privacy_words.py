"""Secrets that only the words around them betray: passwords, one-time codes, card security codes, passports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from router.privacy_numbers import Found

# Texts in lower case without any of these hold no such secret; asking is much cheaper than the patterns below.
HINTS: Final = (
    "pass", "pwd", "pin", "code", "cvv", "cvc", "cvn", "otp", "密码", "密碼", "口令", "码", "碼", "护照", "護照",
    "身份证", "身份證", "后三位", "後三位",
)  # fmt: skip

# Between the word and the secret: "is", "：", "是", "改成了" ... and quotes.
_IS: Final = (
    r"(?:\s{0,3}(?:[:：=＝\-→]|->|=>|\bis\b|\bwas\b|\bto\b|是|为|為|叫|"
    r"改成了?|改为了?|設成了?|设成了?|设为|設為)){1,2}\s{0,3}"
)
_QUOTES: Final = r"[\"'“”‘’「『《【\[(（<]?"
_LOCK: Final = r"(?:\bpass\s?(?:word|code|phrase|wd)\b|\bpwd\b|\bpin(?:\s?(?:code|number|no\.?))?\b|密码|密碼|口令)"
_KEY: Final = r"(?P<secret>[!-~]{4,64})"
_PASSWORD: Final = re.compile(_LOCK + r"[)）\]】]?" + _IS + _QUOTES + _KEY, re.IGNORECASE)
_PASSWORD_NEXT: Final = re.compile(
    _LOCK + r"\s{0,2}" + _QUOTES + r"(?P<secret>(?=[!-~]{0,63}\d)[!-~]{6,64})", re.IGNORECASE
)
_CODE_WORD: Final = (
    r"(?:验证码|驗證碼|校验码|校驗碼|动态码|動態碼|动态密码|動態密碼|确认码|確認碼|短信码|簡訊碼|激活码|"
    r"\botp\b|\b2fa\b|one[- ]time\s(?:pass(?:word|code)|pin|code)|"
    r"(?:verification|security|confirmation|login|log-in|sign-in|access|auth(?:entication)?|sms|activation)\s(?:code|pin))"
)
_CODE_AFTER: Final = re.compile(
    _CODE_WORD + r"[^\d\n<>]{0,16}?\n?" + r"(?<!\d)(?:[A-Z]-)?(?P<secret>\d{4,8}|\d{3}[- ]\d{3,4})(?!\d)", re.IGNORECASE
)
_CODE_BEFORE: Final = re.compile(
    r"(?<!\d)(?P<secret>\d{4,8}|\d{3}[- ]\d{3})(?!\d)[^\d\n]{0,24}?" + _CODE_WORD, re.IGNORECASE
)
_CVV: Final = re.compile(
    r"(?:\bcv[vcn]2?\b|cvv码|card\ssecurity\scode|安全码|安全碼|(?:背面|卡后|后面|後面|最后|最後|后|後)的?[三3]位(?:数字|數字|码)?)"
    r"[^\d\n<>]{0,16}?\n?(?<!\d)(?P<secret>\d{3,4})(?!\d)",
    re.IGNORECASE,
)
_PASSPORT: Final = re.compile(
    r"(?:\bpassport\b|护照|護照|通行证|通行證)[^\dA-Za-z\n]{0,6}(?:(?:no|number|num|is|号码|號碼|号|號|是|为|為)[^\dA-Za-z\n]{0,6}){0,3}"
    r"(?P<secret>[A-Z]{0,2}\d{6,9}[A-Z]?)(?![A-Z0-9])",
    re.IGNORECASE,
)
_OLD_ID: Final = re.compile(
    r"(?:身份证|身份證|\bid\s?card\b|\bidentity\s(?:card|number)\b)[^\dA-Za-z\n]{0,12}(?:\bis\b\s)?(?P<secret>\d{14,17}[\dXx])(?!\d)",
    re.IGNORECASE,
)
_PATTERNS: Final = (
    ("password", _PASSWORD),
    ("password", _PASSWORD_NEXT),
    ("code", _CODE_AFTER),
    ("code", _CODE_BEFORE),
    ("cvv", _CVV),
    ("passport", _PASSPORT),
    ("id_card", _OLD_ID),
)
# What stands after "password is" or "password:" when no password does.
_NO_PASSWORD: Final = re.compile(
    r"(?:\*+|not|wrong|incorrect|invalid|expired|reset|change[ds]?|forg[eo]t(?:ten)?|lost|cannot|can't|could|does|did|please|"
    r"help|issue|problem|error|failed|failure|locked|blocked|too|always|still|being|never|correct|right|the\b|that|this|"
    r"what|when|how|request|recovery|update[ds]?|required|needed|secure|safe|working|work|been|very|also|only|same|"
    r"again|unknown|none|n/a|https?:)",
    re.IGNORECASE,
)


def find_in_context(text: str) -> Iterator[Found]:
    """Yield what stands beside the words that announce a secret; may overlap."""
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span("secret")
            if kind == "password":
                end = start + len(text[start:end].rstrip(".,;:!?\"')]}>"))
                if not _may_be_password(match[0], text[start:end]):
                    continue
            if not text.startswith("**** ", max(0, start - 5)):
                yield Found(start, end, kind, "****")


def _may_be_password(phrase: str, secret: str) -> bool:
    if len(secret) < 4 or _NO_PASSWORD.match(secret):
        return False
    announced = any(mark in phrase for mark in ":：=＝")
    return announced or not secret.isalpha()
