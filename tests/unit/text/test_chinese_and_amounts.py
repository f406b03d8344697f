"""One form of Chinese and of amounts in the index and in queries."""

from __future__ import annotations

import pytest

from router.text.chinese import simplified
from router.text.search_terms import holds, index_words, marked, read_amount_query, read_query


@pytest.mark.parametrize(
    ("said", "sought"),
    [
        ("我要退款，錢沒有收到", "钱没有收到"),  # traditional said, simplified sought
        ("我要退款，钱没有收到", "錢沒有"),  # and the other way round
        ("帳號被盜", "账号被盗"),
        ("ＲＥＦＵＮＤ", "refund"),
    ],
)
def test_both_forms_of_chinese_find_each_other(said: str, sought: str) -> None:
    wanted = read_query(sought)
    assert holds(wanted, said)
    assert set(wanted.words) <= index_words(said)


def test_simplified_keeps_every_place() -> None:
    text = "臺灣的錢 abc 𠮷"
    assert len(simplified(text)) == len(text)
    assert simplified("plain") == "plain"


@pytest.mark.parametrize(
    "said", ["paid 1,200.00 today", "￥1200 已扣", "扣了1200元", "共 0.12万", "１２００ yuan", "$1,200"]
)
@pytest.mark.parametrize("sought", ["1200", "1,200.00", "¥1200", "1200元", "１２００", "USD 1200"])
def test_an_amount_is_found_in_any_writing(said: str, sought: str) -> None:
    wanted = read_amount_query(sought)
    assert wanted is not None
    assert set(wanted.words) <= index_words(said)


@pytest.mark.parametrize("query", ["refund", "TX-1200", "1200 refund", "退款", "1.2.3", "li@example.com"])
def test_other_queries_are_no_amounts(query: str) -> None:
    assert read_amount_query(query) is None


@pytest.mark.parametrize(
    ("query", "text", "hits"),
    [
        ("refund", "My Refund is late, REFUND!", ["Refund", "REFUND"]),
        ("钱", "我的錢呢", ["錢"]),
        ("two words", "words and two", ["words", "two"]),
        ("strasse", "Die Straße", ["Straße"]),  # one character that folds to two
        ("nothing", "here", []),
    ],
)
def test_matches_are_marked_where_they_stand(query: str, text: str, hits: list[str]) -> None:
    pieces = marked(read_query(query), text)
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, hit in pieces if hit] == hits
