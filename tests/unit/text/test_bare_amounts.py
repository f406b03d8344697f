"""Amounts without a currency are read where a word announces money, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.text.bare_amounts import find_bare_amounts
from router.text.facts import find_facts


def amounts(text):
    return [fact.value for fact in find_facts(text) if fact.kind == "amount"]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("金额1500", "1500.00"),
        ("金額：2,300.50", "2300.50"),
        ("总额 880", "880.00"),
        ("转了5000没到账", "5000.00"),
        ("充了200没到", "200.00"),
        ("提现3000一直没到账", "3000.00"),
        ("amount: 250", "250.00"),
        ("Total 89.90 was wrong", "89.90"),
        ("the amount is 1,250", "1250.00"),
        ("I sent 300 to the wrong person", "300.00"),
        ("I paid 45.99 for it twice", "45.99"),
        ("sent my friend 800 yesterday", "800.00"),
        ("转了一千五", "1500.00"),
        ("扣了我三百二", "320.00"),
        ("充值两万没到", "20000.00"),
        ("转了1.5万", "15000.00"),
        ("提现2.3w没到账", "23000.00"),
        ("被骗3千", "3000.00"),
        ("1.5万", "15000.00"),
        ("一千五", "1500.00"),
        ("两万三左右", "23000.00"),
        ("5000没到账", "5000.00"),
        ("一千五没到账", "1500.00"),
        ("我的800退款还没到", "800.00"),
        ("they charged me 120", "120.00"),
        ("You deducted 75 from my wallet", "75.00"),
        ("I was charged 60 twice", "60.00"),
        ("refund of 120", "120.00"),
        ("a transfer of 1,500 is missing", "1500.00"),
        ("withdrawal of 400 still pending", "400.00"),
        ("2,700 is missing from my wallet", "2700.00"),
        ("my 3000 transfer has not arrived", "3000.00"),
        ("where is my 250 refund", "250.00"),
        ("付了880", "880.00"),
        ("转了1,200,000", "1200000.00"),
        ("I paid 1234567.50 for it", "1234567.50"),
        ("刷走6800", "6800.00"),
        ("上周五提现1500到现在还是处理中", "1500.00"),
        ("充的200不见了", "200.00"),
        ("支付了 99.5", "99.50"),
        ("多扣15", "15.00"),
        ("轉帳1200失敗", "1200.00"),
        ("I topped up 50 and it is gone", "50.00"),
        ("三百六十五", "365.00"),
        ("给他打了两万，他不发货", "20000.00"),
        ("有人转来500备注房租", "500.00"),
        ("每笔648", "648.00"),
        ("垫了6800", "6800.00"),
        ("三万的贷款不是我办的", "30000.00"),
        ("they took 17 thousand", "17000.00"),
        ("Withdrawal of 1,500 requested yesterday", "1500.00"),
        ("Today 2,200 were transferred", "2200.00"),
        ("2.3w", "23000.00"),
        ("5,000 walked out", "5000.00"),
        ("my 300 walked away from my balance", "300.00"),
        ("300 evaporated overnight", "300.00"),
        ("I sent 300 failed twice", "300.00"),
        ("transfer 300 failed this morning", "300.00"),
        # A number like a year or a hotline, of which the words say that so much moved.
        ("I sent 2024 to her", "2024.00"),
        ("I paid 2024 twice", "2024.00"),
        ("I want to transfer 2024 to her", "2024.00"),
        ("转了2024没到账", "2024.00"),
        ("金额2024", "2024.00"),
        ("给他转2024", "2024.00"),
        ("转给她2024没到", "2024.00"),
        ("充值95188元", "95188.00"),
        ("top up 95,188 failed", "95188.00"),
        ("转了95500没到账", "95500.00"),
    ],
)
def test_a_number_next_to_a_word_of_money_is_an_amount(text, amount):
    assert amounts(text) == [amount]


@pytest.mark.parametrize(
    "text",
    [
        "充值2次",
        "转账3天了",
        "退款3-5个工作日",
        "提现要1到3天",
        "订单123456没到账",
        "尾号1234被盗刷",
        "验证码482913没收到",
        "扣了2次款",
        "8月20日转账没到",
        "10:30转账没到账",
        "2026年退款",
        "支付密码123456",
        "转账13812345678失败",
        "手续费0.1%",
        "手续费百分之三",
        "转了三四次",
        "充值两次都失败",
        "收到2条短信",
        "付款码6位",
        "第2次提现",
        "转账20分钟没到",
        "charged 3 times",
        "I sent 2 emails",
        "paid 2 weeks ago",
        "received 3 codes",
        "the fee is 0.6 percent",
        "charged 2 days ago",
        "my card 4421 was charged",
        "order 123456 refund",
        "Order A77120 was debited",
        "invoice a 4410 b, a20260 was charged",
        "my5500 was debited",
        "ticket 889 sent",
        "code 482913 not received",
        "I paid at 10:30",
        "sent on 12/03/2026",
        "refund takes 3-5 days",
        "transfer to 139",
        "pay by card 1234",
        "7 was sent by mail",
        "1 transfer failed",
        "24 hours refund",
        "top up 5%",
        "Visa 4421 charged",
        "my account 20001 debited",
        "transaction 998877",
        "退款单号 20260101",
        "卡号6222 被扣款",
        "账号 88123 转账",
        "已经等了一百年没到账",
        "扣了十几天",
        "十万火急",
        "万一被扣",
        "转人工2",
        "充电1500",
        "充值中心95588",
        "sent 2 of them",
        "a balance is 3 days old",
        "提现时间1500秒",
        "total 3 people",
        "I lost 2 phones",
        "I lost 20 minutes",
        "call 95188 to refund",
        "万一",
        "千万",
        "退款政策2024版",
        "2024年退款",
        "付2期",
        "转5楼",
        "百万",
        "打了95188没人接",
        "打了3次电话",
        "2笔2天没到",
        "the bill is 2 days late",
        "第3笔2次",
        "转账金额大于5万走什么渠道",
        "每日限额5000怎么提高",
        "I pay more than 500 with my card",
        "what is the sum of 3, 7 and 9",
        "退了三百六十五天还没到",
        "消费12345678没到账",
        "refund 8812345 not received",
        "transferred 12345678 to",
        "fee is 3 per cent",
        "a $.02 refund",
        "I received 10 failed notices",
        "charged 3 failed payments",
        "I received 5 missed calls",
        "I paid 2 unused tickets",
        "500 workers walked out",
        "3 walked out",
        "transfer 2024 missing",
        "my 2024 refund is missing",
        "where is my 2025 refund",
        "转账2024没到账",
        "给他转2024年的会费",
        "2024没到账",
        "top up 95188 failed",
        "top up 10086 failed",
        "充值95588失败",
        "给10086充值没到账",
    ],
)
def test_a_count_a_time_and_the_number_of_a_thing_are_no_amounts(text):
    assert amounts(text) == []


def test_a_currency_is_never_guessed():
    assert [fact.kind for fact in find_facts("我转了1500没到账")] == ["amount"]


def test_an_amount_with_its_currency_is_found_once():
    assert amounts("转了5000元没到账，金额5,000.00") == ["5000.00"]


@given(st.text(alphabet="转付了一二百千万0123456789,.: 元没到账sentpaid", max_size=60))
def test_any_amount_is_more_than_nothing(text):
    assert all(value > 0 for value in find_bare_amounts(text))


@pytest.mark.parametrize("end", ["1x", "x一", "一百x", "转1"])
def test_blanks_before_a_number_take_no_time_that_grows_with_their_square(end):
    # With the square this would take minutes, and the run's own limit would end it.
    assert amounts(" \t\u3000" * 60_000 + end) == amounts(end)
