"""Customers who write by WhatsApp, LINE and WeChat and who call a hotline, while everything is killed.

The three messengers come by webhook alone: each is sent until it is acknowledged, and then once more. Twilio tells of a
call's steps once and of its end twice, and never again: what the desk did not hear of, its poll finds.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import sqlalchemy as sa

from benchmarks.chaos.customers import Books, post, refund_question, until_taken, write_in_turn
from benchmarks.rig import Rig, Served
from connectors.base import WebhookRequest
from store.db.bulk import table_of
from store.tables.gates import PhoneCallRow
from store.tables.messages import ConversationRow, MessageRow
from tests.fakes import line as lines
from tests.fakes import meta as metas
from tests.fakes import twilio_voice as voices
from tests.fakes import wechat as wechats
from tests.fakes.line import FakeLine
from tests.fakes.meta import FakeMeta
from tests.fakes.twilio_voice import FakeTwilioVoice
from tests.fakes.wechat import FakeWechat

_HOTLINE: Final = "hotline"
_SECRETS: Final[Mapping[str, str]] = {
    "META_TOKEN": metas.TOKEN,
    "META_SECRET": metas.APP_SECRET,
    "META_VERIFY": metas.VERIFY_TOKEN,
    "LINE_SECRET": lines.SECRET,
    "LINE_TOKEN": lines.TOKEN,
    "WECHAT_SECRET": wechats.SECRET,
    "WECHAT_TOKEN": wechats.TOKEN,
    "WECHAT_KEY": wechats.AES_KEY,
    "VOICE_ACCOUNT": voices.ACCOUNT,
    "VOICE_TOKEN": voices.TOKEN,
}
_CONFIG: Final = """
[channels.whatsapp]
kind = "whatsapp"
number_id = "{number_id}"
token = "env:META_TOKEN"
app_secret = "env:META_SECRET"
verify_token = "env:META_VERIFY"
api_base = "{meta}"

[channels.line]
kind = "line"
secret = "env:LINE_SECRET"
token = "env:LINE_TOKEN"
api_base = "{line}"

[channels.wechat]
kind = "wechat"
app = "{app}"
secret = "env:WECHAT_SECRET"
callback_token = "env:WECHAT_TOKEN"
aes_key = "env:WECHAT_KEY"
api_base = "{wechat}"

[channels.hotline]
kind = "voice"
number = "{number}"
calendar = "office"
[channels.hotline.twilio]
account = "env:VOICE_ACCOUNT"
token = "env:VOICE_TOKEN"
missed_after = "2s"
poll = "5s"
api_base = "{voice}"
"""


@dataclass(frozen=True, slots=True)
class MessengerBooks(Books):
    """Each figure is 0 if the promises were kept.

    lost: acknowledged messages, or calls, that are in no message.  doubled: those that are in several messages.
    apart: calls whose callbacks and whose line in the provider's list made two calls, or conversations too many.
    extra_copies: answers that a customer got twice.
    """

    apart: int
    extra_copies: int


class Messengers:
    """The four providers and their customers, each of whom writes or calls once. See `Customers`.

    chance: seeded by the run.
    """

    name = "messengers"
    channels: tuple[str, ...] = ("whatsapp", "line", "wechat", _HOTLINE)
    changes = True
    secrets = _SECRETS

    def __init__(self, *, messages: int, chance: random.Random) -> None:
        self.messages, self._chance = messages, random.Random(chance.random()) if messages else chance
        self._meta, self._line, self._wechat, self._voice = FakeMeta(), FakeLine(), FakeWechat(), FakeTwilioVoice()
        # The chaos run lasts minutes; the tests check the providers against their published descriptions.
        self._meta.contracts, self._line.contract, self._voice.contract = [None, None], None, None
        self._line.quota = None
        self._line_customers: dict[str, str] = {}
        self._ways = {"whatsapp": self._whatsapp, "line": self._line_event, "wechat": self._wechat_callback}

    @property
    def config(self) -> str:
        """See `Customers`."""
        bases = {"meta": self._meta.base, "line": self._line.base, "wechat": self._wechat.base}
        names = {"number_id": metas.NUMBER, "app": wechats.APP, "number": voices.NUMBER, "voice": self._voice.base}
        return _CONFIG.format(**bases, **names) if self.messages else ""

    @property
    def rows(self) -> int:
        """See `Customers`."""
        return self.messages

    @property
    def conversations(self) -> int:
        """See `Customers`."""
        return self.messages

    def is_drained(self, _: Rig) -> bool:
        """See `Customers`."""
        return True

    def close(self) -> None:
        """See `Customers`."""
        for provider in (self._meta, self._line, self._wechat, self._voice):
            provider.stop()

    def threads(self, rig: Rig, *, seconds: float) -> list[threading.Thread]:
        """See `Customers`."""
        writers = [partial(self._write, rig, channel) for channel in self._ways]
        return write_in_turn([*writers, partial(self._call, rig)], messages=self.messages, seconds=seconds)

    def books(self, rig: Served) -> MessengerBooks:
        """See `Customers`."""
        message, conversation = table_of(MessageRow), table_of(ConversationRow)
        mine = sa.and_(message.c.channel.in_(self.channels), message.c.inbound_id.is_not(None))
        with rig.database.read() as connection:
            found = connection.execute(sa.select(message.c.channel, message.c.text).where(mine)).all()
            calls = connection.execute(sa.select(sa.func.count()).select_from(table_of(PhoneCallRow))).scalar_one()
            opened = connection.execute(
                sa.select(sa.func.count()).where(conversation.c.channel.in_(self.channels))
            ).scalar_one()
        written = {_text(number) for number in range(self.messages) if number % len(self.channels) < len(self._ways)}
        stored = Counter(text for channel, text in found if channel != _HOTLINE)
        missed, called = sum(channel == _HOTLINE for channel, _ in found), self.messages - len(written)
        got = Counter(self._received())
        return MessengerBooks(
            lost=len(written - stored.keys()) + max(called - missed, 0),
            doubled=sum(count - 1 for count in stored.values()) + max(missed - called, 0),
            apart=abs(calls - called) + abs(opened - self.messages),
            extra_copies=sum(count - 1 for count in got.values()),
        )

    def _received(self) -> Iterator[tuple[str, str, str]]:
        for sent in self._meta.sent:
            yield "whatsapp", sent.get("to") or sent["recipient"], sent["text"]["body"]
        for customer, text in self._line.sent:
            yield "line", self._line_customers.get(customer, customer), text
        for sent in self._wechat.sent:
            yield "wechat", sent["touser"], sent["text"]["content"]

    def _write(self, rig: Rig, channel: str, number: int) -> None:
        """Post a webhook until it is acknowledged, and once more, as after an answer that the provider did not see."""
        make = self._ways[channel](number)
        for _ in range(2):
            until_taken(lambda: _send(rig, f"webhooks/{channel}", make()), what=f"a webhook of {channel}")

    def _whatsapp(self, number: int) -> Callable[[], WebhookRequest]:
        named = {"sender": f"8613{number:09}", "user": f"CN.{number:016}"}
        said = metas.text(_text(number), wamid=f"wamid.{number}", **named)
        document = metas.call_of(metas.change(said, contacts=[metas.contact(f"Customer {number}", **named)]))
        return lambda: metas.signed(document)

    def _line_event(self, number: int) -> Callable[[], WebhookRequest]:
        customer = f"U{number:032x}"
        event = self._line.event(_text(number), sender=customer)
        self._line_customers[event["replyToken"]] = customer
        again = event | {"deliveryContext": {"isRedelivery": True}}
        return lambda: self._line.request(event if self._chance.random() < 0.5 else again)

    def _wechat_callback(self, number: int) -> Callable[[], WebhookRequest]:
        fields = self._wechat.message(_text(number), sender=f"o{number:027}")
        # Sealed and signed again at each attempt, because the signature has the time.
        return lambda: self._wechat.request(fields)

    def _call(self, rig: Rig, number: int) -> None:
        """Call and hang up: the provider asks for the first step once, and reports the end twice."""
        caller = f"+1415{7_000_000 + number}"
        sid = self._voice.ring(caller, seconds=5)
        _send(rig, "voice/hotline", voices.signed(sid=sid, From=caller))
        for _ in range(2):
            _send(rig, "voice/hotline", voices.signed("step=status", sid=sid, From=caller, CallStatus="completed"))


def _send(rig: Rig, path: str, request: WebhookRequest) -> bytes | None:
    query = f"?{request.query}" if request.query else ""
    headers = {"Content-Type": "application/json", **request.headers}
    return post(rig, path + query, body=request.body, headers=headers)


def _text(number: int) -> str:
    return refund_question(9_000_000 + number)
