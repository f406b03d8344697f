"""Pairs of texts: the same message sent again in another form, and look-alikes with another meaning."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

Draw = random.Random


@dataclass(frozen=True, slots=True)
class Pair:
    """kind: how the second text was made.  parts: the second text in pieces, for a split SMS."""

    kind: str
    first: str
    second: str
    same: bool
    parts: tuple[str, ...] = ()


BASES: Final = (
    "I transferred 500 yuan to my friend yesterday but he has not received it, order 2026011588123",
    "My account was locked after I entered the wrong password 5 times, please unlock it today",
    "I was charged twice for the same purchase of 89.90 on my Visa card, I want one payment back",
    "The verification code does not arrive on my phone number although I asked for it 3 times",
    "Please tell me when the refund for order 77120045 will be in my wallet, I am waiting for 9 days",
    "Someone logged in to my account last night and moved 2000 yuan to a stranger",
    "I cannot add my bank card, the app says the name does not match",
    "How do I change the phone number that is registered with my account?",
    "The top up of 1000 failed but the money left my bank account",
    "I did not make this payment of 320 dollars and I do not know the shop",
    "Why was my withdrawal of 1500 rejected, my identity is already verified",
    "The app closes by itself when I open the payment code page on my iPhone 13",
    "我昨天给朋友转了500元，对方一直没有收到，订单号2026011588123",
    "我输错了5次密码账户被锁定了，请今天帮我解锁",
    "同一笔订单扣了我两次款，金额89.90，请退回其中一笔",
    "验证码一直收不到，我已经点了3次重新发送",
    "请问订单77120045的退款什么时候能到账，我已经等了9天了",
    "昨晚有人登录了我的账户，把2000元转给了一个陌生人",
    "我绑定不了银行卡，系统提示姓名不一致",
    "怎么修改账户绑定的手机号码，原来的号码已经不用了",
    "充值1000元失败了，但是银行卡里的钱已经被扣走",
    "这笔320元的付款不是我操作的，我也不认识这家商户",
    "为什么我提现1500元被拒绝，我的身份信息已经认证过了",
    "打开付款码页面软件就闪退，手机型号是华为P40",
    "客服电话一直打不通，我的问题已经三天没有人处理",
    "实名认证提示证件照片模糊，我重新拍了好几遍还是不行",
)
_HOMOPHONES: Final = {"账": "帐", "的": "得", "在": "再", "绑": "帮", "登": "灯", "录": "陆", "码": "马", "验": "检", "款": "款",
                      "系": "细", "问": "文", "题": "提", "没": "每", "作": "做", "是": "事", "号": "好"}  # fmt: skip
_ABBREVIATIONS: Final = {
    "please": "pls",
    "you": "u",
    "your": "ur",
    "account": "acct",
    "are": "r",
    "because": "bc",
    "thanks": "thx",
}


def _is_chinese(text: str) -> bool:
    return not text.isascii()


def _typo(text: str, draw: Draw) -> str:
    places = [at for at, char in enumerate(text[:-1]) if char.isalpha() and text[at + 1].isalpha()]
    at = draw.choice(places)
    if _is_chinese(text):
        swaps = [at for at in places if text[at] in _HOMOPHONES]
        if swaps and draw.random() < 0.6:
            at = draw.choice(swaps)
            return text[:at] + _HOMOPHONES[text[at]] + text[at + 1 :]
        return draw.choice((text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:]))
    changed = (text[at + 1] + text[at], text[at], text[at] * 2 + text[at + 1], text[at] + draw.choice("aeionrst"))
    return text[:at] + draw.choice(changed) + text[at + 2 :]


def _two_typos(text: str, draw: Draw) -> str:
    return _typo(_typo(text, draw), draw)


def _wide(text: str, _: Draw) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def _greeted(text: str, draw: Draw) -> str:
    english = ("Hello,\n", "Hi team, ", "Good morning, ", "Dear support,\n\n", "hey ")
    chinese = ("你好，", "您好！", "客服你好，", "亲，在吗，", "早上好，请问")
    return draw.choice(chinese if _is_chinese(text) else english) + text


def _signed(text: str, draw: Draw) -> str:
    english = (
        "\n\nBest regards\nWang Wei",
        "\nThanks",
        " Thank you!",
        "\n\nSent from my iPhone",
        "\n-- \nLi Na\n+86 13800001111",
    )
    chinese = ("，谢谢", "。谢谢您！", "\n\n此致\n王伟", "\n发自我的iPhone", "，麻烦了")
    return text + draw.choice(chinese if _is_chinese(text) else english)


def _quoted(text: str, draw: Draw) -> str:
    head = draw.choice(
        ("", "On Mon, 5 Jan 2026 at 10:00 Wang Wei <w@example.com> wrote:\n", "在 2026年1月5日，王伟 写道：\n")
    )
    return head + "\n".join(f"> {line}" for line in text.splitlines())


def _as_sms(text: str, draw: Draw) -> str:
    if _is_chinese(text):
        return re.sub(r"[，。！？]", draw.choice((" ", "")), text)
    words = [_ABBREVIATIONS.get(word.lower(), word.lower()) for word in re.sub(r"[,?!]", "", text).split()]
    return " ".join(words)


def _shouted(text: str, _: Draw) -> str:
    return text.upper() + "!!!"


def _wrapped(text: str, draw: Draw) -> str:
    if _is_chinese(text):
        at = draw.randrange(4, len(text) - 4)
        return text if text[at - 1].isdigit() else text[:at] + "\n" + text[at:]
    return re.sub(r" ", lambda _: draw.choice((" ", "\n", "  ")), text)


_AGAIN: Final[dict[str, Callable[[str, Draw], str]]] = {
    "typo": _typo, "two typos": _two_typos, "width": _wide, "greeting": _greeted, "signature": _signed, "quoted": _quoted,
    "sms style": _as_sms, "shouted": _shouted, "wrapped": _wrapped,
}  # fmt: skip


def _digits_swapped(text: str, draw: Draw) -> str | None:
    numbers = [match for match in re.finditer(r"\d{3,}", text) if len(set(match[0])) > 1]
    if not numbers:
        return None
    match = draw.choice(numbers)
    digits = list(match[0])
    at = next(at for at in range(len(digits) - 1) if digits[at] != digits[at + 1])
    digits[at], digits[at + 1] = digits[at + 1], digits[at]
    return text[: match.start()] + "".join(digits) + text[match.end() :]


def _other_amount(text: str, draw: Draw) -> str | None:
    match = re.search(r"\d+", text)
    return text[: match.start()] + str(int(match[0]) + draw.randint(1, 90)) + text[match.end() :] if match else None


_FLIPS: Final = (
    ("has not received", "has received"), ("does not", "does"), ("did not", "did"), ("cannot", "can"), ("一直没有", "已经"),
    ("收不到", "收到"), ("不了", "好了"), ("不是", "是"), ("打不通", "打通"), ("不一致", "一致"), ("没有收到", "收到了"),
)  # fmt: skip
_TURNS: Final = (
    ("yesterday", "today"), ("locked", "unlocked"), ("top up", "withdrawal"), ("last night", "this morning"), ("add", "remove"),
    ("昨天", "今天"), ("充值", "提现"), ("昨晚", "今晚"), ("锁定", "解锁"), ("绑定", "解绑"), ("to a", "from a"), ("Visa", "debit"),
    ("拒绝", "通过"), ("friend", "mother"),
)  # fmt: skip


def _exchanged(pairs: Sequence[tuple[str, str]]) -> Callable[[str, Draw], str | None]:
    def exchange(text: str, draw: Draw) -> str | None:
        fitting = [(old, new) for old, new in pairs if old in text]
        return text.replace(*draw.choice(fitting)) if fitting else None

    return exchange


_OTHERS: Final[dict[str, Callable[[str, Draw], str | None]]] = {
    "digits swapped": _digits_swapped, "other amount": _other_amount, "negation": _exchanged(_FLIPS), "turn": _exchanged(_TURNS),
}  # fmt: skip


def pairs(count: int, *, bases: Sequence[str] = BASES, seed: int = 5) -> Iterator[Pair]:
    """Yield pairs, half of them the same message; a look-alike may be changed like a re-send as well."""
    draw = random.Random(seed)
    made = 0
    while made < count:
        text = draw.choice(bases)
        pair = _again(text, draw) if made % 2 else _other(text, draw)
        if pair and pair.first != pair.second:
            made += 1
            yield pair


def _again(text: str, draw: Draw) -> Pair:
    if draw.random() < 0.1:
        parts = _split(text, draw)
        return Pair("split", text, "", same=True, parts=parts)
    kind = draw.choice(list(_AGAIN))
    second = _AGAIN[kind](text, draw)
    if draw.random() < 0.3:
        second = draw.choice((_greeted, _signed))(second, draw) if kind != "quoted" else second
    return Pair(kind, text, second, same=True)


def _split(text: str, draw: Draw) -> tuple[str, ...]:
    at = draw.randrange(len(text) // 3, 2 * len(text) // 3)
    while text[at - 1].isdigit() and text[at].isdigit():
        at += 1
    pieces = (text[:at], text[at:])
    return (f"(1/2) {pieces[0]}", f"(2/2) {pieces[1]}") if draw.random() < 0.5 else pieces


def _other(text: str, draw: Draw) -> Pair | None:
    kind = draw.choice(list(_OTHERS))
    second = _OTHERS[kind](text, draw)
    if second is None:
        return None
    disguise = draw.choice((None, None, _greeted, _signed, _as_sms, _wrapped))
    return Pair(kind, text, disguise(second, draw) if disguise else second, same=False)
