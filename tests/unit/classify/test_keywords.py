"""Keywords match whole words in Latin script and anywhere in Chinese, regardless of width and case."""

from __future__ import annotations

from router.classify.keywords import compile_rules
from router.text.plain import fold

RULES = compile_rules(
    {
        "security": ("被盗", "hacked", "money is gone"),
        "refund": ("退款", "refund", "退"),
        "both": ("refund",),
    }
)


def found(text):
    return RULES.find(fold(text))


def test_a_latin_keyword_is_a_whole_word():
    assert found("I was HACKED!") == {"security": ("hacked",)}
    assert found("shacked") == {}
    assert found("hackedness") == {}


def test_a_chinese_keyword_matches_anywhere():
    assert found("我的账户被盗了") == {"security": ("被盗",)}


def test_width_and_line_breaks_do_not_matter():
    assert found("ｒｅｆｕｎｄ") == {"refund": ("refund",), "both": ("refund",)}
    assert found("my money\n is   gone") == {"security": ("money is gone",)}


def test_the_longer_keyword_wins():
    assert found("退款")["refund"] == ("退款",)
    assert found("退货")["refund"] == ("退",)


def test_a_keyword_is_evidence_once():
    assert found("refund refund refund")["refund"] == ("refund",)


def test_a_desk_without_keywords_finds_nothing():
    assert compile_rules({"general": ()}).find(fold("anything")) == {}
