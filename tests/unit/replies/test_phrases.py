from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from router.replies.phrases import (
    facts_in_words,
    opening_words,
    private_invitation,
    progress_in_words,
    question_in_words,
    warning_in_words,
    written_in_words,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")


def shanghai(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("now", "opening", "language", "words"),
    [
        # On the eve of Spring Festival 2026.
        ("2026-02-14T18:05", "2026-02-24T09:00", "en", "Tuesday 24 February at 09:00"),
        ("2026-02-14T18:05", "2026-02-24T09:00", "zh-Hans", "2月24日（星期二）09:00"),
        ("2026-02-14T18:05", "2026-02-24T09:00", "zh-Hant", "2月24日（星期二）09:00"),
        # Lunch; the night before; one minute before and after midnight.
        ("2026-03-02T12:10", "2026-03-02T13:00", "en", "today at 13:00"),
        ("2026-03-02T12:10", "2026-03-02T13:00", "zh-Hans", "今天 13:00"),
        ("2026-03-02T23:59", "2026-03-03T09:00", "en", "tomorrow, Tuesday 3 March, at 09:00"),
        ("2026-03-02T23:59", "2026-03-03T09:00", "zh-Hant", "明天（3月3日 星期二）09:00"),
        ("2026-03-03T00:01", "2026-03-03T09:00", "en", "today at 09:00"),
        # The phrase names another year.
        ("2026-12-31T18:00", "2027-01-04T09:00", "en", "Monday 4 January 2027 at 09:00"),
        ("2026-12-31T18:00", "2027-01-04T09:00", "zh-Hans", "2027年1月4日（星期一）09:00"),
        ("2026-12-31T18:00", "2027-01-01T09:00", "en", "tomorrow, Friday 1 January 2027, at 09:00"),
        # The calendar is open already.
        ("2026-03-02T10:00", "2026-03-02T10:00", "en", "now"),
        ("2026-03-02T10:00", "2026-03-02T10:00", "zh-Hans", "现在"),
        ("2026-03-02T10:00", "2026-03-02T10:00", "zh-Hant", "現在"),
        # A region implies its script; languages without phrases get English.
        ("2026-03-02T10:00", "2026-03-02T10:00", "zh-Hant-HK", "現在"),
        ("2026-03-02T10:00", "2026-03-02T10:00", "zh_TW", "現在"),
        ("2026-03-02T10:00", "2026-03-02T10:00", "zh", "现在"),
        ("2026-03-02T12:10", "2026-03-02T13:00", "de", "today at 13:00"),
        ("2026-03-02T12:10", "2026-03-02T13:00", "", "today at 13:00"),
    ],
)
def test_an_opening_in_words(now, opening, language, words):
    assert opening_words(shanghai(opening), now=shanghai(now), zone=SHANGHAI, language=language) == words


def test_the_days_are_the_readers():
    # 09:00 on Tuesday in Shanghai is still Monday evening in New York.
    opening, now = datetime(2026, 2, 24, 1, tzinfo=UTC), datetime(2026, 2, 23, 20, tzinfo=UTC)
    assert opening_words(opening, now=now, zone=ZoneInfo("America/New_York"), language="en") == "today at 20:00"


def test_a_naive_moment_is_refused():
    with pytest.raises(ValueError, match="aware"):
        opening_words(shanghai("2026-02-24T09:00"), now=datetime(2026, 2, 23), zone=SHANGHAI, language="en")  # noqa: DTZ001


@pytest.mark.parametrize("tag", ["zh-Hant", "zh-TW", "zh_TW", "zh-HK", "zh-Hant-MO", "zh_hant_hk"])
def test_a_tag_of_traditional_chinese_is_understood_by_all_phrases_alike(tag):
    at = shanghai("2026-03-02T10:00")
    said = (
        opening_words(at, now=at, zone=SHANGHAI, language=tag),
        facts_in_words(["account"], language=tag, titles={}),
        question_in_words(["account"], language=tag, titles={})[:15],
        private_invitation("", language=tag)[:4],
        warning_in_words({"password"}, language=tag)[:4],
        progress_in_words("", language=tag)[:4],
        written_in_words(at, zone=SHANGHAI, language=tag)[:2],
    )
    assert said == ("現在", "帳戶名", "為了儘快為您處理，請告訴我們：", "我們想幫", "溫馨提示", "查看處理", "您於")


TITLES = {
    "transaction": {"en": "the order number", "zh": "订单号", "de": "Ihre Bestellnummer"},
    "amount": {"de": "den Betrag"},
}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "the order number and the amount"),
        ("en-GB", "the order number and the amount"),
        ("zh-Hans", "订单号和金额"),
        ("zh-Hant", "订单号和金額"),
        ("de", "Ihre Bestellnummer, den Betrag"),
        # Without a title in its language it reads the desk's own words.
        ("fr", "the transaction or order number and the amount"),
    ],
)
def test_a_fact_has_the_operators_name_in_the_customers_language(language, words):
    assert facts_in_words(["transaction", "amount"], language=language, titles=TITLES) == words
    question = question_in_words(["transaction"], language=language, titles={"transaction": {"und": "your ticket"}})
    assert "your ticket" in question
