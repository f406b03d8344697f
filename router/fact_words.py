"""Facts by the names that customers know them by, for replies that ask for what is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

# Never a password or a code: no reply of ours asks for one.
_ENGLISH: Final[Mapping[str, str]] = {
    "account": "your account name",
    "registered_email": "the e-mail address you registered with",
    "phone": "the phone number of your account",
    "transaction": "the transaction or order number",
    "amount": "the amount",
    "currency": "the currency",
    "time": "when it happened",
    "device": "the device you used",
}
_CHINESE: Final[Mapping[str, str]] = {
    "account": "账户名",
    "registered_email": "注册邮箱",
    "phone": "账户绑定的手机号",
    "transaction": "交易单号或订单号",
    "amount": "金额",
    "currency": "币种",
    "time": "发生时间",
    "device": "所用设备",
}
_TRADITIONAL: Final[Mapping[str, str]] = {
    "account": "帳戶名",
    "registered_email": "註冊信箱",
    "phone": "帳戶綁定的手機號碼",
    "transaction": "交易單號或訂單號",
    "amount": "金額",
    "currency": "幣別",
    "time": "發生時間",
    "device": "所用裝置",
}
_HANT: Final = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")


def facts_in_words(kinds: Sequence[str], *, language: str) -> str:
    """Return the facts as a list in a sentence: "your account name, the amount and when it happened".

    language: BCP 47 of the reply; what is not Chinese gets English.
    """
    tag = language.lower()
    if not tag.startswith("zh"):
        return _enumerate([_ENGLISH.get(kind, kind) for kind in kinds], ", ", " and ")
    names = _TRADITIONAL if tag.startswith(_HANT) else _CHINESE
    return _enumerate([names.get(kind, kind) for kind in kinds], "、", "和")


def _enumerate(words: Sequence[str], comma: str, last: str) -> str:
    *first, end = words or ("",)
    return f"{comma.join(first)}{last}{end}" if first else end
