"""Public posts of X on a desk: edited in place, a case for each author, and no machine answers whatever asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.registry import open_polled
from connectors.social.x_mentions.connector import XMentionsConnector
from store.tables.messages import ConversationRow
from store.tables.operations import AUTO_REPLY, OutboundRow
from tests.custom_desk import CustomDesk
from tests.fakes.x import KEYS
from tests.fakes.x_mentions import AUTHOR, FakeXPosts
from tests.workers.custom.test_custom_sending import deliver_lane, queue, reply
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake

CHANNEL = """
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
        connector = open_polled(desk.settings)[0].connector
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


def test_check_4_no_automatic_path_reaches_x(desk, x):
    poll = Poll(desk)
    # The office is closed, and the route of closed hours has a reply; danger has one too
    desk.close()
    x.receive("@Wallet hello")
    x.receive("@Wallet my account was hacked", author="333")
    poll()
    assert desk.rows(OutboundRow) == []
    # What a chore or another version queues is dropped before it leaves
    for kind in (AUTO_REPLY,):
        queue(desk, kind=kind, channel="mentions", recipient=AUTHOR)
    deliver_lane(desk, "x_mentions")
    assert (desk.rows(OutboundRow, "state"), x.ours) == (["cancelled"], [])


def test_check_5_an_agent_answers_under_the_post(desk, x):
    poll = Poll(desk)
    number = x.receive("@Wallet hello")
    poll()
    reply(desk, "please send us a direct message", to=None)
    deliver_lane(desk, "x_mentions")
    (answer,) = x.ours
    assert answer["referenced_tweets"] == [{"type": "replied_to", "id": number}]
    assert desk.rows(OutboundRow, "state") == ["sent"]


def test_check_19_danger_in_public_calls_people(desk, x):
    poll = Poll(desk)
    x.receive("@Wallet 我的账户被盗了")
    poll()
    assert desk.rows(ConversationRow, "emergency") == [True]
