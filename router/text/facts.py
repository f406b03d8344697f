"""Find the facts in a text that an agent needs: numbers, amounts, addresses, times, devices."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from router.text.bare_amounts import find_bare_amounts
from router.text.chinese_numerals import chinese_number
from router.text.chinese_script import fold_case
from router.text.patterns import WordPlaces, matches_at


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of a text. kind: one of `FACT_KINDS`.  value: in its comparable form, at most 64 characters."""

    kind: str
    value: str


_LONGEST: Final = 64
_DIGIT: Final = re.compile(r"\d")
_EMAIL: Final = re.compile(r"[a-z0-9._%+\-]{1,64}@[a-z0-9\-]{1,63}(?:\.[a-z0-9\-]{1,63}){1,5}")
_CHINESE_PHONE: Final = re.compile(r"1(?<![\d+]1)(?<!\d[.\-]1)([3-9]\d)[-\s]?(\d{4})[-\s]?(\d{4})(?!\d)")
_FOREIGN_PHONE: Final = re.compile(r"\+\d(?:[-\s()]{0,2}\d){7,14}(?!\d)")
_TRANSACTION_NAMES: Final = WordPlaces(
    "order", "transaction", "txn", "transfer", "payment", "reference", "ref", "receipt", "invoice", "trade", "订单",
    "訂單", "交易", "流水", "单", "單", "凭证", "憑證", "转账", "轉帳", "轉賬",
)  # fmt: skip
_TRANSACTION: Final = re.compile(
    rf"(?:{'|'.join(_TRANSACTION_NAMES.words)})"
    r"\s?(?:no\.?|number|num|id|#|号码|號碼|编号|編號|号|號)?\s?(?:is|was|are|[:：#=是为為（(]){0,2}\s{0,2}#?"
    r"(?P<value>(?=[a-z\-]{0,10}\d)[a-z0-9][a-z0-9\-]{5,35})(?![a-z0-9])"
)
_BARE_TRANSACTION: Final = re.compile(
    r"(?<![\da-z])(?:[a-z]{2,4}\d{8,28}|20[2-4]\d[01]\d[0-3]\d\d{6,24}|\d{12,28})(?![\da-z])"
)
_LONG_NUMBER: Final = re.compile(r"\d{8,}")
_UNITS: Final = {
    "¥": "CNY", "￥": "CNY", "元": "CNY", "块钱": "CNY", "块": "CNY", "塊": "CNY", "人民币": "CNY", "人民幣": "CNY",
    "rmb": "CNY", "cny": "CNY", "yuan": "CNY", "us$": "USD", "$": "USD", "usd": "USD", "dollars": "USD", "bucks": "USD",
    "美元": "USD", "美金": "USD", "hk$": "HKD", "hkd": "HKD", "港币": "HKD", "港幣": "HKD", "港元": "HKD",
    "€": "EUR", "eur": "EUR", "euros": "EUR", "euro": "EUR", "欧元": "EUR", "歐元": "EUR",
    "£": "GBP", "gbp": "GBP", "pounds": "GBP",
    "英镑": "GBP", "英鎊": "GBP", "jpy": "JPY", "日元": "JPY", "日圓": "JPY", "yen": "JPY", "sgd": "SGD", "s$": "SGD",
    "twd": "TWD", "nt$": "TWD", "台币": "TWD", "台幣": "TWD", "新台币": "TWD", "新台幣": "TWD",
    "myr": "MYR", "thb": "THB",
}  # fmt: skip
_UNIT: Final = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
# A shop's order number is short: four digits behind "order no." or "order #", five behind "order", never an amount.
_ORDER_NAMES: Final = WordPlaces(
    "order", "invoice", "receipt", "bestell", "auftrag", "rechnung", "订单", "訂單",
)  # fmt: skip
_SHORT_ORDER: Final = re.compile(
    r"(?<![a-z])(?:order|invoice|receipt|bestell(?:ung)?|auftrag(?:s)?|rechnung(?:s)?|订单|訂單)"
    r"(?:[\s\-]{0,2}(?:no\.?|nr\.?|number|num|nummer|id|#|号码|號碼|编号|編號|号|號)\s?(?:is|was|ist|[:：#=是為为（(]){0,2}"
    r"\s{0,2}#?(?P<named>\d{4,5})|\s{0,2}[:：（(]?(?P<bare>\d{5}))"
    rf"(?![\da-z\-]|[.,]\d|\s?(?:{_UNIT}|[万萬千百年]))"
)
_UNIT_NAMES: Final = tuple(_UNITS)
_LONGEST_UNIT: Final = max(map(len, _UNITS))
_NUMBER_START: Final = re.compile(r"\d(?<!\d.)")
# The part after the first digit: the engine jumps to the next digit only if a pattern begins with `\d`.
_FIGURE: Final = r"(?:\d{0,2}(?:,\d{3})+(?:\.\d{1,2})?|\d{0,8}(?:\.\d{1,2})?)"
_SCALE: Final = r"\s?(?:[万萬千百]|k(?![a-z]))?"
_AMOUNT_AFTER_UNIT: Final = re.compile(rf"(?P<unit>{_UNIT})\s?(?P<figure>\d{_FIGURE})(?P<scale>{_SCALE})(?![\d.]\d)")
_AMOUNT_BEFORE_UNIT: Final = re.compile(
    rf"(?P<figure>\d(?<![\d.,].){_FIGURE})(?P<scale>{_SCALE})多?\s?(?P<unit>{_UNIT})(?![a-z])"
)
_SCALES: Final = {"万": 10_000, "萬": 10_000, "千": 1_000, "百": 100, "k": 1_000, "": 1}
_CHINESE_AMOUNT: Final = re.compile(
    r"(?P<figure>[一二两兩三四五六七八九十百千万萬零](?<![\d.].)[一二两兩三四五六七八九十百千万萬零]{0,8})"
    r"(?:多|来)?(?P<unit>块钱|块|塊|元|美元|美金|港币|港幣|欧元)"
)
_ACCOUNT_NAMES: Final = WordPlaces(
    "user", "account", "wallet", "login", "uid", "账", "帳", "帐", "賬", "用户名", "用戶名", "会员号", "會員號", "昵称",
    "暱稱", "微信号", "微信號",
)  # fmt: skip
_ACCOUNT_LATIN: Final = (
    r"user\s?name|user\s?id|account\s(?:name|id|number|no\.?)|wallet\s(?:id|number)|login\s?name|uid"
)
_ACCOUNT_CHINESE: Final = (
    r"账户名|帳戶名|账号|帐号|帳號|賬號|用户名|用戶名|账户|帳戶|会员号|會員號|昵称|暱稱|微信号|微信號"
)
_ACCOUNT_NUMBERED: Final = (
    r"user\s?id|account\s(?:id|number|no\.?)|wallet\s(?:id|number)|uid|账号|帐号|帳號|賬號|会员号|會員號"
)
# Without "is" or a colon ("账号 lina_2020"), only what looks like a chosen name: letters first, then a digit or "_";
# after a word that asks for a number, a long number too. After "is" a plain word is no name: "the number is correct".
_ACCOUNT: Final = re.compile(
    rf"(?:{_ACCOUNT_LATIN}|{_ACCOUNT_CHINESE})"
    r"\s?(?:(?:is)?[:：=#是為为叫]{1,2}\s{0,2}[\"'“「]?|is\s{0,2}(?:[\"'“「]|(?=[a-z.\-]{0,38}[\d_])))"
    r"(?P<value>[a-z0-9][\w.\-]{2,40})|"
    rf"(?:{_ACCOUNT_NUMBERED})\s?(?P<number>\d{{6,20}})(?!\d|[\w.,@]\d|年|\s?(?:{_UNIT}|[万萬千百]))|"
    rf"(?:(?:{_ACCOUNT_LATIN}|account)\s|(?:{_ACCOUNT_CHINESE})\s?)\s?"
    r"(?!usd|cny|rmb|hkd|eur|gbp|vip|iphone|ipad|ios|android|huawei|xiaomi|redmi|oppo|vivo|wifi)"
    r"(?P<handle>(?=[a-z.\-]{1,38}[\d_])[a-z][\w.\-]{3,40})(?![\w@])",
    re.ASCII,
)
_DAY: Final = (
    r"(?:20\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}月\d{1,2}[日号號]?|今天|昨天|昨晚|前天|今早|今晚|刚才|刚刚|剛才|剛剛|"
    r"上周[一二三四五六日天]?|上週[一二三四五六日]?|上个月|上個月|(?:周|星期|礼拜)[一二三四五六日天]|"
    r"yesterday|today|this\smorning|"
    r"last\s(?:night|week|month|monday|tuesday|wednesday|thursday|friday|saturday|sunday)|"
    r"\d{1,2}\s(?:minutes|hours|days|weeks)\sago|"
    r"\d{1,2}(?:st|nd|rd|th)?\s(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}(?:\s20\d\d)?|"
    r"(?<![a-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
    r"\s\d{1,2}(?:st|nd|rd|th)?(?:,?\s20\d\d)?)"
)
_CLOCK: Final = (
    r"(?:(?:凌晨|早上|上午|中午|下午|傍晚|晚上|夜里)?\s?"
    r"\d{1,2}(?:[:：]\d{2}(?:[:：]\d{2})?(?:\s?[ap]m)?|[点點]半?(?:\d{1,2}分?)?|\s?[ap]m)|"
    r"(?:凌晨|早上|上午|中午|下午|傍晚|晚上|夜里))"
)
_TIME: Final = re.compile(
    rf"{_DAY}(?:(?:\s?(?:at|around|about|的|大概|大约)\s?|[\st,，]{{0,2}}){_CLOCK})?(?![a-z\d])|"
    rf"(?<![\d:.]){_CLOCK}(?![a-z\d])"
)
_MONTHS: Final = WordPlaces("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME_WORDS: Final = WordPlaces("today", "yesterday", "last", "this")
_TIME_CHAR: Final = re.compile(r"[今昨前刚剛上周星礼凌早中下傍晚夜]")
_TIME_DIGIT: Final = re.compile(r"\d(?=\d{0,3}(?:st|nd|rd|th)?\s?[-/.年月:：点點a-z])")
_DEVICE_NAMES: Final = (
    "iphone", "ipad", "huawei", "xiaomi", "redmi", "oppo", "vivo", "honor", "samsung", "galaxy", "pixel", "oneplus",
    "android", "ios", "windows", "macbook",
)  # fmt: skip
_CHINESE_DEVICE_NAMES: Final = ("苹果", "蘋果", "华为", "華為", "小米", "红米", "荣耀", "榮耀", "三星", "安卓", "鸿蒙")
_DEVICE: Final = re.compile(
    rf"(?<![a-z])(?:{'|'.join(_DEVICE_NAMES)})"
    r"(?![a-z])(?:\s?(?:pro|max|plus|ultra|mini|mate|note|se|air|fold|flip|[a-z]?\d{1,3}[a-z]?)(?![a-z])){0,4}|"
    rf"(?:{'|'.join(_CHINESE_DEVICE_NAMES)})"
    r"(?:\s?[a-z]{0,6}\d{1,3}(?:\s?(?:pro|max|plus|ultra))?)?(?:手机|手機|系统)?"
)
_DEVICES: Final = WordPlaces(*_DEVICE_NAMES, *_CHINESE_DEVICE_NAMES)


def find_facts(text: str) -> tuple[Fact, ...]:
    """Return the facts in a text, each once, in the order of `FACT_KINDS`; full-width digits count as digits."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    lowered = fold_case(plain)
    found = [*_accounts(plain, lowered), *_addresses(lowered)]
    has_digits = _DIGIT.search(plain) is not None
    if has_digits:
        found += [*_phones(plain), *_transactions(lowered), *_money(lowered)]
    if not lowered.isascii():
        found += _money_in_words(lowered)
    found += (Fact("amount", f"{value:.2f}") for value in find_bare_amounts(lowered))
    found += _times(lowered, has_digits=has_digits)
    return tuple(dict.fromkeys([*found, *_devices(lowered)]))


def _accounts(text: str, lowered: str) -> Iterator[Fact]:
    for match in matches_at(_ACCOUNT, lowered, _ACCOUNT_NAMES.starts(lowered)):
        start, end = match.span(match.lastgroup or 0)
        yield Fact("account", text[start:end].rstrip(".-"))


def _addresses(lowered: str) -> Iterator[Fact]:
    if "@" in lowered:
        for match in _EMAIL.finditer(lowered):
            yield Fact("registered_email", match[0].strip(".-")[:_LONGEST])


def _phones(text: str) -> Iterator[Fact]:
    for number in _CHINESE_PHONE.findall(text.replace("+86", " ").replace("0086", " ")):
        yield Fact("phone", "+861" + "".join(number))
    if "+" in text:
        for match in _FOREIGN_PHONE.finditer(text):
            digits = re.sub(r"\D", "", match[0])
            if not digits.startswith("86"):
                yield Fact("phone", "+" + digits)


def _transactions(lowered: str) -> Iterator[Fact]:
    for match in matches_at(_TRANSACTION, lowered, _TRANSACTION_NAMES.starts(lowered)):
        if not _CHINESE_PHONE.fullmatch(match["value"]):
            yield Fact("transaction", match["value"].upper())
    for match in matches_at(_SHORT_ORDER, lowered, _ORDER_NAMES.starts(lowered)):
        yield Fact("transaction", match["named"] or match["bare"])
    # Up to four letters may stand before the digits.
    starts = [long.start() - letters for long in _LONG_NUMBER.finditer(lowered) for letters in (0, 2, 3, 4)]
    for match in matches_at(_BARE_TRANSACTION, lowered, starts):
        yield Fact("transaction", match[0].upper())


def _money(lowered: str) -> Iterator[Fact]:
    if any(_follows_unit(lowered, number.start()) for number in _NUMBER_START.finditer(lowered)):
        yield from _amounts(_AMOUNT_AFTER_UNIT.finditer(lowered))
    yield from _amounts(_AMOUNT_BEFORE_UNIT.finditer(lowered))


def _follows_unit(lowered: str, at: int) -> bool:
    return lowered[max(0, at - _LONGEST_UNIT - 1) : at].rstrip().endswith(_UNIT_NAMES)


def _amounts(matches: Iterable[re.Match[str]]) -> Iterator[Fact]:
    for match in matches:
        value = Decimal(match["figure"].replace(",", "")) * _SCALES[match["scale"].strip()]
        yield from _amount(value, match["unit"])


def _money_in_words(lowered: str) -> Iterator[Fact]:
    for match in _CHINESE_AMOUNT.finditer(lowered):
        yield from _amount(Decimal(chinese_number(match["figure"])), match["unit"])


def _amount(value: Decimal, unit: str) -> tuple[Fact, Fact]:
    return Fact("amount", f"{value:.2f}"), Fact("currency", _UNITS[unit])


def _times(lowered: str, *, has_digits: bool) -> Iterator[Fact]:
    for match in matches_at(_TIME, lowered, _time_starts(lowered, has_digits=has_digits)):
        yield Fact("time", match[0].strip(" ,，")[:_LONGEST])


def _time_starts(lowered: str, *, has_digits: bool) -> Iterator[int]:
    yield from _TIME_WORDS.starts(lowered)
    if not lowered.isascii():
        yield from (match.start() for match in _TIME_CHAR.finditer(lowered))
    if has_digits:
        yield from _MONTHS.starts(lowered)
        # A time of day may begin with a blank.
        for digit in _TIME_DIGIT.finditer(lowered):
            yield from range(max(0, digit.start() - 1), digit.start() + 1)


def _devices(lowered: str) -> Iterator[Fact]:
    for match in matches_at(_DEVICE, lowered, _DEVICES.starts(lowered)):
        yield Fact("device", match[0].strip()[:_LONGEST])
