"""Find amounts that are written without a currency: "金额1500", "转了一千五", "I sent 300 to", "2,700 is missing".

A number counts only next to words that announce money, before it or after it; what may stand between them and behind
the number is listed. So a date, a time, a percentage, a count ("充值2次", "10 failed notices"), a range ("3-5"), and
the number of a card, a phone, a hotline, an order, a case or a code are no amounts. A year is one only where the words
say how much: "转了2024", "给他转2024".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

from router.text.chinese_numerals import chinese_number
from router.text.chinese_script import fold_script
from router.text.patterns import WordPlaces, matches_at

_SCALES: Final = {
    "": 1, "百": 100, "千": 1_000, "k": 1_000, "thousand": 1_000, "grand": 1_000, "万": 10_000, "w": 10_000,
}  # fmt: skip
_SCALE: Final = r"(?P<scale>\s?[百千万]|[kw](?![a-z])|\s(?:thousand|grand)\b)?"
# The whole number, and no part of a date, a clock, a percentage or a range.
_NUMBER_ENDS: Final = r"(?![\d%‰]|[.,:/]\d|\s?[-~–—至到]\s?\d|\s?[百千万])"
# Seven digits or more without a comma or cents are an order, a card or a phone rather than a million.
_FIGURE: Final = r"(?:\d{1,3}(?:,\d{3}){1,2}|\d{1,6}|\d{7,8}(?=\.\d{2}))(?:\.\d{1,2})?"
_NUMBER: Final = rf"(?P<figure>{_FIGURE}){_SCALE}{_NUMBER_ENDS}"
_NUMERAL: Final = r"(?P<numeral>[一二两三四五六七八九十百千万零]{2,9})(?![一二两三四五六七八九十百千万零])"
_DIGIT: Final = re.compile(r"\d(?<!\d.)(?<!\d[.,].)")
_NUMERAL_START: Final = re.compile(r"[一二两三四五六七八九十百](?<![一二两三四五六七八九十百千万零].)")
_IS_SCALED: Final = re.compile("[十百千万]")
_GUESSED: Final = re.compile("[一二两三四五六七八九]{2}")

_CHINESE_NOUNS: Final = (
    "金额", "数额", "余额", "本金", "总额", "红包", "手续费", "运费", "押金", "定金", "订金", "货款", "房租",
    "工资", "学费", "服务费", "差价", "笔",
)  # fmt: skip
_CHINESE_VERBS: Final = (
    "转", "汇款", "汇了", "打款", "充", "提现", "提了", "取现", "取了", "取出", "存了", "存入", "付", "扣",
    "退", "花了", "消费", "借", "还款", "还了", "欠", "损失", "少了", "刷了", "刷走", "盗刷", "划走", "划扣",
    "骗走", "骗了", "被骗", "到账", "缴费", "缴了", "输了", "收款", "收了", "扫了", "垫了", "垫付",
)  # fmt: skip
# "打了95188" is a call.
_PAID_IN: Final = "打了"
_CHINESE_BEFORE: Final = WordPlaces(*_CHINESE_NOUNS, *_CHINESE_VERBS, _PAID_IN)
_PERSON: Final = "(?:[我你您他她]们?|对方|别人|朋友|商家|商户|卖家|店家|家人|客户|同事|房东|骗子|爸爸?|妈妈?)"
_CHINESE_BETWEEN: Final = (
    "(?:账|款|现|值|来|出|入|走|掉|回|费|过去|出去)?"
    r"(?:[了的是为有共约近就才又只剩成变钱:=\s]|大概|大约|一共|总共|合计|共计|将近|差不多|整整|金额|人民币"
    rf"|给?{_PERSON}){{0,4}}"
)
# What follows a number that counts, or names a time or a part.
_CHINESE_COUNTED: Final = (
    r"(?:多|几|来)?\s?(?:[次笔个天时分秒点月日号年人张位遍条周台单岁期折倍家名级套份件部种步页行]"
    r"|[楼层米斤届代卡路刻晚几a-z]|小时|星期|礼拜|回(?!来)|成(?!功)|公里|工作日|积分|开头|结尾|尾号)"
)
_AFTER_CHINESE: Final = re.compile(
    rf"(?:{'|'.join((*_CHINESE_NOUNS, *_CHINESE_VERBS))}|{_PAID_IN}(?=[一二两三四五六七八九])){_CHINESE_BETWEEN}"
    rf"(?:{_NUMBER}|{_NUMERAL})(?!{_CHINESE_COUNTED})"
)
_CHINESE_AFTER: Final = WordPlaces(
    "没到", "未到", "没收到", "未收到", "不见", "没了", "没退", "未退", "没返", "被扣", "被转", "被骗", "被盗",
    "被刷", "退款", "提现", "充值", "转账", "贷款", "借款", "学费", "房租", "工资", "定金", "货款", "手续费",
    "红包", "押金", "余额", "扣款", "到账", "打水漂", "转走", "扣走", "骗走", "盗刷", "刷走", "转错",
)  # fmt: skip
# An order's, a card's or a code's number may be followed by the same words: "订单123456没到账".
_CHINESE_LABEL: Final = re.compile(
    r"(?:[.,:/a-z\-#*第号单尾卡月年期机话码星周至到]|[号单码卡账户尾期名证机话月][\s:是])$"
)
_BEFORE_CHINESE: Final = re.compile(
    rf"(?:(?=\d[\d,.]){_NUMBER}|{_NUMERAL})(?:[多还也都就又全的钱]|左右|一直|至今|仍|\s){{0,3}}"
    rf"(?:{'|'.join(_CHINESE_AFTER.words)})"
)
# A whole message may answer "how much?"; digits alone may be a code. Blanks around it are stripped before: a pattern
# that begins with any number of them takes a time that grows with their square.
_WHOLE: Final = re.compile(rf"(?:{_NUMBER}|(?=.{{0,8}}[一二两三四五六七八九]){_NUMERAL})(?:多|左右|吧)?[。.!\s]*")

_ENGLISH_BEFORE: Final = WordPlaces(
    "amount", "total", "a sum", "sen", "paid", "pay", "transfer", "charg", "debit", "deduct", "withdr", "deposit",
    "top", "refund", "receiv", "lost", "spent", "owe", "took", "taken", "stole", "loaded", "balance", "fee",
    "purchase", "transaction", "loan", "price", "cost", "bill", "salary", "cash", "rent", "tuition",
)  # fmt: skip
_ENGLISH_NOUN: Final = (
    r"(?:amount|total|a sum|balance|payment|refund|transfer|withdrawal|deposit|top[ -]?up|transaction|purchase"
    r"|charge|fee|loan|debit|price|cost|bill|salary|cash-?back|rent|tuition)s?"
    r"(?:\s?[:=]\s?|\s(?:of|for|was|is|shows?|says?|due|sent|paid|charged)\s)"
)
_ENGLISH_VERB: Final = (
    r"(?:sen[dt]|sending|pay|paid|paying|transfer(?:r?ed|r?ing)?|charg(?:e|ed|es|ing)|debited|deducted|withdr(?:ew|awn?)"
    r"|deposit(?:ed)?|top(?:ped|ping)?[ -]?up|refund(?:ed)?|received?|lost|spent|owes?|took|taken|stole|loaded)\s"
    r"(?:(?:me|us|him|her|them|you|someone|somebody|(?:my|the|a|this) [a-z]+)\s)?(?:(?:with|for|of|by)\s)?"
)
_ROUGHLY: Final = (
    r"(?:(?:amount|about|around|approx|approximately|roughly|nearly|almost|only|just|exactly|over|another|an?|extra|total|of"
    r"|the|also|already|up to)\s){0,3}"
)
_PLURAL: Final = r"(?!(?:was|has|this|always|less|across)\b)[a-z]{3,}s\b"
# "charged 3 times" and "sent 2 emails" go on with what is counted.
_ENGLISH_GOES_ON: Final = (
    r"(?=\s*$|\s*[.,;!?()\[\]\"'\n]|\s+(?:-|to|from|for|on|in|into|by|via|with|and|but|or|yesterday|today|this|last|at|as"
    r"|was|were|is|has|have|had|it|that|which|out|back|instead|twice|again|because|when|while|then|not|never|still"
    r"|did|does|didnt|hasnt|my|the|only|now|since|so|through|using|without|plus|i|he|she|they|you|we|went|got"
    # "10 failed notices" and "2 unused tickets" are counts; "300 failed twice" is none.
    rf"|per|each|due|(?:failed|missing|[a-z]{{3,}}ed)\b(?!\s{_PLURAL}))\b(?! ?cent))"
)
_AFTER_ENGLISH: Final = re.compile(
    rf"(?<![a-z])(?:(?:amount|total)\s|{_ENGLISH_NOUN}|{_ENGLISH_VERB}){_ROUGHLY}{_NUMBER}{_ENGLISH_GOES_ON}"
)
# As if the money had legs: "5,000 walked out".
_WALKS_OFF: Final = ("walked o", "walked a", "ran o", "ran a", "flew o", "flew a", "evaporated", "slipped a")
_ENGLISH_AFTER: Final = WordPlaces(
    "missing", "gone", "disappear", "vanish", "taken", "charge", "debited", "deducted", "refund", "transfer",
    "withdrawal", "deposit", "top", "payment", "arrive", "received", "paid", "sent", "stolen", "lost",
    "withdrawn", *_WALKS_OFF,
)  # fmt: skip
_BEFORE_ENGLISH: Final = re.compile(
    rf"(?=\d[\d,.]){_NUMBER}"
    r"\s(?:(?:that|which|i|was|were|is|are|has|have|had|not|never|still|just|already|been|got|went"
    r"|also|did|hasnt|didnt|hasn'?t|didn'?t|wasn'?t|isn'?t|money)\s){0,4}"
    r"(?:missing|gone|disappeared|vanished|taken|charged?|debited|deducted|refund(?:ed)?|transfer(?:r?ed)?|withdrawal"
    r"|withdrawn|deposit(?:ed)?|top[ -]?up|payment|arrived?|received|paid|sent|stolen|lost"
    r"|(?<=\d{3}\s)(?:(?:walked|ran|flew|slipped)\s(?:out|off|away)|evaporated))\b"
)
# China's short numbers of banks, networks and offices; amounts that look so have a comma, cents or a currency.
_HOTLINE: Final = re.compile(r"95\d(?!00)\d\d|100(?:10|50|86)|12(?:306|315|321|345|363|377|378|381)")
_YEAR: Final = re.compile(r"20[1-3]\d")
_SAYS_HOW_MUCH: Final = re.compile(
    r"[了额给:=]|本金|amount|total|balance|price|\b(?:sent|paid|[a-z]{3,}ed|lost|spent|took|taken|stole)\s"
)
_GIVES: Final = re.compile(rf"给{_PERSON}$")
_ON_THE_WAY: Final = re.compile(r"\s?(?:给|(?:to|from)\b)")
_MAY_PRECEDE: Final = re.compile(
    r"(?:[.,;!?]\s+|(?:^|[(\n]|\b(?:my|the|a|an|of|that|this|another|about|around|over|extra|and|for|why|because|but|so|says?|still"
    r"|where|where's|now|again|have|had|today|yesterday)\s)\s*)$"
)


def find_bare_amounts(lowered: str) -> Iterator[Decimal]:
    """Yield the amounts next to words that announce money, also those with a currency. lowered: in lower case."""
    is_ascii = lowered.isascii()
    digits = [match.start() for match in _DIGIT.finditer(lowered)]
    if not digits and (is_ascii or not _NUMERAL_START.search(lowered)):
        return
    text = lowered if is_ascii else fold_script(lowered)
    found = [] if is_ascii else [*_in_chinese(text, digits)]
    if digits:
        found += _in_english(text, digits)
    whole = _WHOLE.fullmatch(text.strip())
    if whole and (whole["numeral"] or whole["scale"]):
        found.append(whole)
    yield from filter(None, (_value(match) for match in found if not _is_name(text, match)))


def _is_name(text: str, match: re.Match[str]) -> bool:
    """Return whether the number is a hotline's, or a year of which nothing says that so much money moved."""
    figure = match.groupdict().get("figure")
    if not figure or match["scale"] or not figure.isdigit():
        return False
    if _YEAR.fullmatch(figure):
        start, end = match.span("figure")
        gives = _GIVES.search(text, max(0, match.start() - 4), match.start())
        return not (gives or _SAYS_HOW_MUCH.search(text, match.start(), start) or _ON_THE_WAY.match(text, end))
    return _HOTLINE.fullmatch(figure) is not None


def _in_chinese(text: str, digits: Iterable[int]) -> Iterator[re.Match[str]]:
    yield from matches_at(_AFTER_CHINESE, text, _CHINESE_BEFORE.starts(text))
    if _CHINESE_AFTER.are_in(text):
        starts = (*digits, *(match.start() for match in _NUMERAL_START.finditer(text)))
        yield from (match for match in matches_at(_BEFORE_CHINESE, text, starts) if not _is_labelled(text, match))


def _is_labelled(text: str, match: re.Match[str]) -> bool:
    return _CHINESE_LABEL.search(text, max(0, match.start() - 3), match.start()) is not None


def _in_english(text: str, digits: Iterable[int]) -> Iterator[re.Match[str]]:
    yield from matches_at(_AFTER_ENGLISH, text, _ENGLISH_BEFORE.starts(text))
    if _ENGLISH_AFTER.are_in(text):
        found = matches_at(_BEFORE_ENGLISH, text, digits)
        yield from (match for match in found if _MAY_PRECEDE.search(text, max(0, match.start() - 12), match.start()))


def _value(match: re.Match[str]) -> Decimal:
    """Return the amount; zero for a numeral that is none: "三四" is a guess, "一二" a count."""
    numeral = match.groupdict().get("numeral")
    if numeral is not None:
        is_number = _IS_SCALED.search(numeral) and not _GUESSED.search(numeral)
        return Decimal(chinese_number(numeral)) if is_number else Decimal(0)
    return Decimal(match["figure"].replace(",", "")) * _SCALES[(match["scale"] or "").strip()]
