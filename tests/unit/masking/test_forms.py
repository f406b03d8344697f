"""Forms of secrets are masked by general rules, whatever the digits and the words; what only looks like one stays."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

import pytest

from benchmarks.understanding.planted_secrets import card
from router.masking.mask import mask
from router.masking.visible_text import narrow
from tests.growth import grows_linearly

DRAWS = 150
FORMAL = str.maketrans("0123456789", "零壹贰叁肆伍陆柒捌玖")
SPOKEN = str.maketrans("0123456789", "零幺二三四五六七八九")
CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


def fours(number: str) -> list[str]:
    return [number[at : at + 4] for at in range(0, len(number), 4)]


def query(number: str) -> str:
    return "?" + "&".join(f"c{place}={group}" for place, group in enumerate(fours(number), start=1))


FORMS: dict[str, Callable[[str], str]] = {
    "colons": lambda number: ":".join(fours(number)),
    "full-width colons": lambda number: "：".join(fours(number)),
    "brackets": lambda number: " ".join(f"({group})" for group in fours(number)),
    "square brackets": lambda number: "".join(f"[{group}]" for group in fours(number)),
    "corner brackets": lambda number: "".join(f"【{group}】" for group in fours(number)),
    "quotes": lambda number: " ".join(f'"{group}"' for group in fours(number)),
    "formal Chinese": lambda number: number.translate(FORMAL),
    "spoken Chinese": lambda number: " ".join(fours(number.translate(SPOKEN))),
    "circled": lambda number: number.translate(CIRCLED),
    "Arabic": lambda number: number.translate(ARABIC),
    "keys of a telephone": lambda number: "".join(f"{digit}\ufe0f\u20e3" for digit in number),
    "stripe, track 1": lambda number: f"%B{number}^WANG/WEI^27121010000012300000?",
    "stripe, track 2": lambda number: f";{number}=27121010000012300000?",
    "expiry glued on": lambda number: f"{number}1227",
    "expiry and code glued on": lambda number: f"{number}1227123",
    "words between": lambda number: " then ".join(fours(number)),
    "more words between": lambda number: "my card: first " + ", and next ".join(fours(number)),
    "Chinese words between": lambda number: "，然后".join(fours(number)),
    "link": lambda number: f"<a href='https://x.example/?c={'%20'.join(fours(number))}'>x</a>",
    "link with plus signs": lambda number: f"https://x.example/?c={'+'.join(fours(number))}",
    "path": lambda number: f"https://x.example/{'/'.join(fours(number))}/x",
    "query in parts": query,
    "entities": lambda number: "&#160;".join(fours(number)),
    "cells": lambda number: f"<td>{'</td><td>'.join(fours(number))}</td>",
}
# With words between them, only cards in four groups are sure to be one.
IN_FOUR = frozenset({"words between", "more words between", "Chinese words between", "query in parts"})


def cards(*, seed: int, in_four: bool) -> list[str]:
    draw = random.Random(seed)
    drawn = [card(draw) for _ in range(DRAWS)]
    return [number for number in drawn if not in_four or len(number) == 16]


@pytest.mark.parametrize("form", FORMS)
def test_a_card_is_masked_in_every_form(form: str) -> None:
    shown = {number: mask(FORMS[form](number)) for number in cards(seed=len(form), in_four=form in IN_FOUR)}

    left = {number: masked.text for number, masked in shown.items() if "card" not in masked.kinds}
    assert left == {}
    for number, masked in shown.items():
        digits = re.sub(r"\D", "", narrow(masked.text))
        assert number[:12] not in digits
        # The last four alone may be seen: of a stripe, of a code after it, nothing.
        assert number[:-4] not in digits
        assert "271210100000" not in digits


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("my pass is hunter22", "my pass is ****"),
        ("mima 123456", "mima ****"),
        ("zhifu mima: abc123", "zhifu mima: ****"),
        ("my passphrase is “correct horse battery staple”", "my passphrase is “****”"),
        ("password: 'two words 42'", "password: '****'"),
        ("exp 12/26 123", "exp 12/26 ****"),
        ("valid thru 01/2028, 4321", "valid thru 01/2028, ****"),
        ("4111111111111111 1227 123", "**** 1111 1227 ****"),
        ("API key: 9f8a7b6c5d4e3f2a1b0c", "API key: ****"),
        ("client_secret=9f8a7b6c5d4e3f2a1b0c", "client_secret=****"),
        ("私钥是 5KJvsngHeMpm884wtkJNzQGaCErckhHJBGF", "私钥是 ****"),
        ("use sk-proj4f5g6h7j8k9l0q1w2e3r", "use ****"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcDEF1234567", "****"),
        ("my security question answer is Fluffy", "my security question answer is ****"),
        ("Security question: first pet? Answer: Fluffy", "Security question: first pet? Answer: ****"),
        ("mother's maiden name: Smith", "mother's maiden name: ****"),
        ("answer to my security question is blue whale and it fails", None),
        ("密保问题：第一只宠物？答案：旺财", "密保问题：第一只宠物？答案：****"),
        ("мой пароль Qwerty12", "мой пароль ****"),
        ("пароль — Qwerty12", "пароль — ****"),
        ("код подтверждения 482913", "код подтверждения ****"),
        ("パスワードはabc12345です", "パスワードは****です"),
        ("認証コードは482913", "認証コードは****"),
        ("비밀번호: abcd1234", "비밀번호: ****"),
        ("인증번호 482913", "인증번호 ****"),
        ("contraseña: Hola1234", "contraseña: ****"),
        ("mot de passe : bonjour12", "mot de passe : ****"),
        ("GB82 WEST 1234 5698 7654 32", "**** 5432"),
        ("IBAN DE89370400440532013000 please", "IBAN **** 3000 please"),
        ("my SSN is 123-45-6789", "my SSN is ****"),
        ("social security number 123456789", "social security number ****"),
        ("I am 123-45-6789", "I am ****"),
    ],
)
def test_a_secret_is_masked_by_its_words_or_its_form(text: str, masked: str | None) -> None:
    assert mask(text).kinds
    assert masked is None or mask(text).text == masked


@pytest.mark.parametrize(
    "words",
    ["seed phrase: {}", "my recovery phrase is {}", "助记词：\n{}", "mnemonic = {}", "my wallet seed is {} ok?"],
)
@pytest.mark.parametrize("joint", [" ", ", ", "\n"])
def test_a_recovery_phrase_is_masked_whole(words: str, joint: str) -> None:
    draw = random.Random(words)
    phrase = ["".join(draw.choices(string.ascii_lowercase, k=draw.randint(3, 8))) for _ in range(12)]

    shown = re.findall(r"\w+", mask(words.format(joint.join(phrase))).text)
    assert [word for word in phrase if word in shown] == []


@pytest.mark.parametrize(
    "text",
    [
        "my pass is expired",
        "boarding pass is A12345",
        "the password page says “invalid link, please try again”",
        "security question is hard to answer",
        "I forgot the answer to my security question",
        "I lost my seed phrase and now cannot log in to my account please help me with this",
        "my api key does not work",
        "https://x.example/unsub?token=9f8a7b6c5d4e3f2a1b0c",
        "expires 12/26, order 12345",
        "код ошибки 50013",
        "パスワードを忘れました",
        "비밀번호를 잊어버렸어요 2번",
        "密保邮箱是 abc@x.example",
        "order no. 123-45-6789 is late",
        "tel 010-12-3456",
        "order GB12345678901234",
        "https://x.example/order/4539578763621488/detail",
        "10:45:33, 11:22:44, 12:33:44, 12:11:10",
        "paid 4500 yuan then 3200 then 1200 and 5000 yuan",
    ],
)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert mask(text) == mask("") or mask(text).text == text


ALIKE: tuple[Callable[[random.Random], str], ...] = (
    lambda draw: " ".join(
        f"{draw.randrange(10, 24)}:{draw.randrange(10, 60)}:{draw.randrange(10, 60)}" for _ in range(6)
    ),
    lambda draw: ", ".join(f"{draw.randrange(1000, 9999)} yuan" for _ in range(5)),
    lambda draw: "、".join(f"第{n}笔{draw.randrange(1000, 9999)}元" for n in range(1, 6)),
    lambda draw: f"order [{draw.randrange(10**15, 10**16)}] of ({draw.randrange(10**6)})",
    lambda draw: f"https://x.example/order/{draw.randrange(10**17, 10**18)}?ref=1",
    lambda draw: f"IBAN-like ref XY{draw.randrange(10**18, 10**19)}",
    lambda draw: f"transaction {draw.randrange(10**19, 10**23)} failed",
    lambda draw: f"call {draw.randrange(100, 999)}-{draw.randrange(10**7, 10**8)} or {draw.randrange(10**9, 10**10)}",
    lambda draw: f"tracking {draw.choice('ABCD')}{draw.choice('XYZ')}{draw.randrange(10**8, 10**9)}CN arrived",
    lambda draw: (
        f"from {draw.randrange(10**5) / 100} to {draw.randrange(10**5) / 100}: 2026-01-{draw.randrange(10, 29)}"
    ),
    lambda draw: f"amount: {draw.randrange(10**7):,}.00 (fee {draw.randrange(1000)}); balance {draw.randrange(10**6)}",
    lambda draw: f"订单号（{draw.randrange(10**15, 10**16)}）金额：{draw.randrange(10**5)}元",
)


def test_at_most_one_in_200_lists_of_amounts_times_and_order_numbers_is_masked() -> None:
    draw = random.Random(5)
    texts = [draw.choice(ALIKE)(draw) for _ in range(6_000)]

    assert sum(mask(text).text != text for text in texts) / len(texts) <= 0.005


@pytest.mark.parametrize(
    "unit",
    [
        "(4111) ", "4111 then ", "c1=4111&", "1:", "&#160;4", "%204", "4111 and 4111 or ", "壹", "④ ", "api key ",
        "sk-", "eyj.", "seed phrase: word ", "answer to my security question is ", "gb82 west ", "123-45-", "пароль ",
        "my pass is ", "exp 12/26 ", "密保答案", "-----begin private key-----", "<b>4</b>1", "4 1 1 1 ",
        'password is "a ', "code 12 ",
    ],
)  # fmt: skip
def test_the_time_grows_with_the_length(unit: str) -> None:
    assert grows_linearly(mask, unit, size=10_000)
