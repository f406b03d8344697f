"""Mail whose words alone say that a machine wrote it gets no automatic reply; a person's does."""

from __future__ import annotations

import time

import pytest

from router.origin.machine_words import says_machine_wrote


@pytest.mark.parametrize(
    "text",
    [
        "I am currently out of office with limited access to email.",
        "Hello, I'm on annual leave until Monday.",
        "I am on vacation. In my absence please write to Tom.",
        "This is an automatically generated message. Please do not reply to this e-mail.",
        "Ich bin bis 12. Dezember nicht im Büro.",
        "Thank you for contacting us. Your request (88123) has been received.",
        "Thank you for your message. A colleague will answer within 2 working days.",
        "这是一封自动回复邮件。您的来信我已经收到，谢谢。",
        "尊敬的客户，您的工单（编号2026）已受理，我们将在2个工作日内回复。",
        "您的申请已登记，本邮件由系统自动发送，请勿回复。",
        "這是系統自動回覆，請勿回覆此郵件。",
        "Auto-reply: I am travelling and will have limited access to email.",
        "We have received your email and will get back to you.",
        "自动回复：您好，您的邮件已收到，谢谢！",
        "[自动回复] 出差中，周五回。",
        "我正在出差，可能无法及时回复邮件，紧急事项请致电我的手机。",
    ],
)
def test_a_machine_says_so(text: str) -> None:
    assert says_machine_wrote(text)


@pytest.mark.parametrize(
    "text",
    [
        "I was out of the office when the money was taken.",
        "My mail program says: please do not reply to this email. How can I reach you?",
        "Thank you for your message. The refund has still not been received.",
        "The automatic reply did not help me.",
        "Hello, I'm on vacation in Spain and my card is refused everywhere.",
        "I am on sick leave and cannot pay the fee this month.",
        "I am out of the office until Monday and cannot get to my computer, please reset my password.",
        "I am currently on vacation until 12 July and my card was declined. Please unlock my account.",
        "I am out of office today so reach me on mobile. The payment to the shop failed twice.",
        "我正在出差，无法查看手机，收不到验证码，麻烦帮我登录",
        "自动回复没有用，请人工处理我的退款",
        "我收到一封自动回复，但是问题没有解决。",
        "您好，我的退款已受理三天了还没到，麻烦尽快。",
        "你们的邮件写着请勿回复，那我该联系谁",
        "Do not reply to this scammer, he has my card.",
    ],
)
def test_a_person_speaks_of_machines(text: str) -> None:
    assert not says_machine_wrote(text)


@pytest.mark.parametrize(
    "one", ["\n", " ", "\n    ", ". ", "。", "i am on leave ", ". ich bin ab ", "在休假", "Hello x, "]
)
def test_no_text_takes_long(one: str) -> None:
    text = one * (1500 // len(one))
    started = time.process_time()
    says_machine_wrote(text)
    # Two hundred times what it takes; counting blanks again for each line break took three times as much.
    assert time.process_time() - started < 0.04
