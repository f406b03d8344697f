"""What identifies a person does not leave, in whichever form it is written, and comes back where a model repeats it."""

from __future__ import annotations

import pytest

from router.generated.prompts import SpokenLine, read_prompt, summary_request
from router.generated.purposes import Purpose
from router.generated.veil import Veil


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("write to john@example.com please", "write to [MAIL_1] please"),
        ("请写信到john@example.com谢谢", "请写信到[MAIL_1]谢谢"),
        ("john\uff20example.com", "[MAIL_1]"),
        ("张三@qq.com", "[MAIL_1]"),
        ("john.smith@gmail", "[MAIL_1]"),
        ("call 138.1234.5678", "call [PHONE_1]"),
        ("6222 0212 3456 7890 123", "[NUMBER_1]"),
        ("see t.me/wumin_88 now", "see [LINK_1] now"),
        ("cards and/or cash, 3.5 days, 12.000 USD", "cards and/or cash, 3.5 days, 12.000 USD"),
        ("Dear Mail, a@b.example", "Dear [NAME_1], [MAIL_1]"),
    ],
)
def test_what_identifies_a_person_is_a_place_and_comes_back(text: str, left: str) -> None:
    veil = Veil(["Mail"])
    assert veil.over(text) == left
    assert veil.lift(left) == text


def test_a_long_message_is_cut_behind_its_places_and_not_within_an_address() -> None:
    prompt = read_prompt("Summarise.", purpose=Purpose.SUMMARY, file="summary.txt")
    for spare in range(1, 30):
        text = "x " * 1_000
        line = SpokenLine("customer", f"{text[: 2_000 - spare]} john.smith@gmail.example 6222021234567890123")
        sent = summary_request(prompt, lines=[line], veil=Veil(), language="en")[1].content
        assert "john" not in sent
        assert "6222" not in sent
