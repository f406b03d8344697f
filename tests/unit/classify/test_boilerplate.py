"""Notices of confidentiality and the fields of a form are no words of the customer; what the customer says stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.classify import build_classifier
from router.classify.boilerplate import without_boilerplate
from router.settings import load_settings

DESK = load_settings(Path(__file__).parents[3] / "config" / "channels.toml")

NOTICE = (
    "This e-mail is confidential and may be privileged. If you are not the intended recipient, or think that\n"
    "it was stolen or lost, please notify the sender. Copying is prohibited. We never change bank details by e-mail."
)
NOTICE_ZH = (
    "本邮件含有保密信息，仅限于发送给收件人。如您错误收到本邮件，请通知发件人。"
    "禁止复制、披露。不会通过邮件变更账户，谨防诈骗。"
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Fees\nWhat is the fee?\n\n{NOTICE}", "Fees\nWhat is the fee?"),
        (f"手续费\n请问怎么收费？\n\n{NOTICE_ZH}", "手续费\n请问怎么收费？"),
        # A line that no mail program broke is not a part of the notice below it.
        (f"Help\nmy phone was stolen\nTom\n{NOTICE}", "Help\nmy phone was stolen\nTom"),
        (f"Help\nmy phone was stolen please block Tom {NOTICE}", "Help\nmy phone was stolen please block Tom"),
        (f"求助\n手机被偷了请冻结 {NOTICE_ZH}", "求助\n手机被偷了请冻结"),
        ("手续费\n本邮件机密，禁止披露。我们不会通过邮件索要密码，谨防被骗。", "手续费"),
        ("Form\nAccount name: chen_88\nE-mail: c@x.example\nMessage: stolen", "Form\nMessage: stolen"),
        ("表单\n账户名：chen88\n交易记录：2026112922001\n问题描述：没收到", "表单\n问题描述：没收到"),
        (
            "x\nCategory: Account security (stolen, hacked)\nHow to log in",
            "x\nCategory: Account security \nHow to log in",
        ),
        ("x\n问题类型：账户安全（被盗、诈骗）\n怎么登录", "x\n问题类型：账户安全\n怎么登录"),
    ],
)
def test_what_no_person_said_is_left_out(text: str, left: str) -> None:
    assert without_boilerplate(text).strip() == left


@pytest.mark.parametrize(
    "text",
    [
        # One sentence of a notice may be the customer's own.
        "This message is confidential: my husband took my money.",
        "I received this mail by mistake, it is for another customer. My card is lost.",
        "Is it prohibited to copy the receipt?",
        # What stands in a field may be the matter.
        "Account: hacked\nPhone: stolen\nMessage: please freeze it",
        "账户：被盗\n手机：丢了",
        "Account name: chen_88",
        "Type: stolen account",
        "Type: other (someone stole 900 from the wallet)",
        # One thing in brackets is no list of examples, as below the head of a forwarded mail.
        "Subject: payment failed (stolen card)",
        "问题类型：账户安全（被盗）",
        "Category: Payment (I did not make it)",
        "问题类型：安全（账户被盗，钱被转走了）",
        # A notice that the customer quotes, or writes on after.
        "A mail that 'is confidential and intended only for the addressee' made me enter my password, all is gone",
        "This email is confidential and intended solely for the addressee my account was hacked please help",
        "The email said it was confidential, disclosure is prohibited, so I told nobody and sent him 20000",
        "If you are not the intended recipient, delete this email: that is what it said, and he has my money now",
        "骗子的邮件写着机密，仅供收件人，不得对外传播，我信了，把钱都转过去了",
        "本邮件机密，仅限收件人阅读，账户被盗了请冻结",
        # Longer than any name or number: it is looked at no further.
        f"Name: {'1' * 30_000} x\nE-mail: {'@' * 30_000} x",
        f"Name:{chr(32) * 30_000}x\nE-mail: 1{chr(32) * 30_000}x",
    ],
)
def test_what_a_customer_may_have_said_stays(text: str) -> None:
    assert without_boilerplate(text) == text


@pytest.mark.parametrize(
    ("text", "is_emergency"),
    [
        (f"Hours\nWhen is the hotline open?\n\n{NOTICE}", False),
        (f"Help\nMy phone was stolen, please block my wallet.\n\n{NOTICE}", True),
        ("Form\nCategory: Security (stolen, hacked)\nHow do I turn on fingerprint login?", False),
        ("Form\nCategory: Security (stolen, hacked)\nMy account was hacked", True),
        ("Form\nCategory: Other (someone stole 900 from my wallet)", True),
        ("A mail that was confidential and intended only for me said log in, then they stole all my money", True),
        ("邮件里说此事机密，不得泄露，我就按他说的转了三万，被骗了", True),
        ("Form\nAccount name: chen_88\nE-mail: c@x.example\nMessage: my account was stolen", True),
    ],
)
def test_neither_calls_a_person_nor_hides_a_danger(text: str, is_emergency: bool) -> None:
    assert build_classifier(DESK).classify_batch([text])[0].emergency is is_emergency


def test_the_data_of_a_form_are_still_facts() -> None:
    text = "Form\nRegistered e-mail: c@x.example\nTransaction record: 2026112922001412\nMessage: it failed"
    kinds = {fact.kind for fact in build_classifier(DESK).classify_batch([text])[0].facts}
    assert {"registered_email", "transaction"} <= kinds
