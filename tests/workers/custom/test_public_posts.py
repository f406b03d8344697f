"""Public posts of X on a desk: edited in place, a case for each author, and no machine answers whatever asks for it."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from connectors.base import WebhookRequest
from connectors.registry import open_polled
from connectors.social.x_mentions.connector import XMentionsConnector
from router.settings.validation import examine_settings
from store.desk.case_codes import CodeMessage, queue_code
from store.inbound.wakes import take_wake
from store.outbound.automatic_answers import AutomaticText, lock_case, queue_answer
from store.outbound.false_alarm_replies import NewCorrection, SaidByMachine, queue_correction
from store.tables.messages import ConversationRow, InboundRow
from store.tables.operations import AUTO_REPLY, OutboundRow
from tests.custom_desk import CustomDesk
from tests.fakes.x import KEYS, OWN
from tests.fakes.x_mentions import AUTHOR, FakeXPosts
from tests.workers.custom.answers import deliver_lane, queue, reply
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

ROOT = Path(__file__).resolve().parents[3]
CHANNEL = """
[channels.x]
kind = "x"
consumer_key = "env:X_CONSUMER_KEY"
consumer_secret = "env:X_CONSUMER_SECRET"
access_token = "env:X_ACCESS_TOKEN"
access_secret = "env:X_ACCESS_SECRET"
api_base = "BASE"
[channels.mentions]
kind = "x_mentions"
calendar = "office"
consumer_key = "env:X_CONSUMER_KEY"
consumer_secret = "env:X_CONSUMER_SECRET"
access_token = "env:X_ACCESS_TOKEN"
access_secret = "env:X_ACCESS_SECRET"
api_base = "BASE"
"""


@pytest.fixture
def x(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeXPosts]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    fake = FakeXPosts()
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []


@pytest.fixture
def desk(database, tmp_path, monkeypatch, x) -> CustomDesk:
    return CustomDesk(database, tmp_path, monkeypatch, more=CHANNEL.replace("BASE", x.base))


class Poll:
    """Polls the channel and routes what came."""

    def __init__(self, desk: CustomDesk) -> None:
        self.desk = desk
        (connector,) = (each.connector for each in open_polled(desk.settings) if each.topic == "x-mentions")
        assert isinstance(connector, XMentionsConnector)
        self.connector, self.cursor = connector, connector.fetch(None).cursor

    def __call__(self) -> None:
        page = self.connector.fetch(self.cursor)
        intake = Intake(self.desk.database, bell=Bell(lambda: None))
        intake.keep(page)
        intake.close()
        self.cursor = page.cursor
        self.desk.work()


def test_checks_2_3_and_18_posts_come_once_edits_change_them_and_authors_are_apart(desk, x):
    poll = Poll(desk)
    first = x.receive("@Wallet 我的钱没道账", conversation_id="1")
    poll()
    x.receive("@Wallet 我的钱没到账", conversation_id="1", edit_history_tweet_ids=[first, "7"])
    x.receive("@Wallet me too", author="333", conversation_id="1")
    for _ in range(3):
        poll()
    assert sorted(desk.messages("text")) == ["@Wallet me too", "@Wallet 我的钱没到账"]
    assert sum(row.edited_at is not None for row in desk.messages()) == 1
    assert len(desk.rows(ConversationRow)) == 2


def test_one_post_by_webhook_and_poll_in_any_order_is_one_message(desk, x):
    poll = Poll(desk)
    for author, order in enumerate(("wwp", "wpw", "pww", "wppwp"), start=300):
        number = x.receive(f"@Wallet {order}", author=str(author))
        for step in order:
            if step == "p":
                poll()
            else:
                push(desk, number)
    # What the webhook left wakes the poll once
    with desk.database.write() as connection:
        assert take_wake(connection, "x-mentions") == "post.mention.create"
        assert take_wake(connection, "x-mentions") == ""
    poll()
    assert sorted(desk.messages("text")) == sorted(f"@Wallet {order}" for order in ("wwp", "wpw", "pww", "wppwp"))
    assert len(desk.rows(InboundRow, "id")) == 4


def push(desk: CustomDesk, number: str) -> None:
    """Let X's webhook report a post; it is signed with the consumer secret."""
    payload = {"id": number, "text": "@Wallet", "author_id": AUTHOR}
    event = {"event_type": "post.mention.create", "filter": {"user_id": OWN}, "payload": payload}
    body = json.dumps({"data": event}).encode()
    digest = base64.b64encode(hmac.digest(KEYS["X_CONSUMER_SECRET"].encode(), body, "sha256")).decode()
    request = WebhookRequest(body=body, headers={"x-twitter-webhooks-signature": f"sha256={digest}"})
    assert desk.webhooks.message("x", request, now=datetime.now(UTC)).status == 200


def test_no_automatic_path_reaches_x(desk, x):
    poll = Poll(desk)
    # The office is closed, and the route of closed hours has a reply; danger has one too
    desk.close()
    x.receive("@Wallet hello")
    x.receive("@Wallet my account was hacked", author="333")
    poll()
    assert desk.rows(OutboundRow) == []
    # What other parts queue is dropped before it leaves: an answer of the machine, a correction, a code, a rating
    now, case = datetime.now(UTC), desk.rows(ConversationRow, "id")[0]
    names = {"conversation_id": case, "channel": "mentions", "recipient": AUTHOR, "subject": "", "in_reply_to": None}
    with desk.database.write() as connection:
        text = AutomaticText(id=uuid4(), sender_name="", subject="", text="the FAQ says", rfc_message_id="answer@y")
        queue_answer(connection, lock_case(connection, case), text=text, key="auto:answer", now=now)
        correction = NewCorrection(id=uuid4(), inbound_id=uuid4(), text="all is well", rfc_message_id="c@y", due_at=now)
        queue_correction(connection, SaidByMachine(**names), correction=correction, now=now)
        code = CodeMessage(
            id=uuid4(), channel="mentions", recipient=AUTHOR, subject="", text="123", rfc_message_id="o@y"
        )
        queue_code(connection, case, code=code, now=now)
    queue(desk, kind=AUTO_REPLY, channel="mentions", recipient=AUTHOR)
    deliver_lane(desk, "x_mentions")
    assert desk.rows(OutboundRow, "state") == ["cancelled"] * 4
    assert [asked for asked in x.asked if asked.method == "POST"] == []


def test_every_module_that_queues_automatic_messages_is_in_the_test_above():
    words = ('"kind": AUTO_REPLY', '"kind": ONE_TIME_CODE')
    modules = [*ROOT.glob("store/**/*.py"), *ROOT.glob("workers/**/*.py"), *ROOT.glob("api/**/*.py")]
    found = {each.stem for each in modules if any(word in each.read_text(encoding="utf-8") for word in words)}
    assert found == {"record", "automatic_answers", "false_alarm_replies", "case_codes", "ratings"}


def test_a_route_that_would_answer_in_public_is_a_warning_of_the_file(desk):
    route = '[[routes]]\nname = "posts"\nwhen = { channel = ["mentions", "mail"] }\nreply = "closed"\n'
    text = desk.text.replace("[[routes]]", f"{route}[[routes]]", 1)
    (finding,) = [each for each in examine_settings(text).findings if "machine" in each.message]
    assert (finding.level, finding.place[-1], "mentions" in finding.message) == ("warning", "reply", True)
    assert [each for each in examine_settings(desk.text).findings if "machine" in each.message] == []


def test_an_agent_answers_under_the_post(desk, x):
    poll = Poll(desk)
    number = x.receive("@Wallet hello")
    poll()
    reply(desk, "please send us a direct message", to=None)
    deliver_lane(desk, "x_mentions")
    (answer,) = x.ours
    assert answer["referenced_tweets"] == [{"type": "replied_to", "id": number}]
    assert desk.rows(OutboundRow, "state") == ["sent"]


def test_danger_in_public_calls_people(desk, x):
    poll = Poll(desk)
    x.receive("@Wallet 我的账户被盗了")
    poll()
    assert desk.rows(ConversationRow, "emergency") == [True]
