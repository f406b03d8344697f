"""Masking finds secrets in every notation, and keeps text that only looks like a secret."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.understanding.planted_secrets import lookalikes, planted
from router.masking.cards_and_ids import SHORTEST, find_numbers
from router.masking.mask import mask
from router.masking.visible_text import narrow
from tests.absent_inputs import NO_CORPORA
from tests.growth import grows_linearly

CORPORA = Path(os.environ.get("OMNIYARD_CORPORA", Path(__file__).parents[4] / "shared" / "corpora"))


def bare(text):
    """Return the text for a search of digits: narrow, without tags, blanks and invisible characters."""
    without_tags = re.sub(r"<[^<>]*>|&\w+;", "", unicodedata.normalize("NFKC", text))
    return re.sub(r"[\s\-.–>\u200b-\u200f\u2060\ufeff\u00ad]", "", without_tags)


def test_a_planted_number_has_as_many_digits_as_a_text_must_have_to_be_searched():
    numbers = [one for one in planted(2000) if any(True for _ in find_numbers(narrow(one.text)))]
    assert len(numbers) > 300
    assert all(len(re.findall(r"\d", narrow(one.text))) >= SHORTEST for one in numbers)
    assert mask("card 4111 1111 1111 1").kinds == ("card",)  # named, 13 digits
    assert mask("card 4111 1111 1111").kinds == ()


def test_of_5000_planted_secrets_all_are_masked():
    left = [one for one in planted(5000) if re.sub(r"[-.]", "", one.secret) in bare(mask(one.text).text)]
    assert left == []


def test_the_kind_of_each_planted_secret_is_named():
    # A number of 16 to 19 digits may have two kinds, and a six-digit PIN is a code as well as a password.
    unnamed = [one for one in planted(2000) if one.kind not in mask(one.text).kinds]
    assert len(unnamed) <= 40


def test_at_most_one_in_200_order_numbers_and_amounts_is_masked():
    texts = list(lookalikes(5000))
    assert sum(mask(text).text != text for text in texts) / len(texts) <= 0.005


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("card 4111 1111 1111 1111 declined", "card **** 1111 declined"),
        ("卡号６２２２０２１２３４５６７８９０１２８", "卡号**** 0128"),
        ("4111\u200b11111111\u200d1111", "**** 1111"),
        # A tag inside a number stays, so that the HTML stays balanced.
        ("<b>4111</b>11111111<i>1111</i>", "<b>**** 1111</b><i></i>"),
        ("4111 1111\n> 1111 1111", "**** 1111"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "**** 1111"),
        # Amex and Diners are not grouped in fours.
        ("3782 822463 10005", "**** 0005"),
        ("3056 930902 5904", "**** 5904"),
        ("卡号是六二二二零二一二三四五六七八九零一二八", "卡号是**** 0128"),
        # Two cards in one line are two.
        ("4111111111111111,5500005555555559", "**** 1111,**** 5559"),
        # A mistyped number that is named a card is masked.
        ("卡号：6222020200112233440", "卡号：**** 3440"),
        # The code without a name after the expiry date.
        ("4111111111111111 12/27 123", "**** 1111 12/27 ****"),
        ("<a href='https://x.example/?c=4111111111111111'>x</a>", "<a href='https://x.example/?c=**** 1111'>x</a>"),
        ("card_4111111111111111.jpg", "card_**** 1111.jpg"),
        ("身份证11010519491231002X", "身份证****"),
        ("身份证 110105491231002", "身份证 ****"),
        # Invisible characters of a display name become blanks, before the check character too.
        ("1 1 0 1 0 5 1 9 4 9 1 2 3 1 0 0 2 X", "****"),
        ("4111 1111\n&gt; 1111 1111</td>", "**** 1111</td>"),
        ("护照号 E12345678", "护照号 ****"),
        ("E12345678 is my passport number", "**** is my passport number"),
        ("CVV: 123", "CVV: ****"),
        ("背面三位数字是123", "背面三位数字是****"),
        ("password: hunter", "password: ****"),
        ("my password for example.com is hunter2", "my password for example.com is ****"),
        ("<td>Password</td><td>hunter22</td>", "<td>Password</td><td>****</td>"),
        ("密码是 abcdef", "密码是 ****"),
        ("密码改成了qwerty", "密码改成了****"),
        ("482913 is your OTP", "**** is your OTP"),
        ("【钱包】您的验证码为482913，5分钟内有效", "【钱包】您的验证码为****，5分钟内有效"),
        ("login code: A7K9Q2", "login code: ****"),
    ],
)
def test_stars_replace_a_secret_except_a_cards_last_four_digits(text, masked):
    assert mask(text).text == masked


@pytest.mark.parametrize(
    "text",
    [
        "my password is not working",
        "I forgot my password",
        "密码输错5次被锁定",
        "Password: I can't remember it",
        "password reset link https://x.example/reset?token=abc123",
        "error code 50013",
        "验证码发到13812345678收不到",
        "I got no verification code but 5000 yuan was taken",
        "order 4839201758392018 has not arrived",
        "paid 1,234,567.00 on 2026-01-15 10:22:33",
        "my card ending in 1234",
        "我的手机号13812345678",
        "IMG_20260115_093311.jpg",
        "SF4177961188085",
        "",
    ],
)
def test_text_that_only_looks_like_a_secret_stays(text):
    assert mask(text).text == text
    assert mask(text).kinds == ()


def test_masking_twice_changes_nothing_more():
    for one in planted(1000, seed=3):
        once = mask(one.text).text
        assert mask(once).text == once


def test_kinds_are_named_once_and_in_order():
    assert mask("4111111111111111 5500005555555559 cvv 123").kinds == ("card", "cvv")


@given(st.text(max_size=200))
def test_any_text_at_all_can_be_masked(text):
    assert isinstance(mask(text).text, str)


@pytest.mark.parametrize(
    "unit", ["1 ", "4111 ", "code ", "密码", "<", "<b>1</b>", "&nbsp;1", "1\u200b", "password is ", "4."]
)
def test_the_time_grows_with_the_length_and_not_with_its_square(unit):
    assert grows_linearly(mask, unit, size=10_000)


def test_real_questions_of_bank_customers_stay_unmasked():
    file = CORPORA / "intents" / "banking77_train.jsonl"
    if not file.exists():
        pytest.skip(NO_CORPORA)
    texts = [json.loads(line)["text"] for line in file.read_text().splitlines()]
    assert [text for text in texts if mask(text).kinds] == []
