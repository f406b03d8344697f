"""Polled direct messages of X: within its rate limit and the budget, event by event, with the real tweepy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Batch, Cursor
from connectors.json_messages import write_document
from connectors.normalise import normalise_batch
from connectors.social.x.connector import XConnector
from connectors.social.x.messages import id_at, time_of
from router.envelope import PartyKind, from_json
from router.errors import PermanentError, RateLimited, TransientError
from router.settings.channels.x import XSettings
from router.settings.secret import Secret
from tests.connectors.stopped_clock import NOW, StoppedClock
from tests.fakes.server import DemoAnswer, Fault
from tests.fakes.x import CUSTOMER, KEYS, OWN, FakeX, problem


@pytest.fixture
def x(clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeX]:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    fake = FakeX(clock=clock)
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []
    assert fake.forged == []


@pytest.fixture
def connect(x: FakeX, clock: StoppedClock) -> Callable[..., XConnector]:
    secrets = {name.removeprefix("X_").lower(): Secret(f"env:{name}") for name in KEYS}
    return lambda **over: XConnector("x", XSettings(kind="x", api_base=x.base, **secrets | over), clock=clock)


@pytest.fixture
def connector(connect: Callable[..., XConnector]) -> XConnector:
    return connect()


def begun(hours: float = 1) -> Cursor:
    return Cursor(OWN, f"{id_at(NOW - timedelta(hours=hours))} 2026-11-20=0.0000")


def read(batch: Batch):
    return normalise_batch(batch.messages, channel=batch.channel, form=batch.form)


def texts(batch: Batch) -> list[str]:
    return [from_json(arrival.envelope).text for arrival in read(batch)]


def lookups(x: FakeX) -> int:
    return sum(asked.path == "/2/dm_events" for asked in x.asked)


def test_an_id_is_a_time():
    # A post in X's own documentation.
    assert time_of("1212092628029698048").replace(microsecond=0) == datetime(2019, 12, 31, 19, 26, 16, tzinfo=UTC)
    assert time_of(str(id_at(NOW))) == NOW


def test_a_message_is_read_with_its_senders_number_and_names(connector, x):
    event_id = x.receive("我的转账失败了")
    (arrival,) = read(connector.fetch(begun()))
    envelope = from_json(arrival.envelope)
    assert (arrival.source_key, envelope.text) == (event_id, "我的转账失败了")
    assert (envelope.sender.kind, envelope.sender.handle) == (PartyKind.X, CUSTOMER)
    assert envelope.sender.name == "Li Na @lina"
    assert envelope.received_at == NOW


def test_the_first_look_takes_messages_from_now_on(connector, x, clock):
    x.receive("an old one", at=NOW - timedelta(minutes=30))
    first = connector.fetch(None)
    assert (texts(first), first.notice) == ([], "taking messages from now on")
    clock.at += timedelta(minutes=1)
    x.receive("a new one")
    assert texts(connector.fetch(first.cursor)) == ["a new one"]


def test_our_own_messages_and_arrivals_are_no_messages_of_customers(connector, x):
    x.receive("ours", sender=OWN, to=CUSTOMER)
    x.receive("", event_type="ParticipantsJoin", participant_ids=[CUSTOMER])
    assert texts(connector.fetch(begun())) == []


def test_paging_stops_at_the_first_known_message(connector, x, clock):
    for number in range(300):
        x.receive(str(number), at=NOW - timedelta(minutes=90) + timedelta(seconds=number))
    batch = connector.fetch(begun(hours=1))
    assert (texts(batch), lookups(x), len(x.charged)) == ([], 1, 10)
    x.receive("new")
    clock.at += timedelta(minutes=1)
    assert texts(connector.fetch(batch.cursor)) == ["new"]
    assert lookups(x) == 2


def test_messages_come_oldest_first_over_many_batches(connector, x):
    for number in range(250):
        x.receive(str(number), at=NOW - timedelta(seconds=250 - number))
    batch, seen = connector.fetch(begun()), []
    seen += texts(batch)
    while batch.more:
        batch = connector.fetch(batch.cursor)
        seen += texts(batch)
    assert seen == [str(number) for number in range(250)]


def test_one_broken_event_costs_one_event(connector, x):
    """The others are stored, one is quarantined."""
    x.contract = None
    x.receive("before", at=NOW - timedelta(seconds=5))
    x.receive("no sender", at=NOW - timedelta(seconds=4), sender=None)
    x.receive("a timestamp without milliseconds", at=NOW - timedelta(seconds=3), created_at="2026-11-20T03:59:57Z")
    x.events.append({"id": "not-a-number", "event_type": "MessageCreate", "text": "?", "sender_id": CUSTOMER})
    x.receive("after")
    batch = connector.fetch(begun())
    unreadable = [bool(arrival.unreadable) for arrival in read(batch)]
    assert (sorted(texts(batch)), sum(unreadable)) == (
        ["", "?", "a timestamp without milliseconds", "after", "before"],
        1,
    )


def test_both_vocabularies_are_understood(connector, x):
    x.old = False
    x.receive("about a post", referenced_posts=[{"id": "1"}], edit_history=["x"])
    assert texts(connector.fetch(begun())) == ["about a post"]


def test_webhook_and_poll_tell_the_same_message(connector, x):
    event_id = x.receive("1 < 2 & more")
    polled = connector.fetch(begun()).messages[0]
    pushed = x.pushed(event_id)
    record = {"pushed": pushed["direct_message_events"][0], "users": pushed["users"]}
    message = type(polled)(
        source_key=event_id, content=write_document(record, form="x", source="webhook"), received_at=NOW
    )
    both = normalise_batch([polled, message], channel="x", form="x")
    first, second = (from_json(arrival.envelope) for arrival in both)
    assert (first.text, first.sender) == (second.text, second.sender)
    assert both[0].content_hash == both[1].content_hash


def test_the_pace_follows_what_x_still_allows(connector, x, clock):
    x.remaining = 3
    connector.fetch(begun())
    ahead = connector._not_before - clock.at
    assert ahead == timedelta(minutes=15) / 2


def test_a_429_is_waited_out_until_its_reset(connector, x):
    """With a reset header."""
    reset = datetime.now(UTC) + timedelta(seconds=200)
    limited = problem(429, "Too Many Requests", **{"x-rate-limit-reset": str(int(reset.timestamp()))})
    x.script(Fault(answer=limited))
    with pytest.raises(RateLimited) as caught:
        connector.fetch(begun())
    assert 190 <= caught.value.seconds <= 202


@pytest.mark.parametrize("headers", [{}, {"x-rate-limit-reset": "soon"}])
def test_a_429_without_a_reset_is_waited_out_for_a_window(connector, x, headers):
    """Without a reset header."""
    x.script(Fault(answer=problem(429, "Too Many Requests", **headers)))
    with pytest.raises(RateLimited) as caught:
        connector.fetch(begun())
    assert caught.value.seconds == 900


def test_a_list_that_the_limit_cuts_goes_on_where_it_was(connector, x, clock):
    for number in range(150):
        x.receive(str(number), at=NOW - timedelta(seconds=150 - number))
    x.remaining = 2
    batch = connector.fetch(begun())
    assert (texts(batch), batch.cursor.position.split()[0]) == ([], begun().position.split()[0])
    clock.at += timedelta(minutes=16)
    batch, seen = connector.fetch(batch.cursor), []
    seen += texts(batch)
    while batch.more:
        batch = connector.fetch(batch.cursor)
        seen += texts(batch)
    assert seen == [str(number) for number in range(150)]
    assert lookups(x) == 3


@pytest.mark.parametrize(
    "answer",
    [
        problem(402, "Payment Required"),
        problem(403, "Forbidden", "https://api.twitter.com/2/problems/usage-capped"),
        problem(429, "CreditsDepleted"),
    ],
)
def test_credits_that_are_used_up_pause_the_channel_visibly(connector, x, answer):
    x.script(Fault(answer=answer))
    with pytest.raises(RateLimited, match="credits are used up"):
        connector.fetch(begun())


def test_the_days_budget_bounds_reading_and_keeps_an_emergency_share(connect, x, clock):
    connector = connect(daily_budget=0.2, emergency_share=0.5)
    for number in range(10):
        x.receive(str(number))
    batch = connector.fetch(begun())
    assert len(texts(batch)) == 10
    with pytest.raises(RateLimited, match="one look an hour"):
        connector.fetch(batch.cursor)
    clock.at += timedelta(hours=1)
    x.receive("my account was hacked")
    batch = connector.fetch(batch.cursor)
    assert texts(batch) == ["my account was hacked"]
    # The next day has a new budget.
    clock.at = datetime(2026, 11, 21, 0, 1, tzinfo=UTC)
    assert texts(connector.fetch(batch.cursor)) == []


def test_what_was_spent_is_known_after_a_restart(connect, x):
    for number in range(10):
        x.receive(str(number))
    batch = connect(daily_budget=0.1, emergency_share=0.0).fetch(begun())
    with pytest.raises(RateLimited, match="nothing is read"):
        connect(daily_budget=0.1, emergency_share=0.0).fetch(batch.cursor)


def test_what_is_known_is_not_paid_twice_on_one_day(connector, x, clock):
    x.receive("hello")
    batch = connector.fetch(begun())
    for _ in range(3):
        clock.at += timedelta(minutes=1)
        batch = connector.fetch(batch.cursor)
    assert batch.cursor.position.endswith("=0.0100")


def test_old_messages_after_an_outage_are_marked(connector, x):
    x.receive("stale", at=NOW - timedelta(hours=40))
    x.receive("fresh")
    first = connector.fetch(begun(hours=60))
    second = connector.fetch(first.cursor)
    assert [(texts(batch), batch.backfill) for batch in (first, second)] == [(["stale"], True), (["fresh"], False)]


def test_another_account_starts_again(connector, x):
    x.receive("long ago", at=NOW - timedelta(days=3))
    batch = connector.fetch(Cursor("555", "1 2026-11-20=0.0000"))
    assert (texts(batch), "another account" in batch.notice) == ([], True)


def test_a_message_that_shows_up_late_with_a_lower_id_is_found(connector, x, clock):
    x.receive("second", at=NOW)
    batch = connector.fetch(begun())
    x.receive("first", at=NOW - timedelta(seconds=2))
    clock.at += timedelta(minutes=1)
    assert texts(connector.fetch(batch.cursor)) == ["first"]


@pytest.mark.parametrize(
    ("answer", "expected", "sentence"),
    [
        (problem(401, "Unauthorized"), PermanentError, "check the four keys"),
        (problem(403, "Forbidden"), PermanentError, "permission"),
        (problem(503, "Service Unavailable"), TransientError, "out of order"),
        (DemoAnswer(200, content=b"<html>"), TransientError, "no JSON"),
        (DemoAnswer(200, {"errors": [{"title": "x", "type": "y"}]}), TransientError, "errors instead of messages"),
    ],
)
def test_each_refusal_says_what_to_do(connector, x, answer, expected, sentence):
    x.script(Fault(answer=answer))
    with pytest.raises(expected, match=sentence) as caught:
        connector.fetch(begun())
    assert not any(secret in str(caught.value) for secret in KEYS.values())


def test_a_line_that_breaks_is_tried_again_later(connector, x):
    x.script(Fault(reset=True))
    with pytest.raises(TransientError, match="cannot be reached"):
        connector.fetch(begun())
    x.receive("still there")
    assert texts(connector.fetch(begun())) == ["still there"]


def test_doctor_says_that_encrypted_chats_are_invisible_and_reads_nothing(connector, x):
    health = connector.probe()
    assert (health.ok, "X Chat" in health.findings[-1]) == (True, True)
    assert (x.charged, [asked.path for asked in x.asked]) == (set(), ["/2/users/me"])


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (Fault(answer=problem(401, "Unauthorized")), "refuses the credentials"),
        (Fault(answer=problem(429, "Too Many Requests")), "asked too often"),
        (Fault(answer=problem(500, "Internal")), "out of order"),
        (Fault(reset=True), "cannot be reached"),
    ],
)
def test_doctor_says_in_one_sentence_what_is_wrong(connector, x, fault, sentence):
    x.script(fault)
    health = connector.probe()
    assert (health.ok, len(health.findings)) == (False, 1)
    assert sentence in health.findings[0]
