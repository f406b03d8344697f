"""Posts on X that mention us: all of them, once, in public, and never answered by machine."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.normalise import normalise_batch
from connectors.registry import is_public, probe_channel
from connectors.sender_contract import Outgoing, SendVerdict
from connectors.social.x import webhook
from connectors.social.x_mentions.connector import XMentionsConnector
from connectors.social.x_mentions.posts import weight_of
from connectors.social.x_mentions.sender import XMentionsSender
from router.envelope import RevisionKind, from_json
from router.errors import RateLimited
from router.settings.channels.x import XMentionsSettings, XSettings
from router.settings.model import DeskSettings
from router.settings.secret import Secret
from tests.absent_inputs import NO_SPECS
from tests.connectors.stopped_clock import NOW, StoppedClock
from tests.fakes.contract import specs_folder
from tests.fakes.server import DemoAnswer, Fault
from tests.fakes.x import KEYS, OWN
from tests.fakes.x_mentions import AUTHOR, FakeXPosts


@pytest.fixture
def x(clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeXPosts]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    fake = FakeXPosts(clock=clock)
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []


def keys() -> dict[str, Secret]:
    return {name.removeprefix("X_").lower(): Secret(f"env:{name}") for name in KEYS}


def settings_for(fake: FakeXPosts, **over) -> XMentionsSettings:
    return XMentionsSettings(kind="x_mentions", api_base=fake.base, **keys(), **over)


def connect(fake: FakeXPosts, **over) -> XMentionsConnector:
    return XMentionsConnector("mentions", settings_for(fake, **over), clock=fake.clock)


def begun(connector: XMentionsConnector):
    """Return the cursor of a channel that was read for the first time."""
    return connector.fetch(None).cursor


def envelopes(batch):
    return [from_json(each.envelope) for each in normalise_batch(batch.messages, channel="mentions", form=batch.form)]


def test_the_published_description_is_there():
    if specs_folder() is None:
        pytest.skip(NO_SPECS)
    assert FakeXPosts.check


def test_all_mentions_come_and_a_late_one_too(x, clock):
    connector = connect(x)
    cursor = begun(connector)
    clock.at += timedelta(minutes=20)
    wanted = [x.receive(f"@Wallet {number}", at=clock.at - timedelta(seconds=250 - number)) for number in range(250)]
    late = x.receive("@Wallet late", at=clock.at - timedelta(minutes=5))
    x.late.add(late)
    batch = connector.fetch(cursor)
    assert [each.source_key for each in batch.messages] == wanted
    asked = len(x.asked)
    # X shows it later, under an older id
    x.late.clear()
    clock.at += timedelta(minutes=1)
    again = connector.fetch(batch.cursor)
    assert late in [each.source_key for each in again.messages]
    assert len(x.asked) - asked <= 4


def test_a_post_is_public_of_its_author_under_its_post(x, clock):
    connector = connect(x)
    cursor = begun(connector)
    clock.at += timedelta(minutes=1)
    for author in (AUTHOR, "333"):
        x.receive("@Wallet 我的钱没到账 &amp; no one answers", author=author, conversation_id="1")
    one, other = envelopes(connector.fetch(cursor))
    assert (one.public, one.text) == (True, "@Wallet 我的钱没到账 & no one answers")
    assert (one.sender.kind, one.sender.handle, one.sender.name) == ("x", AUTHOR, "Amy @amy")
    # Two angry people under one post are two cases.
    assert one.thread != other.thread
    assert is_public(settings_for(x))


def test_an_edit_is_a_version_of_the_same_post(x, clock):
    connector = connect(x)
    cursor = begun(connector)
    clock.at += timedelta(minutes=1)
    first = x.receive("@Wallet helo")
    x.receive("@Wallet hello", edit_history_tweet_ids=[first, "99"])
    batch = connector.fetch(cursor)
    old, new = envelopes(batch)
    assert [each.source_key for each in batch.messages] == [first, first]
    assert (new.revision.of, new.revision.kind, new.revision.order > old.revision.order) == (
        first,
        RevisionKind.EDITED,
        True,
    )


def test_what_is_not_said_to_us_is_left_out(x, clock):
    connector = connect(x)
    cursor = begun(connector)
    clock.at += timedelta(minutes=1)
    x.receive("@Wallet our own", author=OWN)
    x.receive("RT @Wallet", referenced_tweets=[{"type": "retweeted", "id": "1"}])
    x.receive("@Wallet @Bob I agree with Bob", display_text_range=[13, 29])
    assert connector.fetch(cursor).messages == []
    everything = connect(x, direct_only=False)
    assert [each.text for each in envelopes(everything.fetch(cursor))] == [" I agree with Bob".strip()]


def test_a_malformed_post_costs_one_post(x, clock):
    connector = connect(x)
    cursor = begun(connector)
    clock.at += timedelta(minutes=1)
    x.receive("@Wallet fine")
    x.mentions.append({"text": "no id", "author_id": AUTHOR})
    arrivals = normalise_batch(connector.fetch(cursor).messages, channel="mentions", form="x_mentions")
    assert sorted(bool(each.unreadable) for each in arrivals) == [False, True]


def test_the_budget_ends_reading_and_leaves_answers(x, clock):
    connector = connect(x, daily_budget=0.05, emergency_share=0.2)
    cursor = begun(connector)
    clock.at += timedelta(minutes=1)
    for number in range(300):
        x.receive(f"@Wallet {number}")
    batch = connector.fetch(cursor)
    assert batch.notice
    with pytest.raises(RateLimited, match="budget"):
        connector.fetch(batch.cursor)
    assert XMentionsSender("mentions", settings_for(x, daily_budget=0.05), clock=clock).send(outgoing(x)).provider_id


def test_after_days_away_the_old_ones_are_archive(x, clock):
    connector = connect(x)
    cursor = begun(connector)
    x.receive("@Wallet old", at=clock.at + timedelta(minutes=1))
    clock.at += timedelta(days=3)
    x.receive("@Wallet new", at=clock.at - timedelta(minutes=1))
    first = connector.fetch(cursor)
    second = connector.fetch(first.cursor)
    said = [(batch.backfill, batch.more, [each.text for each in envelopes(batch)]) for batch in (first, second)]
    assert said == [(True, True, ["@Wallet old"]), (False, False, ["@Wallet new"])]


# Answers


def outgoing(x: FakeXPosts, **over) -> Outgoing:
    post = x.mentions[-1]["id"] if x.mentions else x.receive("@Wallet hello")
    values = {"attempt_id": uuid.uuid4(), "attempt": 1, "channel": "mentions", "recipient": AUTHOR, "text": "We look"}
    values |= {"outbound_id": uuid.uuid4(), "rfc_message_id": "x@y", "dated_at": NOW}
    return Outgoing(**values | {"in_reply_to": f"{post}@mentions.x_mentions"} | over)


def test_an_agent_answers_in_public_once(x, clock):
    message = outgoing(x)
    receipt = XMentionsSender("mentions", settings_for(x), clock=clock).send(message)
    assert (receipt.verdict, receipt.provider_id) == (SendVerdict.ACCEPTED, x.ours[0]["id"])
    (posted,) = [asked.json for asked in x.asked if asked.method == "POST"]
    assert posted == {"text": "We look", "reply": {"in_reply_to_tweet_id": x.mentions[0]["id"]}}


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"automatic": True}, "no machine"),
        ({"in_reply_to": None}, "no post"),
        ({"in_reply_to": "1@customer.example"[1:]}, "no post"),
        ({"text": "字" * 141}, "this has 282"),
        ({"text": ""}, "this has 0"),
    ],
)
def test_what_must_not_be_posted_never_leaves(x, clock, over, words):
    receipt = XMentionsSender("mentions", settings_for(x), clock=clock).send(outgoing(x, **over))
    assert (receipt.verdict, words in receipt.why, x.asked) == (SendVerdict.REFUSED, True, [])


def test_a_lost_answer_is_found_among_our_posts(x, clock):
    sender, message = XMentionsSender("mentions", settings_for(x), clock=clock), outgoing(x)
    x.script(Fault(lose=True, when=lambda asked: asked.method == "POST"))
    assert sender.send(message).verdict is SendVerdict.UNKNOWN
    assert sender.reconcile(message, since=NOW - timedelta(minutes=5)).provider_id == x.ours[0]["id"]
    assert sender.reconcile(outgoing(x, text="another"), since=NOW - timedelta(minutes=5)) is None
    assert len(x.ours) == 1


@pytest.mark.parametrize(
    ("status", "verdict", "whole", "words"),
    [
        (403, SendVerdict.REFUSED, False, "direct message"),
        (400, SendVerdict.REFUSED, False, "400"),
        (401, SendVerdict.NOT_SENT, True, "four keys"),
        (402, SendVerdict.NOT_SENT, True, "credits"),
        (500, SendVerdict.UNKNOWN, False, "500"),
    ],
)
def test_each_refusal_says_what_to_do(x, clock, status, verdict, whole, words):
    x.script(Fault(answer=DemoAnswer(status, {"title": "no"}), when=lambda asked: asked.method == "POST"))
    receipt = XMentionsSender("mentions", settings_for(x), clock=clock).send(outgoing(x))
    assert (receipt.verdict, receipt.whole_channel, words in receipt.why) == (verdict, whole, True)


def test_x_counts_chinese_twice():
    assert [weight_of(text) for text in ("abc", "钱没", "“ok”", "😀")] == [3, 4, 4, 2]


def test_a_mention_that_x_pushes_wakes_the_poll(x):
    pushed = {"data": {"event_type": "post.mention.create", "filter": {"user_id": OWN}, "payload": {"id": "1"}}}
    account = XSettings(kind="x", **keys())
    batch = webhook.batch_of("x", account, body=json.dumps(pushed).encode(), now=NOW)
    assert (batch.messages, [*batch.wakes]) == ((), [settings_for(x).wake_topic])
    connector = connect(x)
    connector.wake("post.mention.create")
    connector.wait(60)


def test_the_link_to_a_direct_message_is_a_button_of_the_post_and_no_text_of_it(x, clock):
    link = settings_for(x).private_link
    assert link.endswith(f"={OWN}")
    message = outgoing(x, text=f"请私信我们：{link}")
    sender = XMentionsSender("mentions", settings_for(x), clock=clock)
    assert sender.send(message).verdict is SendVerdict.ACCEPTED
    (posted,) = [asked.json for asked in x.asked if asked.method == "POST"]
    assert (posted["text"], posted["direct_message_deep_link"]) == ("请私信我们：", link)
    assert sender.reconcile(message, since=NOW - timedelta(minutes=5)).provider_id == x.ours[0]["id"]
    assert sender.send(outgoing(x, text=link)).verdict is SendVerdict.REFUSED


def doctor(x: FakeXPosts, **over) -> tuple[bool, str]:
    health = probe_channel("mentions", settings_for(x, **over), desk=DeskSettings())
    return health.ok, " / ".join(health.findings)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (DemoAnswer(401, {"title": "no"}), "check the four keys"),
        (DemoAnswer(403, {"title": "suspended"}), "the app is suspended"),
        (DemoAnswer(429, {}, headers={"x-rate-limit-reset": "{soon}"}), "in 5 minutes"),
        (DemoAnswer(429, {}), "in 15 minutes"),
        (DemoAnswer(402, {"title": "no"}), "credits are used up"),
        (DemoAnswer(503, {}), "out of order"),
    ],
)
@pytest.mark.parametrize("where", ["/2/users/me", "/2/webhooks"])
def test_doctor_has_one_sentence_for_each_refusal(x, answer, words, where):
    soon = str(int(datetime.now(UTC).timestamp()) + 295)
    headers = {name: value.format(soon=soon) for name, value in answer.headers.items()}
    x.script(Fault(answer=replace(answer, headers=headers), when=lambda asked: asked.path == where))
    ok, said = doctor(x)
    assert (ok, words in said, " / " in said) == (False, True, False)


def test_doctor_says_how_posts_come(x):
    ok, said = doctor(x)
    assert (ok, "the account @wallet answers" in said, "by the poll only" in said) == (True, True, True)
    x.subscribe(valid=False)
    ok, said = doctor(x)
    assert (ok, "challenge (CRC) failed" in said) == (False, True)
    x.subscribe("follow.follow")
    ok, said = doctor(x)
    assert (ok, "no subscription of the account to post.mention.create" in said) == (False, True)
    x.subscribe()
    ok, said = doctor(x)
    assert (ok, "says at once" in said) == (True, True)
    assert [asked.path for asked in x.asked if asked.path.endswith("mentions")] == []
    assert doctor(x, daily_budget=0)[0] is False


def test_the_vector_of_x(monkeypatch):
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    vector = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))["x_own"]
    for name, value in (KEYS | {"X_CONSUMER_SECRET": vector["consumer_secret"]}).items():
        monkeypatch.setenv(name, value)
    account = XSettings(kind="x", **keys())
    assert webhook.answer_challenge(account, vector["crc_token"]) == vector["response_token"]
    signature = vector["x_twitter_webhooks_signature"]
    assert webhook.is_signed(account, body=vector["body"].encode(), signature=signature)
    assert not webhook.is_signed(account, body=vector["body"].encode() + b" ", signature=signature)
