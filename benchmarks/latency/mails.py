"""The mails of `benchmarks.latency`: ordinary ones, emergencies, hostile ones, and a backlog that was read before."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from benchmarks.hostile.mails import NAMES, hostile_mail
from connectors.base import Arrival, RawMessage
from connectors.email.sandbox.parent import Guard

_ORDINARY: Final = (
    ("Where is my receipt", "How long does a withdrawal to my bank card take", "I would like an invoice for March"),
    ("A question about fees", "The app shows a fee that I do not understand", "Is there a table of your fees"),
    ("Refund", "Please refund the order that I cancelled yesterday", "The shop has confirmed the return of the goods"),
    ("发票", "提现到银行卡需要多久", "请把三月的发票发给我"),
    ("手续费", "账单里有一笔手续费我看不懂", "昨天取消的订单请退款"),
)
_EMERGENCIES: Final = (
    ("help", "My account was hacked and {number} yuan were stolen. Please freeze it now."),
    ("stolen phone", "My phone was stolen and the thief is paying with my wallet, {number} yuan so far."),
    ("被盗", "我的账户被盗了，有人刚刚转走了{number}元，请马上冻结。"),
)
_FILE_BYTES: Final = 30_000
# Above it a server on a loopback needs seconds for the transfer alone.
_LARGEST_HOSTILE: Final = 4_000_000
_BEHIND: Final = 5
_AT_THE_BEGINNING: Final = 5
_FIRST_OF_BACKLOG: Final = 5_000_000


@dataclass(slots=True, kw_only=True)
class SentMail:
    """One mail. key: its Message-ID without brackets.  due: seconds after the start.  arrived: when it was handed over."""

    kind: str
    key: str
    content: bytes
    due: float
    arrived: float = 0.0


def schedule_of(
    *, rate: int, seconds: int, emergencies: float, hostile: int, start: int, backlog: bool
) -> list[SentMail]:
    """Return the mails in the order of their times.

    start: the number of the first.  At half time come the hostile ones at once, and behind them some of both kinds;
    with a backlog, what comes from then on counts as behind it.
    """
    half = seconds / 2
    mails = [_ordinary(start + at, due=at / rate) for at in range(rate * seconds)]
    number = start + len(mails)
    if not rate:
        mails += [_ordinary(number + at, due=at * 0.2) for at in range(_AT_THE_BEGINNING)]
    mails += [_emergency(number + at, due=at / emergencies) for at in range(int(emergencies * seconds))]
    if backlog:
        for mail in mails:
            mail.kind += "_behind_backlog" if mail.due >= half else ""
    if hostile:
        # Behind a time that no other mail has: they stand exactly before those that wait for them.
        mails += _hostile(hostile, number=start, due=half + 0.0001)
        behind = [make(number + 10_000 + at, due=half + 0.0002) for at in range(_BEHIND) for make in (_ordinary,)]
        behind += [_emergency(number + 20_000 + at, due=half + 0.0002) for at in range(_BEHIND)]
        for mail in behind:
            mail.kind += "_behind_hostile"
        mails += behind
    return sorted(mails, key=lambda mail: mail.due)


def backlog_of(count: int, *, channel: str) -> list[Arrival]:
    """Return ordinary messages as the reader returns them, to be stored at once."""
    at = datetime.now(UTC)
    numbers = range(_FIRST_OF_BACKLOG, _FIRST_OF_BACKLOG + count)
    raw = [
        RawMessage(source_key=f"backlog:{number}", content=_ordinary(number, due=0).content, received_at=at)
        for number in numbers
    ]
    with Guard() as guard:
        return guard.normalise_batch(raw, channel=channel)


def _ordinary(number: int, *, due: float) -> SentMail:
    chance = random.Random(number)
    subject, *lines = chance.choice(_ORDINARY)
    text = "\n".join((*chance.choices(lines, k=chance.randint(2, 8)), f"Order {chance.randrange(10**9)}"))
    return _mail("ordinary", number, subject=f"{subject} #{number}", text=text, due=due, chance=chance)


def _emergency(number: int, *, due: float) -> SentMail:
    chance = random.Random(number)
    subject, text = _EMERGENCIES[number % len(_EMERGENCIES)]
    return _mail("emergency", number, subject=subject, text=text.format(number=number), due=due, chance=chance)


def _mail(kind: str, number: int, *, subject: str, text: str, due: float, chance: random.Random) -> SentMail:
    mail, key = EmailMessage(policy=SMTP), f"{kind}{number}@customers.example"
    mail["From"], mail["To"] = f"Customer {number} <{key}>", "support@desk.example"
    mail["Subject"], mail["Message-ID"] = subject, f"<{key}>"
    mail["Date"] = datetime.now(UTC)
    mail.set_content(text)
    if number % 3 == 0:
        paragraphs = "".join(f"<p style='margin:0'>{line}</p>" for line in text.splitlines())
        mail.add_alternative(f"<html><body><div>{paragraphs}</div></body></html>", subtype="html")
    if kind == "ordinary" and number % 10 == 0:
        mail.add_attachment(chance.randbytes(_FILE_BYTES), maintype="image", subtype="jpeg", filename="receipt.jpg")
    return SentMail(kind=kind, key=key, content=mail.as_bytes(), due=due)


def _hostile(count: int, *, number: int, due: float) -> list[SentMail]:
    contents = [content for content in map(hostile_mail, NAMES) if 0 < len(content) <= _LARGEST_HOSTILE]
    marked: Sequence[bytes] = [contents[at % len(contents)] for at in range(count)]
    # Another first field each time, so that no two are the same mail.
    return [
        SentMail(kind="hostile", key=f"hostile{at}", content=b"X-Number: %d\n" % (number + at) + content, due=due)
        for at, content in enumerate(marked)
    ]
