"""Calls on a desk: the checks of the hotline's gate that need the database. Their numbers are in the names."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.base import Batch
from connectors.voice.twilio.call_forms import listed_call
from connectors.voice.twilio.connector import VoiceConnector
from store.contacts.erasure import erase_contact
from store.conversations.sla import change_status
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.desk.held_back import read_refusals
from store.tables.gates import FetchedFileRow, PhoneCallRow
from store.tables.messages import ConversationRow, IdentityRow, InboundRow, MessageRow, Status
from tests.fakes.twilio_voice import CALLER, NUMBER, FakeTwilioVoice
from tests.voice_desk import MINUTE, VoiceDesk, action, hang_up, ring, spoken, verbs

RECORDING = "RE" + "2" * 32
PAST = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copy(migrated_sqlite, tmp_path / "omniyard.db")
    opened = Database.at(tmp_path / "omniyard.db")
    yield opened
    opened.close()


@pytest.fixture
def desk(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VoiceDesk:
    return VoiceDesk(database, tmp_path, monkeypatch)


@pytest.fixture
def twilio() -> Iterator[FakeTwilioVoice]:
    fake = FakeTwilioVoice()
    yield fake
    fake.stop()
    assert fake.contract is None or fake.contract.violations == []


def voicemail(desk: VoiceDesk, status: str = "completed", **fields: str) -> None:
    desk.ask("step=recording", RecordingSid=RECORDING, RecordingStatus=status, RecordingDuration="12", **fields)


def test_key_2_and_a_confirmation_are_one_wish_to_be_called_back(desk: VoiceDesk) -> None:
    twiml = ring(desk, "2", "1")
    assert verbs(twiml) == ["Say", "Hangup"]
    hang_up(desk)
    desk.work()
    desk.work(later=MINUTE)
    assert desk.texts() == ["Call-back request 请求回电"]
    assert desk.rows(MessageRow, "direction", "channel") == [("incoming", "hotline")]
    assert (("phone", CALLER)) in desk.rows(IdentityRow, "kind", "handle")
    # A second call of the number, within `join_within`, is of the same case.
    ring(desk, "2", "1", sid="CA" + "5" * 32)
    desk.work()
    assert len(desk.cases("id")) == 1
    assert len(desk.texts()) == 2


def test_without_the_confirmation_it_is_no_wish(desk: VoiceDesk) -> None:
    assert "Record" in verbs(ring(desk, "2", "3"))
    hang_up(desk)
    desk.work(later=MINUTE)
    assert desk.texts() == ["Missed call 未接来电"]


def test_a_caller_who_hangs_up_in_the_menu_is_one_missed_call_after_a_minute(desk: VoiceDesk) -> None:
    ring(desk)
    hang_up(desk)
    desk.work()
    assert desk.texts() == []
    desk.work(later=MINUTE)
    hang_up(desk)
    desk.work(later=MINUTE)
    assert desk.texts() == ["Missed call 未接来电"]
    (received_at,) = desk.rows(MessageRow, "received_at")
    (started_at,) = desk.rows(PhoneCallRow, "started_at")
    (clock,) = desk.rows(ConversationRow, "clock_started_at")
    assert received_at == started_at
    assert abs(clock - started_at) < timedelta(seconds=5)


@pytest.mark.parametrize(
    "order", ["end rec rec rec", "rec end rec rec", "rec rec rec end", "left end rec rec", "end left rec"]
)
def test_a_voicemail_is_one_message_with_one_file(database, tmp_path, monkeypatch, twilio, order) -> None:
    desk = VoiceDesk(database, tmp_path, monkeypatch, more=f'api_base = "{twilio.base}"')
    ring(desk, "3")
    twilio.sounds[RECORDING] = b"\xff\xf3" + bytes(400)
    for word in order.split():
        if word == "end":
            hang_up(desk)
        elif word == "left":
            desk.ask("step=recorded&lang=zh", RecordingSid=RECORDING, RecordingDuration="12", Digits="hangup")
        else:
            voicemail(desk)
        desk.work()
    desk.work(later=MINUTE)
    assert desk.texts() == ["Voicemail 语音留言 · 0:12"]
    desk.fetch()
    assert desk.files() == [("voicemail-1.mp3", "audio/mpeg", 402)]
    # The same again, after the file is here.
    desk.ask("step=transcript", TranscriptionStatus="completed", TranscriptionText="please call me")
    desk.work()
    desk.fetch()
    assert desk.files() == [("voicemail-1.mp3", "audio/mpeg", 402)]
    assert len(desk.cases("id")) == 1


def test_a_recording_that_is_not_there_yet_is_fetched_later(database, tmp_path, monkeypatch, twilio) -> None:
    desk = VoiceDesk(database, tmp_path, monkeypatch, more=f'api_base = "{twilio.base}"')
    ring(desk, "3")
    voicemail(desk)
    desk.work()
    desk.fetch()
    assert desk.rows(FetchedFileRow, "state", "attempts") == [("waiting", 1)]
    twilio.sounds[RECORDING] = b"ID3" + bytes(100)
    again(desk)
    assert desk.rows(FetchedFileRow, "state", "attempts") == [("fetched", 2)]
    assert desk.files() == [("voicemail-1.mp3", "audio/mpeg", 103)]


def test_a_recording_that_never_comes_says_why(database, tmp_path, monkeypatch, twilio) -> None:
    desk = VoiceDesk(database, tmp_path, monkeypatch, more=f'api_base = "{twilio.base}"')
    ring(desk, "3")
    voicemail(desk)
    desk.work()
    for _ in range(8):
        again(desk)
    assert desk.rows(FetchedFileRow, "state", "error") == [("failed", "refused")]


def again(desk: VoiceDesk) -> None:
    """Fetch the files now, whenever they are due."""
    table = table_of(FetchedFileRow)
    with desk.database.write() as connection:
        connection.execute(table.update().values(due_at=PAST))
    desk.fetch()


def test_an_empty_recording_is_a_missed_call(desk: VoiceDesk) -> None:
    ring(desk, "3")
    hang_up(desk)
    voicemail(desk, "absent")
    desk.work(later=MINUTE)
    assert desk.texts() == ["Missed call 未接来电"]
    assert desk.files() == []


def test_a_transcript_completes_its_message_and_reopens_nothing(desk: VoiceDesk) -> None:
    ring(desk, "3")
    hang_up(desk)
    voicemail(desk)
    desk.work()
    resolve(desk)
    for status in ("completed", "completed", "failed"):
        desk.ask("step=transcript", TranscriptionStatus=status, TranscriptionText="where is my refund")
        desk.work()
    assert desk.texts() == ["Voicemail 语音留言 · 0:12\nTranscript by machine 机器转写: where is my refund"]
    assert desk.cases("status") == ["resolved"]
    assert len(desk.rows(InboundRow, "id")) == 2


def resolve(desk: VoiceDesk) -> None:
    (case,) = desk.cases("id")
    with desk.database.write() as connection:
        change_status(connection, conversation_id=case, status=Status.RESOLVED, at=read_clock(connection), by="ann")


def test_words_of_danger_in_a_transcript_call_people(desk: VoiceDesk) -> None:
    ring(desk, "3")
    voicemail(desk)
    desk.work()
    assert desk.cases("priority") != ["urgent"]
    desk.ask("step=transcript", TranscriptionStatus="completed", TranscriptionText="I was hacked, my money is gone")
    desk.work()
    assert desk.cases("priority", "team") == [("urgent", "risk")]


def test_the_danger_key_calls_people_at_once_and_takes_a_voicemail(desk: VoiceDesk) -> None:
    twiml = ring(desk, "1")
    assert "Record" in verbs(twiml)
    assert "Dial" not in verbs(twiml)
    desk.work()
    assert desk.cases("priority", "team") == [("urgent", "risk")]


def test_the_danger_key_dials_the_emergency_number_until_the_cap(database, tmp_path, monkeypatch) -> None:
    more = 'emergency_number = "+14155550199"\ndials_per_day = 1'
    desk = VoiceDesk(database, tmp_path, monkeypatch, more=more)
    twiml = ring(desk, "1")
    assert verbs(twiml) == ["Say", "Say", "Dial", "Number"]
    # The leg to the emergency number is no call of its own.
    desk.ask("step=status", sid="CA" + "8" * 32, ParentCallSid="CA" + "1" * 32, From=NUMBER, CallStatus="completed")
    assert verbs(desk.ask(action(twiml), DialCallStatus="completed")) == ["Hangup"]
    hang_up(desk)
    desk.work()
    assert desk.rows(PhoneCallRow, "sid", "talked", "caller") == [("CA" + "1" * 32, True, CALLER)]
    assert "已接通紧急号码" in desk.texts()[0]
    capped = ring(desk, "1", sid="CA" + "7" * 32)
    assert "Dial" not in verbs(capped)
    assert "Record" in verbs(capped)


def test_an_emergency_number_that_does_not_answer_leads_to_a_voicemail(database, tmp_path, monkeypatch) -> None:
    more = 'emergency_number = "+14155550199"\ndials_per_day = 9'
    desk = VoiceDesk(database, tmp_path, monkeypatch, more=more)
    assert "Record" in verbs(desk.ask(action(ring(desk, "1")), DialCallStatus="no-answer"))


def test_a_process_that_dies_before_the_end_is_made_good_by_the_poll(desk: VoiceDesk, twilio) -> None:
    ring(desk)
    sid = twilio.ring(CALLER, sid="CA" + "1" * 32)
    assert sid
    (line,) = twilio.calls
    news = listed_call(line, stale_after=timedelta(hours=1), now=PAST + timedelta(days=99999))
    assert news is not None
    for _ in range(2):
        desk.take(Batch(channel="hotline", form="voice", calls=[news]))
        desk.work(later=MINUTE)
    assert desk.texts() == ["Missed call 未接来电"]


def test_a_call_that_only_the_poll_found_is_missed_when_the_file_says(database, tmp_path, monkeypatch, twilio) -> None:
    desk = VoiceDesk(database, tmp_path, monkeypatch, more=f'api_base = "{twilio.base}"\nmissed_after = "5m"')
    gate = VoiceConnector("hotline", desk.settings.channels["hotline"])
    twilio.ring(CALLER)
    desk.take(gate.fetch(None))
    desk.work(later=timedelta(minutes=4))
    assert desk.texts() == []
    desk.work(later=timedelta(minutes=2))
    assert desk.texts() == ["Missed call 未接来电"]


def test_the_same_step_asked_twice_gives_the_same_bytes_and_one_wish(desk: VoiceDesk) -> None:
    first = ring(desk)
    assert desk.ask("step=start", CallStatus="ringing") == first
    confirm = desk.ask(action(first), Digits="2")
    assert desk.ask(action(first), Digits="2") == confirm
    thanks = desk.ask(action(confirm), Digits="1")
    desk.work()
    assert desk.ask(action(confirm), Digits="1") == thanks
    desk.work()
    assert desk.texts() == ["Call-back request 请求回电"]
    assert desk.rows(PhoneCallRow, "wants_callback") == [True]


def test_a_caller_who_calls_too_often_is_rejected(database, tmp_path, monkeypatch) -> None:
    desk = VoiceDesk(database, tmp_path, monkeypatch, more='calls_per_caller = 3\nblocked = ["+14155550123"]')
    answers = [ring(desk, sid=f"CA{number:032x}") for number in range(5)]
    assert [verbs(each)[-1] for each in answers] == ["Say", "Say", "Say", "Reject", "Reject"]
    assert verbs(ring(desk, sid="CA" + "b" * 32, From="+14155550123")) == ["Reject"]
    # Withheld numbers are of many people.
    hidden = [ring(desk, sid=f"CB{number:032x}", From="anonymous") for number in range(5)]
    assert "Reject" not in {verb for each in hidden for verb in verbs(each)}
    desk.work(later=timedelta(hours=1))
    assert sum(desk.rows(PhoneCallRow, "rejected")) == 3
    with desk.database.read() as connection:
        (refusal,) = read_refusals(connection)
    assert (refusal.channel, refusal.bound, refusal.refused) == ("hotline", "calls_of_caller", 3)
    assert len(desk.texts()) == 8


@pytest.mark.parametrize("hidden", ["anonymous", "+266696687", "", "unknown"])
def test_withheld_callers_are_no_one_together(desk: VoiceDesk, hidden: str) -> None:
    for letter in "ab":
        twiml = ring(desk, From=hidden, sid="CA" + letter * 32)
        assert "2" not in spoken(twiml).replace("按8", "")
        assert "Record" in verbs(desk.ask(action(twiml), Digits="2", From=hidden, sid="CA" + letter * 32))
        hang_up(desk, From=hidden, sid="CA" + letter * 32)
    desk.work(later=MINUTE)
    contacts = desk.rows(MessageRow, "contact_id", "conversation_id")
    assert len({contact for contact, _ in contacts}) == 2
    assert len({case for _, case in contacts}) == 2


def test_a_call_whose_end_no_one_reports_is_missed_after_half_an_hour(desk: VoiceDesk) -> None:
    ring(desk)
    desk.work(later=timedelta(minutes=20))
    assert desk.texts() == []
    desk.work(later=timedelta(minutes=11))
    assert desk.texts() == ["Missed call 未接来电"]


def test_an_erased_customer_leaves_no_call_behind(desk: VoiceDesk) -> None:
    ring(desk, "3")
    voicemail(desk)
    desk.ask("step=transcript", TranscriptionStatus="completed", TranscriptionText="my name is Ann")
    desk.work()
    (contact,) = set(desk.rows(MessageRow, "contact_id"))
    with desk.database.write() as connection:
        erase_contact(connection, contact, by="ann", reason="asked", now=datetime.now(UTC))
    assert desk.rows(PhoneCallRow, "id") == []
