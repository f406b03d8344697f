"""Words that name nothing get no category, and the shortest matters keep theirs."""

from __future__ import annotations

import pytest

from router.classify.empty_words import names_nothing


@pytest.mark.parametrize(
    "text",
    [
        "don't know", "I don’t know", "some thing", "what", "What?!", "idk", "the other one", "as I said", "let me see",
        "and then", "why not", "嗯", "好的吧", "在吗", "不知道", "我也不清楚", "那个吧", "就是这样的",
        "說不清楚", "有個問題", "为什么呢",
        "\nwhat",
    ],
)  # fmt: skip
def test_function_words_name_nothing(text: str) -> None:
    assert names_nothing(text)


@pytest.mark.parametrize(
    "text",
    [
        "refund", "fees?", "I don't know this charge", "what fees", "退款", "密码", "不知道密码", "怎么退",
        "怎么提现", "没到账", "不见了",
        # These may be answers about a payment.
        "it wasn't me", "not mine", "不是我", "I didn't do that", "I did not do it", "I never did that",
        "did not do this", "it was not us", "wasn't us", "not by me", "it is not from me", "they did that, not I",
        "someone else has it", "不是他", "那个不是咱", "我没有要过", "我没要这个",
        "我的都没有了", "都没有了", "还没来",
        "没了", "2024", "???", "", "👍", "Refund\nwhat", "help", "thanks", "谢谢",
    ],
)  # fmt: skip
def test_one_word_of_a_matter_is_content(text: str) -> None:
    assert not names_nothing(text)
