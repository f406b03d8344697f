"""Facts are found in both languages, in one comparable form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.text.chinese_numerals import chinese_number
from router.text.fact_kinds import FACT_KINDS
from router.text.facts import Fact, find_facts


def values(text, kind):
    return [fact.value for fact in find_facts(text) if fact.kind == kind]


@pytest.mark.parametrize(
    ("text", "kind", "found"),
    [
        ("我的手机号是13812345678", "phone", ["+8613812345678"]),
        ("手机号１３８１２３４５６７８", "phone", ["+8613812345678"]),
        ("call +86 138-1234-5678", "phone", ["+8613812345678"]),
        ("my number is +44 20 7946 0958", "phone", ["+442079460958"]),
        # One more digit makes another number.
        ("138123456789", "phone", []),
        ("邮箱 A.B@Example.com。", "registered_email", ["a.b@example.com"]),
        ("订单号：2026011599887766 没到账", "transaction", ["2026011599887766"]),
        ("order #AB12345678 is missing", "transaction", ["AB12345678"]),
        ("transaction id TX-99812 failed", "transaction", ["TX-99812"]),
        # A shop's short number, in its customers' languages.
        ("my order 48213 has not arrived", "transaction", ["48213"]),
        ("order no. 4821 is late", "transaction", ["4821"]),
        ("Meine Bestellung 48220 fehlt.", "transaction", ["48220"]),
        ("Bestell-Nr. 4822, Rechnungsnummer: 10443", "transaction", ["4822", "10443"]),
        ("订单 48240 一直没收到", "transaction", ["48240"]),
        ("订单号48310", "transaction", ["48310"]),
        ("I made an order 2025 and it is late", "transaction", []),
        ("an order 12000 yuan", "transaction", []),
        ("order number 4800.50", "transaction", []),
        ("订单15000元", "transaction", []),
        ("in border 12345", "transaction", []),
        ("20260115998877665544", "transaction", ["20260115998877665544"]),
        ("in order to pay", "transaction", []),
        ("转账13812345678失败", "transaction", []),
        ("我付了1,200.50元", "amount", ["1200.50"]),
        ("I paid $1,200.50", "amount", ["1200.50"]),
        ("扣了我３００块", "amount", ["300.00"]),
        ("被骗了2万元", "amount", ["20000.00"]),
        ("5k rmb gone", "amount", ["5000.00"]),
        ("少了三千五百块", "amount", ["3500.00"]),
        ("收了两百元手续费", "amount", ["200.00"]),
        ("HK$ 88", "currency", ["HKD"]),
        ("100 euros and £5", "currency", ["GBP", "EUR"]),
        ("my user name is wang_wei88.", "account", ["wang_wei88"]),
        ("账号：lina.2020", "account", ["lina.2020"]),
        # Without a colon: only what looks like a chosen name.
        ("账号 lina_2020。", "account", ["lina_2020"]),
        ("账号lina2020登录不了", "account", ["lina2020"]),
        ("My account wang_88 is locked.", "account", ["wang_88"]),
        ("账号 lina2020@example.com", "account", []),
        ("账户usd500不见了", "account", []),
        ("账号iphone15登录不了", "account", []),
        ("账号 138 打不开", "account", []),
        ("My account is locked since 2020.", "account", []),
        ("The account number is certainly correct", "account", []),
        ("my account name is blocked", "account", []),
        ('my user name is "wangli"', "account", ["wangli"]),
        ("账号是wangli", "account", ["wangli"]),
        ("账号 8842211 被锁", "account", ["8842211"]),
        ("uid 8842211", "account", ["8842211"]),
        ("账号 1000000 元没了", "account", []),
        ("account number 100000 usd", "account", []),
        ("账号 20240101年", "account", []),
        ("昨天下午3点转的", "time", ["昨天下午3点"]),
        ("on 2026-01-15 10:33", "time", ["2026-01-15 10:33"]),
        ("it happened yesterday at 3 pm", "time", ["yesterday at 3 pm"]),
        ("3 days ago I paid", "time", ["3 days ago"]),
        ("1月5号早上", "time", ["1月5号早上"]),
        ("用 iPhone 13 Pro 打不开", "device", ["iphone 13 pro"]),
        ("华为P40手机闪退", "device", ["华为p40手机"]),
        ("", "amount", []),
    ],
)
def test_a_fact_is_found_in_its_comparable_form(text, kind, found):
    assert values(text, kind) == found


def test_facts_come_once_and_in_the_order_of_their_kinds():
    text = "昨天用 iPhone 转账 100 元，订单号 2026011599887766，用户名：wang88，再说一遍 100 元"
    kinds = [fact.kind for fact in find_facts(text)]
    assert kinds == sorted(kinds, key=FACT_KINDS.index)
    assert kinds.count("amount") == 1
    assert Fact("account", "wang88") in find_facts(text)


@pytest.mark.parametrize(
    ("numeral", "value"),
    [
        ("五", 5),
        ("十", 10),
        ("十五", 15),
        ("两百", 200),
        # The last digit counts in the next smaller unit, unless a zero says otherwise.
        ("三千五", 3500),
        ("三千零五", 3005),
        ("一万二", 12000),
        ("一万两千三百四十五", 12345),
        ("百", 100),
    ],
)
def test_a_chinese_numeral_has_a_value(numeral, value):
    assert chinese_number(numeral) == value


@given(st.text(max_size=200))
def test_any_text_at_all_can_be_searched(text):
    assert all(fact.kind in FACT_KINDS and fact.value for fact in find_facts(text))
