"""Repeated messages: re-sends are recognised, similar messages are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.understanding.resends import pairs
from router.threads.duplicates import fingerprint, join_parts, quotes, repeats_part, same_message


def says_the_same(pair):
    return same_message(pair.first, join_parts(pair.parts)) if pair.parts else same_message(pair.first, pair.second)


def test_19_of_20_resends_are_recognised_and_no_look_alike_is():
    made = list(pairs(6000))
    resends = [pair for pair in made if pair.same]
    assert sum(map(says_the_same, resends)) / len(resends) >= 0.95
    assert [pair for pair in made if not pair.same and says_the_same(pair)] == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Hello, I can't log in to my account 1234", "Hi, i cant log in to my acount 1234"),
        ("你好，我的账户被锁了！", "我的账户被锁了"),
        ("我的帳戶被鎖了", "我的账户被锁了"),
        ("ＭＹ ＣＡＲＤ ＩＳ ＬＯＳＴ！", "my card is lost"),
        ("> my card is lost", "my card is lost"),
        ("On Mon, 5 Jan 2026 Wang wrote:\n> my card is lost\n> please help", "My card is lost, please help"),
        ("my card is lost\n\nBest regards\nWang Wei", "my card is lost, thanks"),
        ("pls refund my acct", "Please refund my account"),
    ],
)
def test_another_form_makes_no_other_message(a, b):
    assert same_message(a, b)
    assert same_message(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("order 1234 failed", "order 1243 failed"),
        ("please refund the order I placed last week", "please refund the order I placed last week 1234"),
        ("I paid 12.34 for it in the shop", "I paid 1234 for it in the shop"),
        ("I have received the money", "I have not received the money"),
        ("我收到钱了，但是店家不承认", "我没收到钱，但是店家不承认"),
        ("请把我的账户解锁，我要用", "请把我的账户锁定，我要用"),
        ("我的账户转出了一笔钱", "我的账户转入了一笔钱"),
        ("I was charged on Monday for something", "I was charged on Sunday for something"),
        ("please lock my account right away", "please unlock my account right away"),
        # The second text contains more than the first.
        ("I cannot log in to my account", "I cannot log in to my account. Also please close it and pay everything out"),
        ("", ""),
        ("...", "!!!"),
    ],
)
def test_another_meaning_is_never_the_same_message(a, b):
    assert not same_message(a, b)
    assert not same_message(b, a)


def test_equal_fingerprints_differ_in_form_only():
    assert fingerprint("Hello, my card is lost!") == fingerprint("my card is LOST")
    assert fingerprint("order 1234") != fingerprint("order 1243")
    # A point inside a number is not punctuation.
    assert fingerprint("paid 12.34") != fingerprint("paid 1234")


def test_a_split_sms_is_joined_by_its_marks():
    assert join_parts(["(2/2) and it is gone", "(1/2) I lost my card "]) == "I lost my card and it is gone"
    parts = ["(2/2) and it is gone", "(1/2) I lost my card "]
    assert same_message("I lost my card and it is gone", join_parts(parts))


def test_a_part_of_an_earlier_message_is_a_repeat():
    earlier = "I lost my card yesterday in the metro and a thief bought a phone with it"
    assert repeats_part("(2/2) and a thief bought a phone with it", earlier)
    assert not repeats_part(earlier + " for 900", earlier)
    # Too short to decide.
    assert not repeats_part("my card", earlier)


def test_a_quote_is_linked_to_what_it_quotes():
    assert quotes("> I lost my card\n> in the metro", "I lost my card in the metro")
    assert not quotes("> I lost my phone\n> in the metro", "I lost my card in the metro")


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_order_of_the_two_texts_does_not_matter(a, b):
    assert same_message(a, b) == same_message(b, a)


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=60))
def test_a_text_with_words_is_the_same_as_itself(text):
    assert same_message(text, text)
    assert fingerprint(text) == fingerprint(text)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("I paid $5 to the shop and it failed", "I paid €5 to the shop and it failed"),
        ("you booked -50 on my account today", "you booked 50 on my account today"),
        ("the payment of 1.000 did not arrive", "the payment of 1,000 did not arrive"),
        ("my transfer to Zhang Wei has not arrived", "my transfer to Zhang Lei has not arrived"),
        ("please refund to Li Wei now", "please refund to Li Wen now"),
        ("where is order A please", "where is order B please"),
    ],
)
def test_another_sign_currency_name_or_letter_makes_another_message(a, b):
    assert not same_message(a, b)
    assert not same_message(b, a)
    assert not repeats_part(a, b)
    assert not repeats_part(b, a)
