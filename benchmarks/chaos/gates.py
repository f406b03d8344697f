"""Customers who write by the operator's own channel, by WeCom and in public on X, while everything is killed.

The operator's system sends each batch until it is acknowledged, then again, then late; changes come before their
message, files are slow. WeCom calls back twice and late, and lists a page in random order. X shows some posts late and in
random order, and its webhook comes twice.
"""

from __future__ import annotations

import base64
import hmac
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import uuid4

import sqlalchemy as sa

from benchmarks.chaos.customers import Books, post, refund_question, until_taken
from benchmarks.chaos.gate_providers import GateApp, GatePosts, GateWecom
from benchmarks.rig import Rig, Served
from connectors.social.tencent import callback_cipher
from router.webhook_signature import read_keys, sign
from store.db.bulk import table_of
from store.tables.gates import FetchedFileRow, FileState
from store.tables.messages import InboundRow, MessageRow
from tests.fakes.wecom import ACCOUNT, CORP, SECRET
from tests.fakes.x import KEYS, OWN

_APP_SECRET: Final = "whsec_YSBrZXkgb2YgdGhpcnR5LXR3byBieXRlcywgYXllISE="
_AES_KEY: Final = "OmniyardOmniyardOmniyardOmniyardOmniyard123"
_CALLBACK_TOKEN: Final = "callback-token"
_SECRETS: Final[Mapping[str, str]] = {
    "APP_SECRET": _APP_SECRET,
    "WECOM_SECRET": SECRET,
    "WECOM_TOKEN": _CALLBACK_TOKEN,
    "WECOM_KEY": _AES_KEY,
    **KEYS,
}
_CONFIG: Final = """
[channels.app]
kind = "custom"
secret = "env:APP_SECRET"
calendar = "office"
private_files = true
[channels.app.send]
url = "{app}/answers"
secret = "env:APP_SECRET"
deduplicates = true
allow_private = true

[channels.wecom]
kind = "wecom"
corp = "{corp}"
secret = "env:WECOM_SECRET"
account = "{account}"
callback_token = "env:WECOM_TOKEN"
aes_key = "env:WECOM_KEY"
poll = "5s"
api_base = "{wecom}"

[channels.mentions]
kind = "x_mentions"
consumer_key = "env:X_CONSUMER_KEY"
consumer_secret = "env:X_CONSUMER_SECRET"
access_token = "env:X_ACCESS_TOKEN"
access_secret = "env:X_ACCESS_SECRET"
poll = "2s"
daily_budget = 1000000.0
api_base = "{posts}"
"""
_BATCH: Final = 5


@dataclass(frozen=True, slots=True)
class GateBooks(Books):
    """Each figure is 0 if the promises were kept.

    lost: texts, in their last version, that are in no message.  doubled: messages that there are more than once.
    unchanged: withdrawn messages that are still shown, or changes that wait for a message which is there.
    without_file: files that were announced and never fetched.  extra_copies: answers that a customer got twice.
    machine_in_public: automatic answers that anybody can read.
    """

    unchanged: int
    without_file: int
    extra_copies: int
    machine_in_public: int


class Gates:
    """The three providers and their customers, each of whom writes once. See `Customers`. chance: seeded by the run."""

    name = "gates"
    channels: tuple[str, ...] = ("app", "wecom", "mentions")
    changes = True
    secrets = _SECRETS

    def __init__(self, *, messages: int, chance: random.Random) -> None:
        self.messages, self._chance = messages, random.Random(chance.random()) if messages else chance
        order = random.Random(self._chance.random()) if messages else chance
        self._app, self._wecom, self._posts = GateApp(), GateWecom(order), GatePosts(order)
        self._wanted: Counter[str] = Counter()
        self._withdrawn = self._files = self._changes = 0
        self._lock = threading.Lock()

    @property
    def config(self) -> str:
        """See `Customers`."""
        bases = {"app": self._app.base, "wecom": self._wecom.base, "posts": self._posts.base}
        return _CONFIG.format(corp=CORP, account=ACCOUNT, **bases) if self.messages else ""

    @property
    def rows(self) -> int:
        """See `Customers`."""
        return self.messages + self._changes

    @property
    def conversations(self) -> int:
        """See `Customers`."""
        return self.messages

    def close(self) -> None:
        """See `Customers`."""
        for provider in (self._app, self._wecom, self._posts):
            provider.stop()

    def threads(self, rig: Rig, *, seconds: float) -> list[threading.Thread]:
        """See `Customers`."""
        ways = (self._write_app, self._write_wecom, self._write_posts) if self.messages else ()
        numbers = [range(place, self.messages, len(ways)) for place in range(len(ways))]
        return [
            threading.Thread(target=way, args=(rig, mine), kwargs={"pause": seconds / max(len(mine), 1)})
            for way, mine in zip(ways, numbers, strict=True)
        ]

    def is_drained(self, rig: Rig) -> bool:
        """See `Customers`: no file waits."""
        table = table_of(FetchedFileRow)
        waiting = sa.select(sa.func.count()).where(table.c.state == FileState.WAITING)
        with rig.database.read() as connection:
            return int(connection.execute(waiting).scalar_one()) == 0

    def books(self, rig: Served) -> GateBooks:
        """See `Customers`."""
        message, file, inbound = table_of(MessageRow), table_of(FetchedFileRow), table_of(InboundRow)
        mine = sa.and_(message.c.channel.in_(self.channels), message.c.inbound_id.is_not(None))
        with rig.database.read() as connection:
            shown = connection.execute(sa.select(message.c.text, message.c.withdrawn_at).where(mine)).all()
            fetched = connection.execute(
                sa.select(sa.func.count()).where(file.c.state == FileState.FETCHED)
            ).scalar_one()
            waiting = connection.execute(
                sa.select(sa.func.count()).where(
                    inbound.c.channel.in_(self.channels), inbound.c.state.not_in(("routed", "duplicate"))
                )
            ).scalar_one()
        stored = Counter(text for text, withdrawn_at in shown if text and withdrawn_at is None)
        hidden = sum(withdrawn_at is not None for _, withdrawn_at in shown)
        got = Counter((*self._app.received(), *self._wecom.received()))
        return GateBooks(
            lost=max(len(self._wanted - stored), self.messages - len(shown)),
            doubled=max(sum(count - 1 for count in stored.values()), len(shown) - self.messages),
            unchanged=abs(hidden - self._withdrawn) + int(waiting),
            without_file=abs(self._files - int(fetched)),
            extra_copies=sum(count - 1 for count in got.values()),
            machine_in_public=len(self._posts.ours),
        )

    # The operator's own system

    def _write_app(self, rig: Rig, numbers: Sequence[int], *, pause: float) -> None:
        late: list[list[dict[str, Any]]] = []
        for start in range(0, len(numbers), _BATCH):
            batch = [item for number in numbers[start : start + _BATCH] for item in self._app_items(number)]
            self._post_batch(rig, batch)
            # Like a system that did not see the answer: at once, and long afterwards.
            self._post_batch(rig, batch)
            late.append(batch)
            if len(late) > 1 and self._chance.random() < 0.5:
                self._post_batch(rig, late.pop(0)[::-1])
            time.sleep(pause * _BATCH)
        for batch in late:
            self._post_batch(rig, batch)

    def _app_items(self, number: int) -> list[dict[str, Any]]:
        item: dict[str, Any] = {"type": "message", "id": f"m-{number}", "user": {"id": f"u-{number}"}}
        item["text"] = text = _text(number)
        if self._chance.random() < 0.2:
            item["files"] = [{"name": "receipt.pdf", "url": f"{self._app.base}/files/{number}"}]
            self._files += 1
        if self._chance.random() < 0.3:
            text = f"{text} until now"
            edit = {"type": "message.edited", "id": item["id"], "text": text, "version": 1}
            self._note(text, changes=1)
            return [edit, item] if self._chance.random() < 0.5 else [item, edit]
        self._note(text)
        return [item]

    def _post_batch(self, rig: Rig, batch: Sequence[Mapping[str, Any]]) -> None:
        """Post a batch until it is acknowledged."""
        body = json.dumps({"items": batch}).encode()

        def attempt() -> bytes | None:
            headers = sign(body, keys=read_keys(_APP_SECRET), webhook_id=uuid4().hex, at=datetime.now(UTC))
            return post(rig, "webhooks/app", body=body, headers=headers | {"Content-Type": "application/json"})

        answer = until_taken(attempt, what="a batch")
        assert not json.loads(answer)["rejected"], answer

    # WeCom

    def _write_wecom(self, rig: Rig, numbers: Sequence[int], *, pause: float) -> None:
        for number in numbers:
            customer: dict[str, Any] = {"external_userid": f"wm-{number}"}
            text = _text(number)
            kind = self._chance.random()
            if kind < 0.1:
                msgid = self._wecom.receive(msgtype="text", text={"content": text}, **customer)
                self._wecom.event("user_recall_msg", recall_msgid=msgid, **customer)
                self._withdrawn, self._changes = self._withdrawn + 1, self._changes + 1
            elif kind < 0.2:
                self._wecom.media[f"M{number}"] = b"\xff\xd8\xff" + text.encode()
                self._wecom.receive(msgtype="image", image={"media_id": f"M{number}"}, **customer)
                self._files += 1
            else:
                self._wecom.receive(msgtype="text", text={"content": text}, **customer)
                self._note(text)
            self._call_back(rig)
            self._call_back(rig)
            time.sleep(pause)
        self._call_back(rig)

    def _call_back(self, rig: Rig) -> None:
        """Call once; a callback that gets no answer is lost, and the poll finds the message."""
        event = (
            f"<xml><Event>kf_msg_or_event</Event><Token>T{self._chance.randrange(10**6)}</Token>"
            f"<OpenKfId>{ACCOUNT}</OpenKfId></xml>"
        )
        key = callback_cipher.read_key(_AES_KEY)
        sealed = callback_cipher.encrypt(event, key=key, receiver=CORP, random=self._chance.randbytes(16))
        stamp = str(int(time.time()))
        signature = callback_cipher.signature_of(_CALLBACK_TOKEN, stamp, "n", sealed)
        query = urlencode({"msg_signature": signature, "timestamp": stamp, "nonce": "n"})
        body = f"<xml><ToUserName>{CORP}</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()
        post(rig, f"webhooks/wecom?{query}", body=body, headers={"Content-Type": "text/xml"})

    # Posts on X

    def _write_posts(self, rig: Rig, numbers: Sequence[int], *, pause: float) -> None:
        for number in numbers:
            text, author = f"@Wallet {_text(number)}", str(3_000_000 + number)
            first = self._posts.receive(text, author=author)
            if self._chance.random() < 0.2:
                self._posts.late.add(first)
            elif self._chance.random() < 0.2:
                text = f"{text} until now"
                history: dict[str, Any] = {
                    "conversation_id": first,
                    "edit_history_tweet_ids": [first, str(int(first) + 1000)],
                }
                self._posts.receive(text, author=author, **history)
            self._note(text)
            pushed = {"event_type": "post.mention.create", "filter": {"user_id": OWN}, "payload": {"id": first}}
            body = json.dumps({"data": pushed}).encode()
            digest = hmac.digest(KEYS["X_CONSUMER_SECRET"].encode(), body, "sha256")
            signature = f"sha256={base64.b64encode(digest).decode()}"
            for _ in range(2):
                post(rig, "webhooks/x", body=body, headers={"x-twitter-webhooks-signature": signature})
            time.sleep(pause)
            if self._posts.late and self._chance.random() < 0.5:
                self._posts.late.clear()
        self._posts.late.clear()

    def _note(self, text: str, *, changes: int = 0) -> None:
        with self._lock:
            self._wanted[text] += 1
            self._changes += changes


def _text(number: int) -> str:
    return refund_question(8_000_000 + number)
