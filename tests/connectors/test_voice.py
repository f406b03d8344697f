"""The hotline's gate without a database: what callers hear, what callbacks say, the probe, the poll."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from connectors.base import Cursor
from connectors.call_machine import StaffedHours
from connectors.registry import connector_of, file_request, open_polled, probe_channel
from connectors.safe_http import Forbidden
from connectors.sms.twilio.webhook import read_form
from connectors.voice.call_messages import batch_of, read_call
from connectors.voice.twilio.call_forms import caller_of, news_of
from connectors.voice.twilio.connector import VoiceConnector
from connectors.voice.twilio.machine import open_machine
from connectors.voice.twilio.menu import MenuPosition, Step
from router.errors import ConfigError, PermanentError, RateLimited, TransientError
from router.hours.from_settings import build_calendars
from router.phone_call import CallNews, CallPhase, PhoneCall, Recording, RecordingState, due_at, merge
from router.replies.phrases import opening_words
from router.settings import Settings, read_settings
from tests.fakes.server import DemoAnswer, Fault
from tests.fakes.twilio_voice import ACCOUNT, ADDRESS, CALLER, NUMBER, TOKEN, FakeTwilioVoice, number_record, signed
from tests.voice_desk import action, channel_text, spoken, verbs

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
SID = "CA" + "1" * 32
REST = """
[calendars.office]
timezone = "Asia/Shanghai"
week = { mon-fri = ["09:00-18:00"] }
holidays = "CN"
[[routes]]
name = "all"
team = "front"
"""
ALLOWED = {
    "Response": set(),
    "Say": {"language", "voice"},
    "Gather": {"input", "numDigits", "timeout", "action", "actionOnEmptyResult", "finishOnKey"},
    "Record": {
        "action", "timeout", "finishOnKey", "maxLength", "playBeep", "trim", "recordingStatusCallback",
        "recordingStatusCallbackEvent", "transcribe", "transcribeCallback",
    },
    "Dial": {"action", "timeout", "timeLimit", "answerOnBridge"},
    "Number": set(),
    "Reject": {"reason"},
    "Hangup": set(),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("VOICE_TOKEN", TOKEN)


@pytest.fixture
def twilio() -> Iterator[FakeTwilioVoice]:
    fake = FakeTwilioVoice()
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []


def settings(more: str = "", *, public: bool = True, base: str = "") -> Settings:
    head = '[omniyard]\npublic_url = "https://desk.example"\n' if public else ""
    api = f'api_base = "{base}"\n' if base else ""
    return read_settings(head + channel_text(api + more) + REST)


def machine_of(made: Settings):
    calendar = build_calendars(made)["office"]

    def words(at: datetime, language: str) -> str:
        opening = calendar.next_opening(at)
        return opening_words(opening, now=at, zone=calendar.zone, language=language) if opening else ""

    hours = StaffedHours(is_open=calendar.is_open, opening_words=words)
    return open_machine("hotline", made.channels["hotline"], made.omniyard, hours)


def call(**fields: Any) -> PhoneCall:
    return PhoneCall(**{"sid": SID, "caller": CALLER, "started_at": NOW} | fields)


@pytest.mark.parametrize(
    ("at", "hears", "says"),
    [
        # The Saturday before Spring Festival 2026 is a make-up working day, then the holidays begin.
        ("2026-02-13T19:00", False, "明天（2月14日 星期六）09:00"),
        ("2026-02-14T10:00", True, None),
        ("2026-02-14T18:30", False, "2月24日（星期二）09:00"),
        # An ordinary Saturday: the next opening is on Monday.
        ("2026-11-28T10:00", False, "11月30日（星期一）09:00"),
        ("2026-11-30T17:59", True, None),
        ("2026-11-30T18:00", False, "明天（12月1日 星期二）09:00"),
    ],
)
def test_a_closed_hotline_says_when_it_opens(at: str, hears: bool, says: str | None) -> None:
    started = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
    twiml = machine_of(settings()).answer(signed("step=start"), call(started_at=started)).text
    assert ("非工作时间" in spoken(twiml)) is not hears
    assert says is None or says in spoken(twiml)
    # The danger key is offered at any hour.
    assert "按1" in spoken(twiml)


def test_each_language_is_found_by_its_key() -> None:
    machine = machine_of(settings())
    english = machine.answer(signed("step=menu&lang=zh&n=1", Digits="8"), call()).text
    assert "press 1" in spoken(english)
    assert "中文服务请按8" in spoken(english)
    chinese = machine.answer(signed("step=menu&lang=en&n=2", Digits="8"), call()).text
    assert "请按1" in spoken(chinese)
    assert {each.get("language") for each in etree.fromstring(chinese.encode()).iter("Say")} == {"cmn-CN", "en-US"}


def test_no_menu_goes_on_for_ever() -> None:
    machine, turns = machine_of(settings()), 0
    twiml = machine.answer(signed("step=start"), call()).text
    while "Gather" in verbs(twiml):
        turns += 1
        assert turns < 7
        twiml = machine.answer(signed(action(twiml), Digits="0"), call()).text
    assert "Record" in verbs(twiml)
    silent = machine.answer(signed("step=menu&lang=zh&n=2", Digits=""), call()).text
    assert "Record" in verbs(silent)


def test_every_path_is_well_formed_and_uses_known_verbs() -> None:
    more = 'emergency_number = "+14155550199"\ndials_per_day = 5\ntranscribe = true'
    for made in (settings(), settings(more)):
        machine = machine_of(made)
        for step, keys, caller, lang, turn in itertools.product(
            Step, ("", "0", "1", "2", "3", "8", "*", "99"), (CALLER, ""), ("zh", "en", "?"), ("1", "9", "x")
        ):
            request = signed(f"step={step}&lang={lang}&n={turn}", Digits=keys, DialCallStatus="busy")
            document = etree.fromstring(machine.answer(request, call(caller=caller)).text.encode())
            for each in document.iter():
                assert set(each.attrib) <= ALLOWED[str(each.tag)]
            for url in (value for each in document.iter() for value in each.attrib.values() if "://" in value):
                assert url.startswith(f"{ADDRESS}?step=")
        assert etree.fromstring(machine.fallback(signed("step=start")).text.encode()).find("Record") is not None
    assert verbs(machine.answer(signed("step=start"), call(rejected=True)).text) == ["Reject"]


@pytest.mark.parametrize("letter", ["\\u0000", "\\u0007", "\\n", "\\u202e"])
def test_a_text_with_control_characters_is_refused_with_its_line(letter: str) -> None:
    with pytest.raises(ConfigError, match=r"channels\.toml:\d+|:\d+: |line \d+") as refused:
        settings(f'greeting = {{ zh = "您好{letter}" }}')
    assert "greeting" in str(refused.value)


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ('emergency_number = "+14155550199"', "dials_per_day"),
        ("dials_per_day = 3", "emergency_number"),
        ('voicemail = "11m"', "voicemail"),
        ('languages = ["zh", "zh"]', "languages"),
        ("calls_per_caller = 0", "calls_per_caller"),
    ],
)
def test_no_money_is_spent_without_a_cap_and_other_mistakes(more: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        settings(more)


def test_what_check_says_of_a_hotline() -> None:
    assert settings().channels["hotline"].concerns(public_url="https://desk.example") == ()
    (where,) = settings(public=False).channels["hotline"].concerns(public_url=None)
    assert "public_url" in where.message
    (english,) = settings("transcribe = true").channels["hotline"].concerns(public_url="https://desk.example")
    assert "English" in english.message


@pytest.mark.parametrize(
    ("shown", "caller"),
    [
        (CALLER, CALLER),
        ("sip:+8613800138000@host.example;user=phone", CALLER),
        ("sips:+8613800138000@host.example", CALLER),
        ("client:agent-7", "agent-7"),
        *((hidden, "") for hidden in ("", "anonymous", "Anonymous", "+266696687", "unknown", "Restricted")),
        ("sip:anonymous@anonymous.invalid", ""),
    ],
)
def test_a_caller_is_a_number_or_no_one(shown: str, caller: str) -> None:
    assert caller_of(shown) == caller


def test_checks_of_order_whatever_comes_first_the_call_is_the_same() -> None:
    news = [
        CallNews(sid=SID, phase=CallPhase.TALKING),
        CallNews(sid=SID, phase=CallPhase.ENDED),
        CallNews(sid=SID, recording=Recording(sid="RE1", state=RecordingState.LEFT)),
        CallNews(sid=SID, recording=Recording(sid="RE1", state=RecordingState.READY, seconds=9)),
        CallNews(sid=SID, transcript="hello"),
    ]
    ends = set()
    for order in itertools.permutations(news):
        known = call()
        for each in (*order, *order):
            known = merge(known, each, now=NOW)
        ends.add((known.phase, known.recordings, known.transcript, known.ended_at))
    assert ends == {(CallPhase.ENDED, (Recording(sid="RE1", state=RecordingState.READY, seconds=9),), "hello", NOW)}


def test_a_report_that_overtakes_its_call_leaves_room_for_the_caller() -> None:
    assert merge(call(caller=""), CallNews(sid=SID, caller=CALLER), now=NOW).caller == CALLER
    assert merge(call(), CallNews(sid=SID), now=NOW).caller == CALLER


def test_when_a_call_becomes_a_message() -> None:
    minute = timedelta(seconds=60)

    def due(**fields: Any) -> datetime | None:
        return due_at(call(**fields), now=NOW, missed_after=minute)

    assert due() == NOW + timedelta(minutes=30)
    assert due(phase=CallPhase.ENDED, ended_at=NOW) == NOW + minute
    assert due(danger=True) == NOW
    assert due(wants_callback=True) == NOW
    assert due(recordings=(Recording(sid="R", state=RecordingState.LEFT),), ended_at=NOW) == NOW + minute
    assert due(recordings=(Recording(sid="R", state=RecordingState.READY),)) == NOW
    assert due(rejected=True, danger=True) is None
    assert due(version=3, written=3) is None
    assert due(version=4, written=3) == NOW


def test_a_leg_tells_of_its_call_and_never_of_its_own_end() -> None:
    body = signed("step=status", ParentCallSid=SID, CallSid="CA2", CallStatus="completed", From=NUMBER).body
    news = news_of(read_form(body), MenuPosition(step=Step.STATUS, language="zh"), now=NOW)
    assert (news.sid, news.phase, news.caller) == (SID, CallPhase.RINGING, "")


def right(**over: Any) -> dict[str, Any]:
    usual = {
        "voice_url": ADDRESS,
        "status_callback": f"{ADDRESS}?step=status",
        "voice_fallback_url": "https://handler.twilio.com/twiml/EH1",
    }
    return number_record(**usual | over)


@pytest.mark.parametrize(
    ("over", "ok", "says"),
    [
        ({}, True, "leads to this desk"),
        ({"voice_url": "https://old.example/voice"}, False, f'has "https://old.example/voice", expected "{ADDRESS}"'),
        ({"voice_url": ""}, False, f'expected "{ADDRESS}"'),
        ({"voice_method": "GET"}, False, "expected HTTP POST"),
        ({"voice_fallback_url": ""}, True, "TwiML Bin"),
        ({"voice_fallback_url": f"{ADDRESS}?step=start"}, True, "works without us"),
        ({"status_callback": ""}, True, f'expected "{ADDRESS}?step=status"'),
        ({"voice_application_sid": "AP1"}, False, "an application (AP1)"),
        ({"trunk_sid": "TK1"}, False, "a SIP trunk (TK1)"),
        ({"capabilities": {"voice": False, "sms": True, "mms": False, "fax": False}}, False, "capabilities.voice"),
    ],
)
def test_the_probe_says_what_to_change(twilio: FakeTwilioVoice, over: dict, ok: bool, says: str) -> None:
    twilio.number = right(**over)
    made = settings(base=twilio.base)
    health = probe_channel("hotline", made.channels["hotline"], desk=made.omniyard)
    assert health.ok is ok, health
    assert len([each for each in health.findings if says in each]) == 1


def test_the_probe_repeats_what_twilio_says(twilio: FakeTwilioVoice, monkeypatch: pytest.MonkeyPatch) -> None:
    made = settings("least_balance = 30", base=twilio.base)

    def findings() -> tuple[bool, str]:
        health = probe_channel("hotline", made.channels["hotline"], desk=made.omniyard)
        return health.ok, "\n".join(health.findings)

    twilio.number = right()
    assert findings()[0]
    assert "25.00 USD left" in findings()[1]
    twilio.number = None
    assert "no such number" in findings()[1]
    twilio.status = "suspended"
    assert "suspended" in findings()[1]
    twilio.script(Fault(answer=DemoAnswer(429, {"code": 20429, "message": "no", "more_info": "", "status": 429})))
    assert "20429" in findings()[1]
    monkeypatch.setenv("VOICE_TOKEN", "t0ken-of-others")
    made = settings(base=twilio.base)
    ok, said = findings()
    assert not ok
    assert "20003" in said
    assert "t0ken" not in said


def test_a_hotline_without_a_menu_is_not_polled_and_takes_no_calls() -> None:
    made = read_settings('[channels.hotline]\nkind = "voice"\nnumber = "+861069001234"\n' + REST)
    assert open_polled(made) == []
    assert connector_of("hotline", made.channels["hotline"]) is not None
    assert probe_channel("hotline", made.channels["hotline"], desk=made.omniyard).ok


def connect(twilio: FakeTwilioVoice, *, now: datetime = NOW) -> VoiceConnector:
    return VoiceConnector("hotline", settings(base=twilio.base).channels["hotline"], clock=lambda: now)


def test_after_a_day_away_the_poll_finds_every_call(twilio: FakeTwilioVoice) -> None:
    first = connect(twilio, now=NOW - timedelta(days=1)).fetch(None)
    assert first.calls == []
    for hours in range(1, 24):
        twilio.ring(CALLER, at=NOW - timedelta(hours=hours))
    twilio.ring(CALLER, at=NOW - timedelta(minutes=10), status="in-progress")
    twilio.ring(CALLER, at=NOW - timedelta(minutes=9), direction="outbound-api")
    twilio.ring(CALLER, at=NOW - timedelta(minutes=9), parent_call_sid="CA" + "9" * 32)
    gate = connect(twilio)
    batch = gate.fetch(first.cursor)
    assert len(batch.calls) == 24
    old = [each for each in batch.calls if each.backfill]
    assert len(old) == 22
    assert {each.phase for each in old} == {CallPhase.ENDED}
    # What was brought is not brought again; what changed is.
    assert gate.fetch(batch.cursor).calls == []
    sid = next(each["sid"] for each in twilio.calls if each["status"] == "in-progress")
    twilio.calls[23]["status"] = "completed"
    twilio.leave_voicemail(str(sid))
    again = gate.fetch(batch.cursor).calls
    assert [(each.sid, each.phase) for each in again] == [(sid, CallPhase.ENDED), (sid, CallPhase.RINGING)]
    assert again[1].recording is not None
    assert again[1].recording.state is RecordingState.READY


def test_a_poll_takes_no_other_numbers_recordings_and_no_calls_from_before(twilio: FakeTwilioVoice) -> None:
    twilio.ring(CALLER, at=NOW - timedelta(hours=2))
    twilio.leave_voicemail("CA" + "8" * 32)
    assert connect(twilio).fetch(None).calls == []
    twilio.ring(CALLER, at=NOW)
    assert len(connect(twilio).fetch(None).calls) == 1


def test_another_number_begins_again_and_refusals_are_translated(twilio: FakeTwilioVoice) -> None:
    batch = connect(twilio).fetch(Cursor("+14155559999", f"{NOW.isoformat()} {NOW.isoformat()}"))
    assert "another number" in batch.notice
    for answer, kind in ((401, PermanentError), (429, RateLimited), (503, TransientError)):
        document = {"code": 20003, "message": "no", "more_info": "", "status": answer}
        twilio.script(Fault(answer=DemoAnswer(answer, document)))
        with pytest.raises(kind):
            connect(twilio).fetch(None)


def test_only_recordings_of_the_account_are_fetched_with_its_token() -> None:
    channel = settings().channels["hotline"]
    request = file_request(channel, "twilio-recording:RE1")
    assert request is not None
    assert request.url == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Recordings/RE1.mp3"
    assert not request.allow_private
    for url in ("https://evil.example/x.mp3", "twilio-recording:../Calls", "twilio-recording:"):
        with pytest.raises(Forbidden):
            file_request(channel, url)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (PhoneCall(sid=SID, caller=CALLER, started_at=NOW), ""),
        (PhoneCall(sid=SID, caller=CALLER, started_at=NOW, wants_callback=True), ""),
        (
            PhoneCall(sid=SID, caller=CALLER, started_at=NOW, danger=True),
            "Danger key pressed 按了紧急键: 账户被盗 account hacked",
        ),
        (
            PhoneCall(sid=SID, caller=CALLER, started_at=NOW, wants_callback=True, transcript="my card is gone"),
            "Transcript by machine 机器转写: my card is gone",
        ),
    ],
)
def test_our_own_lines_about_a_call_are_shown_and_not_judged(call: PhoneCall, words: str) -> None:
    """A missed call was once a complaint: our words were taken for the customer's."""
    [message] = batch_of("hotline", [call], backfill=False).messages
    envelope = read_call(message, "hotline")
    assert envelope.words == words
    assert envelope.text != ""
