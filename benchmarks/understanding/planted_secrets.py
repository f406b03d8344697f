"""Secrets planted in messages, every kind in every form and place, and look-alikes that must survive.

The tests of masking and the full dump of a running desk use the same generator, so that "none is left" means the same.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

Draw = random.Random


@dataclass(frozen=True, slots=True)
class Planted:
    """A message with one secret in it. secret: its bare characters; none of its forms may survive."""

    kind: str
    secret: str
    text: str


_CARDS: Final = (
    ("4", 16), ("4", 13), ("4", 19), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15),
    ("62", 16), ("622202", 19), ("621700", 19), ("625900", 16), ("8101", 17), ("6011", 16), ("65", 16), ("3530", 16),
    ("36", 14), ("300", 14), ("955880", 19), ("436742", 19),
)  # fmt: skip


def card(draw: Draw) -> str:
    """Return a card number that an issuer could have issued."""
    prefix, length = draw.choice(_CARDS)
    body = prefix + "".join(draw.choices(string.digits, k=length - len(prefix) - 1))
    return next(body + check for check in string.digits if _luhn(body + check))


def _luhn(digits: str) -> bool:
    total = 0
    for index, char in enumerate(reversed(digits)):
        value = int(char) * (1 + index % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def identity_number(draw: Draw) -> str:
    """Return a Chinese resident's number with its check character (GB 11643-1999)."""
    area = draw.choice(("110105", "310115", "440305", "330106", "510104", "420111", "610113"))
    born = date(1950, 1, 1) + timedelta(days=draw.randrange(20_000))
    body = f"{area}{born:%Y%m%d}{draw.randrange(1000):03d}"
    total = sum(int(digit) * pow(2, 17 - index, 11) for index, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def _solid(number: str, _: Draw) -> str:
    return number


def _parted(mark: str, size: int = 4) -> Callable[[str, Draw], str]:
    return lambda number, _: mark.join(number[at : at + size] for at in range(0, len(number), size))


def _wide(number: str, _: Draw) -> str:
    return "".join(chr(ord(char) + 0xFEE0) for char in number)


def _zero_width(number: str, draw: Draw) -> str:
    at = draw.randrange(1, len(number))
    mark = draw.choice("\u200b\u200c\u200d\u2060\ufeff\u00ad")
    return number[:at] + mark + number[at:] if draw.random() < 0.5 else mark.join(number)


def _tagged(number: str, draw: Draw) -> str:
    at = draw.randrange(2, len(number) - 2)
    tag = draw.choice(("b", "span style='font-size:12px'", "font color=#333333", "i"))
    return f"<{tag}>{number[:at]}</{tag.split()[0]}>{number[at:]}"


def _broken(number: str, draw: Draw) -> str:
    at = draw.randrange(4, len(number) - 3)
    return number[:at] + draw.choice(("\n", "\r\n", "<br>\n", "\n> ")) + number[at:]


_DISGUISES: Final[tuple[Callable[[str, Draw], str], ...]] = (
    _solid, _solid, _parted(" "), _parted("-"), _parted("."), _parted("\u00a0"), _parted("  "), _parted(" - "),
    _parted("–"), _parted("&nbsp;"), _parted(" ", 1), _wide, _zero_width, _tagged, _broken,
)  # fmt: skip

_CARD_TEXTS: Final = (
    "My card is {} and it was declined", "卡号{}，扣款失败", "card number: {}", "Please refund to {} thank you",
    "{}", "我的银行卡 {} 绑不上", "I typed {} in the app, nothing happened", "退到{}这张卡", "轉到 {} 這張卡",
    "visa {} expires 09/28", "请帮我查一下 {} 的状态", "paid with {} on Monday", "Fwd: payment {} failed", "{} 失效了",
)  # fmt: skip
_ID_TEXTS: Final = (
    "身份证号{}", "My Chinese ID is {}", "{} 是我的身份证", "实名认证 {} 不通过", "ID card number: {}", "{}", "證件號 {} 打不開",
)  # fmt: skip
_PASSPORT_TEXTS: Final = (
    "my passport number is {}", "护照号码：{}", "护照{}过期了", "Passport No. {}", "passport: {}", "{} is my passport number",
    "護照號碼是{}", "I uploaded my passport ({}) yesterday", "护照号是 {}，请核对",
)  # fmt: skip
_PASSWORD_TEXTS: Final = (
    "my password is {}", "password: {}", "Password = {}", "密码是{}", "密码：{}", "登录密码 {}", "支付密码为{}，进不去",
    "密碼：{}", "pwd: {}", "my password for the wallet is {} please check", "I changed my password to {}", "密码改成了{}",
    "passcode: {}", "user: wang\npassword: {}\nthanks", "<b>Password:</b> {}", "<td>Password</td><td>{}</td>", "口令：{}",
    "新密码设成{}还是登不上", "the password I use is “{}”", "pass word: {}",
)  # fmt: skip
_CODE_TEXTS: Final = (
    "Your verification code is {}", "验证码{}", "验证码是：{}", "验证码：{}，5分钟内有效", "{} is your verification code", "OTP: {}",
    "the code they sent me is {}", "【钱包】您的验证码为{}，请勿泄露", "{}（登录验证码）", "One-time password {}", "G-{} is your login code",
    "短信验证码 {} 输入了没用", "驗證碼是 {}", "I got the code: {} but it fails", "security code: {}", "动态密码{}", "my otp is {}",
    "code {}", "我收到的验证码是{}，提示错误", "校验码: {}",
)  # fmt: skip
_CVV_TEXTS: Final = (
    "cvv {}", "CVV: {}", "cvc is {}", "security code {}", "安全码{}", "背面三位数字是{}", "CVV2={}", "后三位 {}", "cvn {}",
    "the three digits on the back are {}", "card security code: {}", "CVV码：{}",
)  # fmt: skip


def _password(draw: Draw) -> str:
    word = draw.choice(("Sunny", "wang", "Dragon", "qwer", "Pa55", "love", "Xiao"))
    return word + draw.choice(("!", "@", "_", "")) + "".join(draw.choices(string.digits, k=draw.randint(2, 6)))


def _code(draw: Draw) -> str:
    return "".join(draw.choices(string.digits, k=draw.choice((4, 6, 6, 6, 8))))


def _cvv(draw: Draw) -> str:
    return "".join(draw.choices(string.digits, k=3))


def _passport(draw: Draw) -> str:
    return draw.choice(("E", "G", "EA", "EB", "K", "P")) + "".join(draw.choices(string.digits, k=8))


def _secret(kind: str, draw: Draw) -> tuple[str, str, str]:
    """Return the bare secret, its written form, and the sentence for it."""
    makers = {"passport": (_passport, _PASSPORT_TEXTS), "password": (_password, _PASSWORD_TEXTS),
              "code": (_code, _CODE_TEXTS), "cvv": (_cvv, _CVV_TEXTS)}  # fmt: skip
    if kind in makers:
        make, texts = makers[kind]
        bare = make(draw)
        return bare, _wide(bare, draw) if kind == "code" and draw.random() < 0.1 else bare, draw.choice(texts)
    bare = card(draw) if kind == "card" else identity_number(draw)
    disguise = draw.choice(_DISGUISES) if kind == "card" else draw.choice((_solid, _zero_width, _tagged, _wide))
    return bare, disguise(bare, draw), draw.choice(_CARD_TEXTS if kind == "card" else _ID_TEXTS)


# Places: a body among words, a quote, a file name, a header, HTML, an SMS.
_PLACES: Final = (
    "{}", "Hello,\n\n{}\n\nBest regards\nWang Wei", "您好，\n{}\n谢谢", "On Mon, 5 Jan 2026 support wrote:\n> {}\n> ok",
    "<html><body><p>Dear team</p><p>{}</p></body></html>", "Re: {}", "order 20260115093311 amount 199.00 {}", "ok {} ok",
    "X-Note: {}", "<table><tr><td>1</td><td>{}</td></tr></table>",
)  # fmt: skip
KINDS: Final = ("card", "id_card", "passport", "password", "code", "cvv")


def planted(count: int, *, seed: int = 7) -> Iterator[Planted]:
    """Yield messages with one secret each; cards are half of them."""
    draw = random.Random(seed)
    for number in range(count):
        kind = "card" if number % 2 else draw.choice(KINDS[1:])
        secret, written, sentence = _secret(kind, draw)
        yield Planted(kind, secret, draw.choice(_PLACES).replace("{}", sentence.replace("{}", written)))


_LOOKALIKES: Final[tuple[Callable[[Draw], str], ...]] = (
    lambda draw: f"order {draw.randrange(10**15, 10**16)} has not arrived",
    lambda draw: f"订单号：{draw.randrange(10**15, 10**16)} 一直没到账",
    lambda draw: f"订单{draw.randrange(10**18, 10**19)}退款",
    lambda draw: f"交易流水号 2026{draw.randrange(10**23, 10**24)} 失败",
    lambda draw: f"transaction id {draw.randrange(10**12, 10**19)}",
    lambda draw: f"Order No. {draw.randrange(10**11, 10**12)}, amount {draw.randrange(10**6) / 100}",
    lambda draw: (
        f"paid {draw.randrange(10**7):,}.00 yuan on 2026-01-{draw.randrange(10, 29)} 10:{draw.randrange(10, 60)}:33"
    ),
    lambda draw: f"我昨天转了{draw.randrange(10**6)}元，手机号1{draw.randrange(3 * 10**9, 10**10)}",
    lambda draw: f"20260{draw.randrange(101, 132)}{draw.randrange(10**8, 10**10)} 这笔没有收到",
    lambda draw: f"I did not get the verification code but {draw.randrange(100, 99999)} yuan was taken",
    lambda draw: f"call me at +86 1{draw.randrange(3 * 10**9, 10**10)} ext {draw.randrange(1000)}",
    lambda draw: f"密码输错{draw.randrange(2, 9)}次被锁定，{draw.randrange(10, 59)}分钟后再试",
    lambda _: "my password is not working",
    lambda _: "I forgot my password, please reset it",
    lambda draw: f"error code {draw.randrange(1000, 99999)} when I open the app",
    lambda draw: (
        f"balance went from {draw.randrange(10**5) / 100} to {draw.randrange(10**5) / 100} in {draw.randrange(2, 9)} days"
    ),
    lambda draw: f"快递单号SF{draw.randrange(10**12, 10**13)}",
    lambda draw: f"card ending {draw.randrange(1000, 9999)} was charged {draw.randrange(10**5) / 100}",
    lambda draw: f"invoice INV-{draw.randrange(10**7, 10**9)} total ¥{draw.randrange(10**7) / 100}",
    lambda draw: f"amounts: {' '.join(str(draw.randrange(100, 99999) / 100) for _ in range(6))}",
)


def lookalikes(count: int, *, seed: int = 11) -> Iterator[str]:
    """Yield messages that look as if they held a secret but hold none."""
    draw = random.Random(seed)
    for _ in range(count):
        yield draw.choice(_LOOKALIKES)(draw)
