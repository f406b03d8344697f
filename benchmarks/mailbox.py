"""A seeded mailbox like a wallet desk's: plain and alternative mail, files of 30 kB, Chinese, replies, redeliveries."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

REPLIES: Final = 0.20
REDELIVERIES: Final = 0.05
# The mail server that has checked the senders; a desk's `authserv_id`.
AUTHSERV_ID: Final = "mx.desk.example"
_CHINESE: Final = 0.30
_ALTERNATIVE: Final = 0.40
_WITH_FILE: Final = 0.10
_FILE_BYTES: Final = 30_000
_START: Final = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)

_ENGLISH: Final = (
    "I forgot my password and the reset mail never arrives",
    "My account is locked after three attempts",
    "The transfer to my landlord failed but the money is gone",
    "Please refund the order that I cancelled yesterday",
    "Somebody logged in from another city and it was not me",
    "How long does a withdrawal to my bank card take",
    "The app shows a fee that I do not understand",
)
_ZH: Final = (
    "我忘记了密码，重置邮件一直收不到",
    "账户输错三次密码被锁定了",
    "给房东转账失败，但是钱已经扣了",
    "昨天取消的订单请退款",
    "有人在外地登录了我的账户，不是我操作的",
    "提现到银行卡需要多久",
    "账单里有一笔手续费我看不懂",
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """mails: in the order of delivery.  ids: their Message-IDs.

    The expected result: conversations, messages, replies, redeliveries.
    """

    mails: Sequence[bytes]
    conversations: int
    messages: int
    replies: int
    redeliveries: int
    ids: frozenset[str]


def make_mailbox(
    *, messages: int, seed: int, redeliveries: float = REDELIVERIES, file_bytes: int = _FILE_BYTES
) -> Mailbox:
    """Return a mailbox of `messages` mails; the same seed makes the same bytes.

    redeliveries: the share of mails that come a second time.  file_bytes: the size of an attached file.
    """
    chance = random.Random(seed)
    replies, again = round(messages * REPLIES), round(messages * redeliveries)
    openers = messages - replies - again
    write = MailWriter(chance, file_bytes)
    mails = [write.opener(number) for number in range(openers)]
    mails += [write.reply(number, to=chance.randrange(openers)) for number in range(openers, openers + replies)]
    mails += [redelivered(mail) for mail in chance.sample(mails, again)]
    ids = frozenset(map(message_id, range(openers + replies)))
    return Mailbox(tuple(mails), openers, openers + replies, replies, again, ids)


def message_id(number: int) -> str:
    """Return the Message-ID of mail `number`, with its brackets."""
    return f"<m{number}@customers.example>"


@dataclass(frozen=True, slots=True)
class MailWriter:
    """Writes mail `number`, one after the other. chance: seeded.  file_bytes: the size of an attached file."""

    chance: random.Random
    file_bytes: int

    def opener(self, number: int) -> bytes:
        """Return the first mail of a customer."""
        words = _ZH if self.chance.random() < _CHINESE else _ENGLISH
        subject = f"{self.chance.choice(words)} #{number}"
        return self._mail(number, customer=number, subject=subject, words=words).as_bytes(policy=SMTP)

    def reply(self, number: int, *, to: int) -> bytes:
        """Return a later mail of the same customer, an answer to their mail `to`."""
        mail = self._mail(number, customer=to, subject=f"Re: case #{to}", words=_ENGLISH)
        mail["In-Reply-To"] = mail["References"] = message_id(to)
        return mail.as_bytes(policy=SMTP)

    def _mail(self, number: int, *, customer: int, subject: str, words: Sequence[str]) -> EmailMessage:
        mail = EmailMessage()
        # Its replies answer the customer's own mails, which join only if the sender is proven.
        mail["Authentication-Results"] = f"{AUTHSERV_ID}; dmarc=pass header.from=customers.example"
        mail["From"] = f"Customer {customer} <customer{customer}@customers.example>"
        mail["To"] = "support@desk.example"
        mail["Subject"] = subject
        mail["Date"] = _START + timedelta(seconds=number)
        mail["Message-ID"] = message_id(number)
        lines = "\n".join(self.chance.choices(words, k=self.chance.randint(2, 12)))
        text = f"{lines}\nOrder {self.chance.randrange(10**9)}\n"
        mail.set_content(text)
        if self.chance.random() < _ALTERNATIVE:
            paragraphs = "".join(f"<p style='margin:0'>{line}</p>" for line in text.splitlines())
            mail.add_alternative(f"<html><body><div>{paragraphs}</div></body></html>", subtype="html")
        if self.chance.random() < _WITH_FILE:
            content = self.chance.randbytes(self.file_bytes)
            mail.add_attachment(content, maintype="image", subtype="jpeg", filename=f"receipt-{number}.jpg")
        for level, part in enumerate(part for part in mail.walk() if part.is_multipart()):
            part.set_boundary(f"=={number}-{level}==")
        return mail


def redelivered(mail: bytes) -> bytes:
    """Return the same mail as it comes a second time."""
    return b"Received: from relay.example by mx.desk.example; Mon, 2 Mar 2026 10:00:00 +0800\r\n" + mail
