"""What callers hear, in each language of the menu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LOCALES: Final[Mapping[str, str]] = {"zh": "cmn-CN", "en": "en-US"}
VOICES: Final[Mapping[str, str]] = {"zh": "Polly.Zhiyu", "en": "Polly.Joanna"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenWords:
    """The sentences of one language; short, because callers wait and each minute is paid for.

    other: how a caller of the other language changes to it; each language says this in its own words.
    """

    greeting: str
    closed: str
    closed_always: str
    menu: str
    menu_withheld: str
    other: str
    danger: str
    connecting: str
    not_reached: str
    confirm: str
    noted: str
    voicemail: str
    voicemail_withheld: str
    thanks: str


WORDS: Final[Mapping[str, SpokenWords]] = {
    "zh": SpokenWords(
        greeting="您好，欢迎致电客服热线。",
        closed="现在是非工作时间，{opening} 开始服务。",
        closed_always="现在是非工作时间。",
        menu="账户被盗或被盗刷请按1，请求回电请按2，留言请按3，重听请按0。",
        menu_withheld="账户被盗或被盗刷请按1，留言请按3，重听请按0。",
        other="中文服务请按8。",
        danger="我们已通知安全团队。我们绝不会索要您的密码或验证码。",
        connecting="正在为您转接，请稍候。",
        not_reached="暂时无法接通。",
        confirm="我们将拨打您来电的号码，尾号{digits}。确认请按1，留言请按3。",
        noted="已登记，我们会尽快回电。再见。",
        voicemail="请在提示音后留言，留言将被录音。请不要说出密码、验证码或银行卡号。按井号键结束。",
        voicemail_withheld="请在提示音后留言，留言将被录音，请说出您的电话号码。请不要说出密码、验证码或银行卡号。按井号键结束。",
        thanks="谢谢，我们已收到您的留言。再见。",
    ),
    "en": SpokenWords(
        greeting="Welcome to our hotline.",
        closed="We are closed now. We open {opening}.",
        closed_always="We are closed now.",
        menu="If your account was stolen or misused, press 1. To be called back, press 2. To leave a message, press 3. "
        "To hear this again, press 0.",
        menu_withheld="If your account was stolen or misused, press 1. To leave a message, press 3. "
        "To hear this again, press 0.",
        other="For English, press 8.",
        danger="We have alerted our security team. We never ask for your password or a code.",
        connecting="We connect you now, please wait.",
        not_reached="We cannot connect you at the moment.",
        confirm="We will call the number that you call from, which ends in {digits}. To confirm, press 1. "
        "To leave a message instead, press 3.",
        noted="Thank you. We will call you back as soon as we can. Goodbye.",
        voicemail="Please leave a message after the tone. It is recorded. Do not say passwords, codes or card numbers. "
        "Press the hash key when you are done.",
        voicemail_withheld="Please leave a message with your telephone number after the tone. It is recorded. "
        "Do not say passwords, codes or card numbers. Press the hash key when you are done.",
        thanks="Thank you, we have your message. Goodbye.",
    ),
}
