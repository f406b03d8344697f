"""Customers who write to a rig by SMS, X and Telegram: polls are replayed and shuffled, each webhook is posted twice.

The providers are those of the tests, in this process; each customer writes once, and each text is different.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import sqlalchemy as sa
from twilio.request_validator import RequestValidator

from benchmarks.chaos.customers import Books, post, refund_question, write_in_turn
from benchmarks.rig import Rig, Served
from store.db.bulk import table_of
from store.tables.messages import MessageRow
from tests.fakes import telegram as telegrams
from tests.fakes import twilio as twilios
from tests.fakes.server import DemoAnswer, DemoRequest
from tests.fakes.telegram import FakeTelegram
from tests.fakes.twilio import NUMBER, FakeTwilio
from tests.fakes.x import KEYS, OWN, FakeX

# The public address that the providers sign; the desk listens on loopback.
PUBLIC_URL: Final = "https://desk.example"
_SECRETS: Final[Mapping[str, str]] = {
    "TWILIO_SID": twilios.ACCOUNT,
    "TWILIO_TOKEN": twilios.TOKEN,
    "BOT_TOKEN": telegrams.TOKEN,
    **KEYS,
}
_CONFIG: Final = """
[channels.sms]
kind = "twilio"
account = "env:TWILIO_SID"
token = "env:TWILIO_TOKEN"
number = "{number}"
poll = "1s"
api_base = "{twilio}"

[channels.x]
kind = "x"
consumer_key = "env:X_CONSUMER_KEY"
consumer_secret = "env:X_CONSUMER_SECRET"
access_token = "env:X_ACCESS_TOKEN"
access_secret = "env:X_ACCESS_SECRET"
poll = "1s"
daily_budget = 1000000.0
api_base = "{x}"

[channels.telegram]
kind = "telegram"
token = "env:BOT_TOKEN"
poll = "5s"
api_base = "{telegram}"
"""


@dataclass(frozen=True, slots=True)
class ChatBooks(Books):
    """The outcome of the chats; each figure is 0 if the promises were kept. extra_copies: answers received twice."""

    extra_copies: int


class Chats:
    """The three providers and their customers. See `Customers`. chance: seeded by the run."""

    name = "chats"
    channels: tuple[str, ...] = ("sms", "x", "telegram")
    changes = False
    secrets = _SECRETS

    def __init__(self, *, messages: int, chance: random.Random) -> None:
        self.messages = messages
        self._twilio, self._x, self._telegram = _ShuffledTwilio(chance), FakeX(), FakeTelegram()
        # The chaos run lasts minutes; the tests check the providers against their published descriptions.
        self._twilio.contract = self._x.contract = self._telegram.contract = None
        self._x.remaining = 1_000_000
        # Else the second quarter of an hour has X's own limit, one look a minute.
        self._x.resets_at = self._x.clock() + timedelta(days=1)

    @property
    def config(self) -> str:
        """See `Customers`."""
        bases = {"twilio": self._twilio.base, "x": self._x.base, "telegram": self._telegram.base}
        return _CONFIG.format(number=NUMBER, **bases)

    @property
    def rows(self) -> int:
        """See `Customers`."""
        return self.messages

    @property
    def conversations(self) -> int:
        """See `Customers`."""
        return self.messages

    def close(self) -> None:
        """See `Customers`."""
        for provider in (self._twilio, self._x, self._telegram):
            provider.stop()

    def threads(self, rig: Rig, *, seconds: float) -> list[threading.Thread]:
        """See `Customers`."""
        return write_in_turn([lambda number: self.write(rig, number)], messages=self.messages, seconds=seconds)

    def is_drained(self, _: Rig) -> bool:
        """See `Customers`."""
        return True

    def write(self, rig: Served, number: int) -> None:
        """Write one message, as one of the customers."""
        channel, text = self.channels[number % len(self.channels)], _text(number)
        if channel == "sms":
            sid = self._twilio.receive(text, sender=f"+1415{2_000_000 + number}")
            self._post_twice(rig, self._twilio.webhook_form(sid))
        elif channel == "x":
            self._x.receive(text, sender=str(1_000_000 + number))
        else:
            self._telegram.receive(text, sender=2_000_000 + number)

    def books(self, rig: Served) -> ChatBooks:
        """See `Customers`."""
        table = table_of(MessageRow)
        incoming = sa.select(table.c.text).where(table.c.channel.in_(self.channels), table.c.inbound_id.is_not(None))
        with rig.database.read() as connection:
            stored = Counter(connection.execute(incoming).scalars())
        written = {_text(number) for number in range(self.messages)}
        got = Counter(self._received())
        return ChatBooks(
            lost=len(written - stored.keys()),
            doubled=sum(count - 1 for count in stored.values()),
            extra_copies=sum(count - 1 for count in got.values()),
        )

    def _received(self) -> Iterator[tuple[str, str]]:
        for sms in self._twilio.messages:
            if sms["direction"] == "outbound-api":
                yield sms["to"], sms["body"]
        for event in self._x.events:
            if event.get("sender_id") == OWN:
                yield event["dm_conversation_id"], event["text"]
        for message in self._telegram.sent:
            yield str(message["chat"]["id"]), message["text"]

    def _post_twice(self, rig: Served, form: Mapping[str, str]) -> None:
        """Post the webhook twice; like a provider, ignore a desk that does not answer."""
        signature = RequestValidator(twilios.TOKEN).compute_signature(f"{PUBLIC_URL}/webhooks/sms", dict(form))
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        for _ in range(2):
            post(rig, "webhooks/sms", body=urlencode(form).encode(), headers=headers)


class _ShuffledTwilio(FakeTwilio):
    """Lists the messages of a page in random order."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = random.Random(chance.random())
        super().__init__()

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        answer = super().answer(asked)
        if answer.document and "messages" in answer.document:
            self._chance.shuffle(answer.document["messages"])
        return answer


def _text(number: int) -> str:
    return refund_question(7_000_000 + number)
