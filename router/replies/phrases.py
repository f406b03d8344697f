"""Phrases for the text of automatic replies: the next opening, the missing facts, and the warning about secrets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_ZH_WEEKDAYS: Final = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class _Words:
    """The phrases of one language for an opening. `on`, `tomorrow` take the moment and whether to include its year.

    Digits get a space before them in Chinese, but none after a full-width bracket.
    """

    now: str
    today: str
    tomorrow: Callable[[datetime, bool], str]
    on: Callable[[datetime, bool], str]
    at: str


def _english_day(day: datetime, with_year: bool) -> str:
    # Not strftime, because its names follow the machine's locale.
    words = f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}"
    return f"{words} {day.year}" if with_year else words


def _english_tomorrow(day: datetime, with_year: bool) -> str:
    return f"tomorrow, {_english_day(day, with_year)},"


def _chinese_date(day: datetime, with_year: bool) -> str:
    year = f"{day.year}年" if with_year else ""
    return f"{year}{day.month}月{day.day}日"


def _chinese_weekday(day: datetime) -> str:
    return f"星期{_ZH_WEEKDAYS[day.weekday()]}"


def _chinese_day(day: datetime, with_year: bool) -> str:
    return f"{_chinese_date(day, with_year)}（{_chinese_weekday(day)}）"


def _chinese_tomorrow(day: datetime, with_year: bool) -> str:
    return f"明天（{_chinese_date(day, with_year)} {_chinese_weekday(day)}）"


_ENGLISH: Final = _Words("now", "today", _english_tomorrow, _english_day, "{day} at {time}")
_HANS: Final = _Words("现在", "今天 ", _chinese_tomorrow, _chinese_day, "{day}{time}")
_HANT: Final = _Words("現在", "今天 ", _chinese_tomorrow, _chinese_day, "{day}{time}")
_BY_TAG: Final[Mapping[str, _Words]] = {
    "zh": _HANS,
    "zh-hans": _HANS,
    "zh-cn": _HANS,
    "zh-sg": _HANS,
    "zh-hant": _HANT,
    "zh-tw": _HANT,
    "zh-hk": _HANT,
    "zh-mo": _HANT,
}


# All messages of a page that arrived while the desk was closed get the same opening.
@lru_cache(maxsize=64)
def opening_words(opening: datetime, *, now: datetime, zone: ZoneInfo, language: str) -> str:
    """Return `opening` as a phrase for a sentence: "Tuesday 24 February at 09:00", "2月24日（星期二）09:00".

    Today and tomorrow are named as such; the phrase includes the year only if it differs from the current one.
    opening, now: aware.  zone: the reader's, for hours and days.
    language: BCP 47; every language except simplified and traditional Chinese gets English.
    """
    if opening.tzinfo is None or now.tzinfo is None:
        raise ValueError("expected aware moments")
    words = _of(language)
    # Compare in UTC: Python compares two moments of one zone by their local time.
    if opening.astimezone(UTC) <= now.astimezone(UTC):
        return words.now
    local, today = opening.astimezone(zone), now.astimezone(zone).date()
    with_year = local.year != today.year
    if local.date() == today:
        day = words.today
    elif local.date() == today + timedelta(days=1):
        day = words.tomorrow(local, with_year)
    else:
        day = words.on(local, with_year)
    return words.at.format(day=day, time=f"{local:%H:%M}")


def _of(language: str) -> _Words:
    tag = language.lower().replace("_", "-")
    while tag and tag not in _BY_TAG:
        tag = tag.rpartition("-")[0]
    return _BY_TAG.get(tag, _ENGLISH)


FactTitles = Mapping[str, Mapping[str, str]]
"""What the operator calls the facts: kind -> language -> words."""

# No password and no code: our replies never ask for one.
_FACTS_ENGLISH: Final[Mapping[str, str]] = {
    "account": "your account name",
    "registered_email": "the e-mail address you registered with",
    "phone": "the phone number of your account",
    "transaction": "the transaction or order number",
    "amount": "the amount",
    "currency": "the currency",
    "time": "when it happened",
    "device": "the device you used",
}
_FACTS_CHINESE: Final[Mapping[str, str]] = {
    "account": "账户名",
    "registered_email": "注册邮箱",
    "phone": "账户绑定的手机号",
    "transaction": "交易单号或订单号",
    "amount": "金额",
    "currency": "币种",
    "time": "发生时间",
    "device": "所用设备",
}
_FACTS_TRADITIONAL: Final[Mapping[str, str]] = {
    "account": "帳戶名",
    "registered_email": "註冊信箱",
    "phone": "帳戶綁定的手機號碼",
    "transaction": "交易單號或訂單號",
    "amount": "金額",
    "currency": "幣別",
    "time": "發生時間",
    "device": "所用裝置",
}


def facts_in_words(kinds: Sequence[str], *, language: str, titles: FactTitles) -> str:
    """Return the facts as a list in a sentence: "your account name, the amount and when it happened".

    language: BCP 47 of the reply; without a title in it every language except Chinese gets English.
    titles: what the operator calls a fact, by language, as `Settings.fact_titles` has them.
    """
    words = _of(language)
    ours = _FACTS_ENGLISH if words is _ENGLISH else _FACTS_TRADITIONAL if words is _HANT else _FACTS_CHINESE
    own = [_title(titles.get(kind, {}), language) for kind in kinds]
    names = [title or ours.get(kind, kind) for title, kind in zip(own, kinds, strict=True)]
    if words is not _ENGLISH:
        return _enumerate(names, "、", "和")
    # "and" is no word of a third language.
    is_foreign = all(own) and language.partition("-")[0].lower() != "en"
    return _enumerate(names, ", ", ", " if is_foreign else " and ")


def _title(titles: Mapping[str, str], language: str) -> str:
    """Return the title in a language, else in its family, else the one for every language; empty for none."""
    return titles.get(language) or titles.get(language.partition("-")[0]) or titles.get("und") or ""


def question_in_words(kinds: Sequence[str], *, language: str, titles: FactTitles) -> str:
    """Return what asks a customer for facts; empty if there are none. The arguments are as in `facts_in_words`."""
    if not kinds:
        return ""
    facts, words = facts_in_words(kinds, language=language, titles=titles), _of(language)
    if words is _ENGLISH:
        return f"So that we can help at once, please tell us {facts}. Please never send passwords or one-time codes."
    if words is _HANT:
        return f"為了儘快為您處理，請告訴我們：{facts}。請不要提供密碼或驗證碼。"
    return f"为了尽快为您处理，请告诉我们：{facts}。请不要提供密码或验证码。"


_INVITATION_ENGLISH: Final = (
    "We want to help. Please do not post details here: write to us in a private message. {link}"
)
_INVITATION_CHINESE: Final = "我们想帮助您。请不要在这里公布个人信息，请私信我们：{link}"
_INVITATION_TRADITIONAL: Final = "我們想幫助您。請不要在這裡公佈個人資料，請私訊我們：{link}"


def private_invitation(link: str, *, language: str) -> str:
    """Return the words of a public answer that ask for a private message. language: as in `facts_in_words`."""
    words = _of(language)
    if words is _ENGLISH:
        return _INVITATION_ENGLISH.format(link=link)
    return (_INVITATION_TRADITIONAL if words is _HANT else _INVITATION_CHINESE).format(link=link)


def _enumerate(words: Sequence[str], comma: str, last: str) -> str:
    *first, end = words or ("",)
    return f"{comma.join(first)}{last}{end}" if first else end


# These secrets give access to an account; a card number alone does not, so it is masked without a warning.
_OPENS: Final = frozenset({"password", "code"})
_WARNING_ENGLISH: Final = (
    "One more thing: your message seems to contain a password or a one-time code. We have hidden it. To be safe, "
    "please change it soon, and do not send it to anyone, not even to us: we never ask for it."
)
_WARNING_CHINESE: Final = (
    "温馨提示：您的消息中似乎含有密码或验证码，我们已将其隐去。为了您的账户安全，请尽快修改，"
    "并且不要发给任何人，包括我们：我们不会索取。"
)
_WARNING_TRADITIONAL: Final = (
    "溫馨提示：您的來信中似乎含有密碼或驗證碼，我們已將其隱去。為了您的帳戶安全，請儘快修改，"
    "並且不要傳給任何人，包括我們：我們不會索取。"
)


def warning_in_words(secrets: Collection[str], *, language: str) -> str:
    """Return a warning paragraph; empty if no secret gives access to an account.

    secrets: kinds, as in `router.masking.mask.Masked`.  language: BCP 47 of the reply; not Chinese means English.
    """
    if _OPENS.isdisjoint(secrets):
        return ""
    words = _of(language)
    if words is _ENGLISH:
        return _WARNING_ENGLISH
    return _WARNING_TRADITIONAL if words is _HANT else _WARNING_CHINESE


def written_in_words(at: datetime, *, zone: ZoneInfo, language: str) -> str:
    """Return the line above a quote of what the customer wrote then: with day and year, so that no one misreads it."""
    words, local = _of(language), at.astimezone(zone)
    when = words.at.format(day=words.on(local, True), time=f"{local:%H:%M}")
    if words is _ENGLISH:
        return f"You wrote on {when}:"
    return f"您於 {when} 寫道：" if words is _HANT else f"您于 {when} 写道："


def progress_in_words(link: str, *, language: str) -> str:
    """Return the line that leads to the page of a case."""
    words = _of(language)
    if words is _ENGLISH:
        return f"See how far we are: {link}"
    return f"查看處理進度：{link}" if words is _HANT else f"查看处理进度：{link}"
