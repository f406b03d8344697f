"""What a customer tells us that an agent will need: numbers, amounts, addresses, times, devices."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

KINDS: Final = (
    "account", "registered_email", "phone", "transaction", "amount", "currency", "time", "device",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing found in a text. kind: one of `KINDS`.  value: in its comparable form."""

    kind: str
    value: str


_EMAIL: Final = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,5}")
_PHONE: Final = re.compile(r"(?<![\d+])(?:(?:\+|00)86[-\s]?)?(1[3-9]\d)[-\s]?(\d{4})[-\s]?(\d{4})(?!\d)")
_FOREIGN_PHONE: Final = re.compile(r"(?<![\d+])\+\d(?:[-\s()]{0,2}\d){7,14}(?!\d)")
_TRANSACTION: Final = re.compile(
    r"(?:order|transaction|txn|transfer|payment|reference|ref|receipt|invoice|trade|订单|訂單|交易|流水|单|單|凭证|憑證)"
    r"\s?(?:no\.?|number|num|id|#|号码|號碼|编号|編號|号|號)?\s?(?:is|was|are|[:：#=是为為]){0,2}\s{0,2}#?"
    r"(?P<value>(?=[A-Za-z\-]{0,10}\d)[A-Za-z0-9][A-Za-z0-9\-]{5,35})(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_BARE_TRANSACTION: Final = re.compile(
    r"(?<![\dA-Za-z])(?:[A-Z]{2,4}\d{8,28}|20[2-4]\d[01]\d[0-3]\d\d{6,24})(?![\dA-Za-z])"
)
_SYMBOLS: Final = {
    "¥": "CNY", "￥": "CNY", "元": "CNY", "块": "CNY", "塊": "CNY", "人民币": "CNY", "人民幣": "CNY", "rmb": "CNY",
    "cny": "CNY", "yuan": "CNY", "$": "USD", "usd": "USD", "us$": "USD", "dollars": "USD", "美元": "USD", "美金": "USD",
    "hk$": "HKD", "hkd": "HKD", "港币": "HKD", "港幣": "HKD", "港元": "HKD", "€": "EUR", "eur": "EUR", "euros": "EUR",
    "欧元": "EUR", "歐元": "EUR", "£": "GBP", "gbp": "GBP", "pounds": "GBP", "英镑": "GBP", "英鎊": "GBP",
    "jpy": "JPY", "日元": "JPY", "yen": "JPY", "sgd": "SGD", "twd": "TWD", "nt$": "TWD", "台币": "TWD", "新台幣": "TWD",
}  # fmt: skip
_FIGURE: Final = (
    r"(?P<{0}>\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,2}})?|\d{{1,9}}(?:\.\d{{1,2}})?)\s?(?P<{0}_scale>[万萬千百k])?"
)
_UNITS: Final = "|".join(sorted(map(re.escape, _SYMBOLS), key=len, reverse=True))
_AMOUNT: Final = re.compile(
    rf"(?P<before>{_UNITS})\s?{_FIGURE.format('a')}(?![\d.]\d)|(?<![\d.]){_FIGURE.format('b')}\s?(?P<after>{_UNITS})(?![a-z])",
    re.IGNORECASE,
)
_SCALES: Final = {"万": 10_000, "萬": 10_000, "千": 1_000, "百": 100, "k": 1_000, "K": 1_000, None: 1}
_ACCOUNT: Final = re.compile(
    r"(?:user\s?name|user\s?id|account\s(?:name|id|number|no\.?)|wallet\s?id|login\s?name|账户名|账号|帐号|帳號|賬號|用户名|用戶名|账户|帳戶|会员号|昵称|微信号)"
    r"\s?(?:is|[:：=是为為]){1,2}\s{0,2}[\"'“「]?(?P<value>[A-Za-z0-9][\w.\-]{2,40})",
    re.IGNORECASE,
)
_TIMES: Final = (
    re.compile(r"(?<!\d)20\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:[\sT]{0,2}\d{1,2}[:：]\d{2}(?:[:：]\d{2})?)?"),
    re.compile(
        r"(?:\d{1,2}月\d{1,2}[日号號]|今天|昨天|昨晚|前天|今早|刚才|刚刚|剛剛|上周[一二三四五六日天]?|上週[一二三四五六日]?)"
        r"(?:\s?(?:凌晨|早上|上午|中午|下午|晚上))?(?:\s?\d{1,2}(?:[:：点點]\d{0,2}分?))?"
    ),
    re.compile(
        r"\b(?:yesterday|today|last\s(?:night|week|month|monday|tuesday|wednesday|thursday|friday|saturday|sunday)|this\smorning)"
        r"(?:\s(?:at|around)\s\d{1,2}(?::\d{2})?\s?(?:am|pm)?)?|\b\d{1,2}:\d{2}\s?(?:am|pm)\b|"
        r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\s\d{1,2}(?:st|nd|rd|th)?(?:,?\s20\d\d)?\b",
        re.IGNORECASE,
    ),
)
_DEVICE: Final = re.compile(
    r"\b(?:iphone|ipad|huawei|xiaomi|redmi|oppo|vivo|honor|samsung|galaxy|pixel|oneplus|android|ios|windows|macbook)"
    r"(?:\s(?:(?:pro|max|plus|ultra|mini|mate|note|se|air|[a-z]?\d{1,3}[a-z]?)\b)){0,4}|(?:苹果|蘋果|华为|華為|小米|红米|荣耀|榮耀|三星|安卓)"
    r"(?:\s?[A-Za-z]{0,6}\d{1,3}(?:\s?(?:pro|max|plus|ultra))?)?(?:手机|手機)?",
    re.IGNORECASE,
)


def find_facts(text: str) -> tuple[Fact, ...]:
    """Return the facts in a text, each once, in the order of `KINDS`; full-width digits are understood."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    found = [*_accounts(plain), *_addresses(plain)]
    if any(char.isdigit() for char in plain):
        found += [*_phones(plain), *_transactions(plain), *_money(plain)]
    return tuple(dict.fromkeys([*found, *_times(plain), *_devices(plain)]))


def _accounts(text: str) -> list[Fact]:
    return [Fact("account", match["value"].rstrip(".-")) for match in _ACCOUNT.finditer(text)]


def _addresses(text: str) -> list[Fact]:
    if "@" not in text:
        return []
    return [Fact("registered_email", match[0].rstrip(".-").lower()) for match in _EMAIL.finditer(text)]


def _phones(text: str) -> list[Fact]:
    chinese = [Fact("phone", f"+86{a}{b}{c}") for a, b, c in _PHONE.findall(text)]
    others = ["+" + re.sub(r"\D", "", match[0]) for match in _FOREIGN_PHONE.finditer(text)]
    return chinese + [Fact("phone", number) for number in others if not number.startswith("+86")]


def _transactions(text: str) -> list[Fact]:
    named = [match["value"].upper() for match in _TRANSACTION.finditer(text)]
    return [Fact("transaction", value) for value in [*named, *_BARE_TRANSACTION.findall(text)]]


def _money(text: str) -> list[Fact]:
    found: list[Fact] = []
    for match in _AMOUNT.finditer(text):
        unit = match["before"] or match["after"]
        figure, scale = (match["a"], match["a_scale"]) if match["before"] else (match["b"], match["b_scale"])
        value = float(figure.replace(",", "")) * _SCALES[scale]
        found += [Fact("amount", f"{value:.2f}"), Fact("currency", _SYMBOLS[unit.lower()])]
    return found


def _times(text: str) -> list[Fact]:
    return [Fact("time", match[0].strip()) for pattern in _TIMES for match in pattern.finditer(text)]


def _devices(text: str) -> list[Fact]:
    return [Fact("device", match[0].strip().lower()) for match in _DEVICE.finditer(text)]
