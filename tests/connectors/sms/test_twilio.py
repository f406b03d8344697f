"""A polled Twilio number: the real client against a stateful fake Twilio, checked against the published description."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from connectors.base import Batch, Cursor
from connectors.json_messages import attachment_content, read_document
from connectors.normalise import normalise_batch
from connectors.sms.twilio.client import probe
from connectors.sms.twilio.connector import TwilioConnector
from connectors.sms.twilio.messages import party
from connectors.sms.twilio.webhook import is_signed
from router.envelope import PartyKind, from_json
from router.errors import PermanentError, RateLimited, TransientError
from router.settings.channels.sms import TwilioSettings
from router.settings.secret import Secret
from tests.absent_inputs import NO_SPECS
from tests.connectors.stopped_clock import NOW, StoppedClock
from tests.fakes.contract import specs_folder
from tests.fakes.server import DemoAnswer, Fault
from tests.fakes.twilio import ACCOUNT, CUSTOMER, NUMBER, TOKEN, FakeTwilio, error

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 100


@pytest.fixture
def twilio(clock: StoppedClock) -> Iterator[FakeTwilio]:
    fake = FakeTwilio(clock=clock)
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []
    assert fake.leaked == []


def settings_for(fake: FakeTwilio, **over) -> TwilioSettings:
    usual = {"account": Secret("env:TWILIO_SID"), "token": Secret("env:TWILIO_TOKEN"), "number": NUMBER}
    return TwilioSettings(kind="twilio", api_base=fake.base, **usual | over)


@pytest.fixture
def connect(twilio: FakeTwilio, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TwilioConnector]:
    monkeypatch.setenv("TWILIO_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_TOKEN", TOKEN)
    return lambda **over: TwilioConnector("sms", settings_for(twilio, **over), clock=clock)


@pytest.fixture
def connector(connect: Callable[..., TwilioConnector]) -> TwilioConnector:
    return connect()


def begun(hours: int = 24) -> Cursor:
    """Return a cursor of a channel that has been read for a while."""
    since = NOW - timedelta(hours=hours)
    return Cursor(NUMBER, f"{since.isoformat()} {since.isoformat()}")


def bodies(batch: Batch) -> list[str]:
    return [from_json(arrival.envelope).text for arrival in arrivals(batch)]


def arrivals(batch: Batch):
    return normalise_batch(batch.messages, channel=batch.channel, form=batch.form)


def test_the_published_descriptions_are_there():
    if specs_folder() is None:
        pytest.skip(NO_SPECS)


def test_a_message_is_read_with_its_sender_and_its_sid(connector, twilio):
    sid = twilio.receive("我的账户被盗了", at=NOW - timedelta(minutes=1))
    batch = connector.fetch(begun())
    (arrival,) = arrivals(batch)
    envelope = from_json(arrival.envelope)
    assert (arrival.source_key, envelope.text) == (sid, "我的账户被盗了")
    assert (envelope.sender.kind, envelope.sender.handle) == (PartyKind.PHONE, CUSTOMER)
    assert envelope.to[0].handle == NUMBER
    assert envelope.received_at == NOW - timedelta(minutes=1)
    assert batch.form == "twilio"


def test_the_first_look_takes_messages_from_now_on(connector, twilio, clock):
    twilio.receive("an old one", at=NOW - timedelta(minutes=6))
    first = connector.fetch(None)
    assert (bodies(first), first.notice) == ([], "taking messages from now on")
    clock.at += timedelta(seconds=20)
    twilio.receive("a new one")
    assert bodies(connector.fetch(first.cursor)) == ["a new one"]


def test_a_poll_brings_nothing_twice(connector, twilio):
    twilio.receive("once")
    first = connector.fetch(begun())
    second = connector.fetch(first.cursor)
    assert (bodies(first), bodies(second)) == (["once"], [])


def test_our_own_messages_are_not_the_customers(connector, twilio):
    twilio.receive("ours", direction="outbound-reply")
    twilio.receive("half there", status="receiving")
    assert bodies(connector.fetch(begun())) == []


def test_messages_come_oldest_first_over_many_batches(connector, twilio):
    for number in range(450):
        twilio.receive(str(number), at=NOW - timedelta(seconds=450 - number))
    batch, seen = connector.fetch(begun()), []
    seen += bodies(batch)
    while batch.more:
        batch = connector.fetch(batch.cursor)
        seen += bodies(batch)
    assert seen == [str(number) for number in range(450)]


def test_late_message_with_yesterdays_date_sent_is_found(connector, twilio, clock):
    batch = connector.fetch(begun())
    twilio.receive("late", at=NOW, sent=NOW - timedelta(hours=20))
    clock.at += timedelta(minutes=16)
    assert bodies(connector.fetch(batch.cursor)) == ["late"]


def test_a_cursor_of_another_zone_means_the_same_moment(connector, twilio):
    """02:00 on the 20th in Shanghai is the 19th at Twilio, so days from the 18th on are asked for."""
    twilio.receive("on the 18th", at=datetime(2026, 11, 18, 20, tzinfo=UTC))
    at = "2026-11-20T02:00:00+08:00"
    batch = connector.fetch(Cursor(NUMBER, f"{at} 2026-11-01T00:00:00+08:00"))
    assert bodies(batch) == ["on the 18th"]
    days = [asked.params["DateSent"] for asked in twilio.asked]
    assert days == ["2026-11-18", "2026-11-19", "2026-11-20"]


def test_a_page_link_that_never_ends_is_capped_and_reported(connector, twilio):
    twilio.receive("the only one")
    twilio.endless = True
    batch = connector.fetch(begun())
    assert bodies(batch) == ["the only one"]
    assert "does not end" in batch.notice
    assert len(twilio.asked) < 20


def test_an_odd_record_costs_one_record(connector, twilio):
    twilio.receive("before", at=NOW - timedelta(seconds=3))
    twilio.contract = None
    twilio.receive("", at=NOW - timedelta(seconds=2))
    twilio.messages[-1]["body"] = ["not", "text"]
    twilio.receive("no sender", at=NOW - timedelta(seconds=1), **{"from": None})
    twilio.messages.append(
        {"body": "no sid", "to": NUMBER, "date_sent": twilio.messages[0]["date_sent"], "num_media": "0"}
    )
    twilio.receive("after")
    read = arrivals(connector.fetch(begun()))
    assert [bool(arrival.unreadable) for arrival in read] == [False, True, True, True, False]
    assert all("not" not in arrival.unreadable or "no text" in arrival.unreadable for arrival in read)


def test_files_are_fetched_behind_the_redirect_and_named_by_their_bytes(connector, twilio):
    twilio.receive("screenshot", files=(JPEG, b"<script>"))
    (arrival,) = arrivals(batch := connector.fetch(begun()))
    envelope = from_json(arrival.envelope)
    kinds = [(attachment.name, attachment.media_type, attachment.size) for attachment in envelope.attachments]
    assert kinds == [("file-1.jpg", "image/jpeg", len(JPEG)), ("file-2.bin", "application/octet-stream", 8)]
    assert attachment_content(batch.messages[0].content, 0) == JPEG


def test_a_file_on_a_foreign_host_is_not_fetched_and_the_text_still_comes(connector, twilio):
    sid = twilio.receive("look", files=(JPEG,))
    for location in ("http://169.254.169.254/latest", "https://evil.example/x", "https://twiliocdn.com.evil.example/x"):
        twilio.media[sid][0].location = location
        connector.close()
        (arrival,) = arrivals(connector.fetch(begun()))
        envelope = from_json(arrival.envelope)
        assert (envelope.text, envelope.attachments) == ("look", ())
        assert "host that is not Twilio's" in envelope.defects[0]


def test_a_file_that_is_too_large_is_left_out(connector, twilio):
    twilio.receive("big", files=(b"x" * (17 * 1024 * 1024),))
    (arrival,) = arrivals(connector.fetch(begun()))
    assert "larger than" in from_json(arrival.envelope).defects[0]


def test_a_file_that_cannot_be_fetched_now_is_waited_for_and_then_given_up(connector, twilio):
    twilio.receive("picture", files=(JPEG,))
    twilio.receive("plain")
    twilio.script(Fault(when=lambda asked: "/Media" in asked.path, answer=error(503, 20503), times=99))
    batch = connector.fetch(begun())
    assert bodies(batch) == ["plain"]
    for _ in range(3):
        batch = connector.fetch(batch.cursor)
        assert bodies(batch) == []
    (arrival,) = arrivals(connector.fetch(batch.cursor))
    assert from_json(arrival.envelope).defects == ("A file of the message could not be fetched from Twilio.",)


def test_whatsapp_is_an_address_of_its_own(connect, twilio):
    twilio.receive("by SMS")
    twilio.receive("by WhatsApp", sender=f"whatsapp:{CUSTOMER}", to=f"whatsapp:{NUMBER}")
    connector = connect(whatsapp=True)
    batch = connector.fetch(Cursor(f"whatsapp:{NUMBER}", begun().position))
    (arrival,) = arrivals(batch)
    envelope = from_json(arrival.envelope)
    assert (envelope.text, envelope.sender.kind) == ("by WhatsApp", PartyKind.WHATSAPP)
    assert envelope.sender.handle == CUSTOMER


def test_old_messages_after_an_outage_are_marked_and_come_first(connector, twilio):
    twilio.receive("fresh", at=NOW - timedelta(hours=2))
    twilio.receive("stale", at=NOW - timedelta(hours=36))
    first = connector.fetch(begun(hours=60))
    second = connector.fetch(first.cursor)
    assert (bodies(first), first.backfill, first.more) == (["stale"], True, True)
    assert (bodies(second), second.backfill) == (["fresh"], False)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (error(401, 20003), PermanentError),
        (error(404, 20404), PermanentError),
        (error(500, 20500), TransientError),
        (DemoAnswer(200, content=b"<html>"), TransientError),
    ],
)
def test_a_refusal_is_distinguished_from_an_outage(connector, twilio, answer, expected):
    twilio.script(Fault(answer=answer))
    with pytest.raises(expected) as caught:
        connector.fetch(begun())
    assert not any(secret in str(caught.value) for secret in (ACCOUNT, TOKEN, NUMBER, CUSTOMER))


def test_a_429_is_waited_for_as_long_as_it_says(connector, twilio):
    limited = error(429, 20429)
    twilio.script(Fault(answer=DemoAnswer(429, limited.document, headers={"Retry-After": "17"})))
    with pytest.raises(RateLimited) as caught:
        connector.fetch(begun())
    assert caught.value.seconds == 17


def test_a_line_that_breaks_is_tried_again_later(connector, twilio):
    twilio.script(Fault(reset=True))
    with pytest.raises(TransientError):
        connector.fetch(begun())
    twilio.receive("still there")
    assert bodies(connector.fetch(begun())) == ["still there"]


def test_what_was_read_but_not_kept_is_read_again(connector, twilio):
    twilio.receive("once more")
    connector.fetch(begun())
    connector.close()
    assert bodies(connector.fetch(begun())) == ["once more"]


def test_the_original_is_the_providers_own_record(connector, twilio):
    sid = twilio.receive("hello")
    batch = connector.fetch(begun())
    assert read_document(batch.messages[0].content).record == next(m for m in twilio.messages if m["sid"] == sid)


def test_neither_numbers_nor_text_nor_secrets_are_logged(connector, twilio, caplog, capsys):
    caplog.set_level("DEBUG")
    twilio.receive("a very private sentence")
    connector.fetch(begun())
    logged = caplog.text + capsys.readouterr().out
    assert not any(word in logged for word in (CUSTOMER[1:], TOKEN, "private sentence"))


def test_doctor_finds_the_number(twilio, connector):
    health = connector.probe()
    assert health.ok
    assert "the number belongs to the account" in health.findings


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda fake: fake.numbers.clear(), "no such number"),
        (lambda fake: setattr(fake, "status", "suspended"), "not active"),
        (lambda fake: fake.script(Fault(answer=error(401, 20003))), "refuses the credentials"),
        (lambda fake: fake.script(Fault(answer=error(429, 20429))), "asked too often"),
        (lambda fake: fake.script(Fault(answer=error(500, 20500))), "out of order"),
        (lambda fake: fake.script(Fault(reset=True)), "cannot be reached"),
    ],
)
def test_doctor_says_in_one_sentence_what_is_wrong(twilio, connector, spoil, sentence):
    spoil(twilio)
    health = connector.probe()
    assert not health.ok
    assert sentence in health.findings[-1] or sentence in " ".join(health.findings)


def test_doctor_says_that_a_number_of_mainland_china_takes_no_sms(twilio, connect, monkeypatch):
    twilio.numbers = ["+861069000000"]
    connect()
    health = probe(settings_for(twilio, number="+861069000000"))
    assert not health.ok
    assert "no two-way SMS" in " ".join(health.findings)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("US.AbCdEf", "US.abcdef"),
        ("US." + "1" * 40 + "a", "US." + "1" * 40 + "b"),
    ],
)
def test_whatsapp_users_whose_ids_differ_in_case_or_at_the_end_are_two_people(one, other):
    parties = [party(f"whatsapp:{user}") for user in (one, other)]
    assert [each.handle for each in parties] == [one, other]
    assert party("whatsapp:+8613800138000").handle == "+8613800138000"


def test_the_vectors_of_voice_calls_are_signed_as_messages_are(monkeypatch):
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    vector = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))["twilio_voice_own"]
    monkeypatch.setenv("TWILIO_TOKEN", vector["auth_token"])
    settings = TwilioSettings(kind="twilio", account="env:TWILIO_SID", token="env:TWILIO_TOKEN", number=NUMBER)

    def signed(url: str, params: dict[str, str], signature: str) -> bool:
        body, form = urlencode(params).encode(), "application/x-www-form-urlencoded"
        return is_signed(settings, url=url, body=body, media_type=form, signature=signature)

    params = vector["params"]
    assert signed(vector["url"], params, vector["x_twilio_signature"])
    # An empty field is signed too.
    assert signed(vector["url"], params | {"Digits": ""}, vector["with_empty_Digits"])
    assert not signed(vector["url"], params | {"Digits": ""}, vector["x_twilio_signature"])
    assert signed(vector["url_with_query"], params, vector["signature_url_with_query"])
