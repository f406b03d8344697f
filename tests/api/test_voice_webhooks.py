"""The address of calls, over HTTP: signed or refused, answered without the database, and what agents see of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
import structlog
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from lxml import etree

from api import voice_webhooks
from api.http.permissions import Role
from router.errors import TransientError
from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.gates import PhoneCallRow
from store.tables.messages import AttachmentRow, ConversationRow
from store.tables.operations import AuditRow
from tests.absent_inputs import NO_SPECS
from tests.api.conftest import MovingClock, settings_in
from tests.app_client import AppClient
from tests.fakes.contract import specs_folder
from tests.fakes.twilio_voice import ACCOUNT, CALLER, NUMBER, TOKEN, FakeTwilioVoice, signed, tone
from tests.voice_desk import action, channel_text, verbs
from workers.broker.doorbell import Bell
from workers.calls.call_writer import CallWriter
from workers.calls.hotline import Hotline
from workers.chores.fetch_files import FileFetcher
from workers.intake.intake import Intake
from workers.routing.brain import build_brain
from workers.routing.route import MessageRouter

SID = "CA" + "1" * 32
RECORDING = "RE" + "2" * 32


@pytest.fixture
def twilio() -> Iterator[FakeTwilioVoice]:
    fake = FakeTwilioVoice()
    yield fake
    fake.stop()


@pytest.fixture
def settings(tmp_path: Path, clock: MovingClock, twilio, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("VOICE_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("VOICE_TOKEN", TOKEN)
    # Routing has the database's clock.
    clock.at = datetime.now(UTC)
    channel = channel_text(f'api_base = "{twilio.base}"').replace('calendar = "office"\n', "")
    return settings_in(tmp_path / "data", more=f'public_url = "https://desk.example"\n{channel}')


@pytest.fixture
def browser(app: FastAPI, portal: BlockingPortal, token_of: Callable[[str], str]) -> AppClient:
    """An agent's browser, signed in at the public address."""
    headers = {"Accept": "text/html", "Accept-Language": "en"}
    opened = AppClient(app, portal, base_url="https://desk.example", headers=headers)
    form = {"token": token_of(Role.AGENT)}
    assert opened.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    return opened


@pytest.fixture
def provider(app: FastAPI, portal: BlockingPortal) -> AppClient:
    return AppClient(app, portal, base_url="https://desk.example")


@pytest.fixture
def ask(provider: AppClient) -> Callable[..., str]:
    def ask(query: str = "step=start", **fields: str) -> str:
        request = signed(query, **fields)
        answer = provider.post(f"/voice/hotline?{query}", content=request.body, headers=dict(request.headers))
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, "text/xml")
        return answer.text

    return ask


def work(database: Database, settings: Settings) -> None:
    intake = Intake(database, bell=Bell(lambda: None))
    writer = CallWriter(database, Hotline(settings, database), intake)
    router = MessageRouter(database, build_brain(settings))
    while writer.once() or router.route_oldest():
        pass
    FileFetcher(database, settings, seconds=5).once()
    intake.close()


def rows(database: Database, model: type, *columns: str) -> list[tuple]:
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*(table_of(model).c[name] for name in columns)))]


def vectors() -> dict:
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    return json.loads((folder / "vectors.json").read_text(encoding="utf-8"))["twilio_voice_own"]


@pytest.mark.parametrize(
    ("field", "query", "more"),
    [
        ("x_twilio_signature", "", {}),
        ("with_empty_Digits", "", {"Digits": ""}),
        ("signature_url_with_query", "?step=menu&n=1", {}),
    ],
)
def test_checks_1_and_2_the_vectors_of_a_call_are_taken_and_one_changed_byte_is_not(
    provider: AppClient, database: Database, field: str, query: str, more: dict[str, str]
) -> None:
    given = vectors()
    assert given["auth_token"] == TOKEN
    headers = {"X-Twilio-Signature": given[field], "Content-Type": "application/x-www-form-urlencoded"}
    good = urlencode(given["params"] | more)
    forged = good.replace("13800138000", "13800138001")
    with structlog.testing.capture_logs() as logs:
        refused = provider.post(f"/voice/hotline{query}", content=forged.encode(), headers=headers)
    assert refused.status_code == 403
    assert rows(database, PhoneCallRow, "id") == []
    assert [each for each in logs if each["event"] == "call.refused"]
    assert "1380013800" not in json.dumps(logs, default=str)
    taken = provider.post(f"/voice/hotline{query}", content=good.encode(), headers=headers)
    assert taken.status_code == 200
    assert etree.fromstring(taken.content).tag == "Response"
    assert rows(database, PhoneCallRow, "caller") == [(CALLER,)]


def test_what_is_not_for_this_hotline_is_refused(provider: AppClient, database: Database) -> None:
    def status(address: str = "/voice/hotline", query: str = "step=start", **fields: str) -> int:
        request = signed(query, **fields)
        return provider.post(f"{address}?{query}", content=request.body, headers=dict(request.headers)).status_code

    assert status(To="+14155550111") == 422
    assert status(AccountSid="AC" + "9" * 32) == 422
    assert status(query="step=elsewhere") == 422
    assert status(CallSid="") == 422
    assert status("/voice/none") == 404
    assert status("/voice/support-mail") == 404
    assert provider.get("/voice/hotline").status_code == 405
    assert rows(database, PhoneCallRow, "id") == []


def test_without_the_database_the_caller_is_asked_for_a_voicemail(
    app: FastAPI, ask, provider: AppClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise TransientError("the database is away")

    hotline = app.state.desk.hotline
    monkeypatch.setattr(hotline, "_database", SimpleNamespace(read=away, write=away))
    twiml = ask("step=start")
    assert [verb for verb in verbs(twiml) if verb != "Say"] == ["Record", "Hangup"]
    assert "step=recording" in twiml
    assert verbs(ask("step=recorded&lang=en", RecordingSid=RECORDING)) == ["Say", "Hangup"]
    # A report may be repeated.
    request = signed("step=recording", RecordingSid=RECORDING, RecordingStatus="completed")
    report = provider.post("/voice/hotline?step=recording", content=request.body, headers=dict(request.headers))
    assert report.status_code == 503
    counted = app.state.desk.meter.registry.get_sample_value(
        "omniyard_calls_without_database_total", {"channel": "hotline"}
    )
    assert counted == 3


def test_a_database_that_hangs_does_not_keep_the_caller_waiting(
    app: FastAPI, ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = Event()

    def hang(*_: object, **__: object) -> None:
        released.wait(20)
        raise TransientError("it came too late")

    monkeypatch.setattr(app.state.desk.hotline, "_database", SimpleNamespace(read=hang, write=hang))
    monkeypatch.setattr(voice_webhooks, "_PATIENCE_SECONDS", 0.2)
    try:
        assert "Record" in verbs(ask("step=start"))
    finally:
        released.set()


@pytest.fixture
def voicemail(ask, twilio: FakeTwilioVoice, database: Database, settings: Settings) -> str:
    """Leave a voicemail; returns the id of its file."""
    twilio.sounds[RECORDING] = tone(1)
    ask(action(ask("step=start")), Digits="3")
    ask("step=recording", RecordingSid=RECORDING, RecordingStatus="completed", RecordingDuration="1")
    work(database, settings)
    ((file_id,),) = rows(database, AttachmentRow, "id")
    return str(file_id)


def test_a_voicemail_is_played_on_the_desk(browser: AppClient, voicemail: str, database: Database) -> None:
    ((reference,),) = rows(database, ConversationRow, "reference")
    page = browser.get(f"/conversations/{reference}")
    assert f'src="/attachments/{voicemail}/sound"' in page.text
    assert "media-src 'self'" in page.headers["content-security-policy"]
    assert "0:01" in page.text
    content = tone(1)
    whole = browser.get(f"/attachments/{voicemail}/sound")
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, content, "audio/wav")


@pytest.mark.parametrize(
    ("wanted", "status", "start", "end"),
    [
        ("bytes=0-", 206, 0, None),
        ("bytes=0-1", 206, 0, 2),
        ("bytes=100-199", 206, 100, 200),
        ("bytes=-10", 206, -10, None),
        ("bytes=5-99999999", 206, 5, None),
        ("bytes=99999999-", 416, 0, 0),
        # What is not understood is ignored (RFC 9110 section 14.2).
        ("bytes=-", 200, 0, None),
        ("bytes=0-1,5-9", 200, 0, None),
        ("lines=1-2", 200, 0, None),
    ],
)
def test_a_player_gets_the_part_that_it_asks_for(
    browser: AppClient, voicemail: str, wanted: str, status: int, start: int, end: int | None
) -> None:
    content = tone(1)
    answer = browser.get(f"/attachments/{voicemail}/sound", headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (status, content[start:end])
    if status == 206:
        first = start % len(content)
        last = (end or len(content)) - 1
        assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(content)}"


def test_listening_is_in_the_audit_trail_and_not_for_all(
    browser: AppClient, client_of, voicemail: str, database: Database, app: FastAPI
) -> None:
    browser.get(f"/attachments/{voicemail}/sound")
    app.state.desk.trail.flush()
    objects = [found for action, found in rows(database, AuditRow, "action", "object") if action == "request.read"]
    assert any(voicemail in found for found in objects)
    stranger = client_of(Role.VIEWER).get(
        f"/attachments/{voicemail}/sound", headers={"Host": "desk.example", "Accept": "text/html"}
    )
    assert stranger.status_code == 403


def listed(browser: AppClient) -> list[str]:
    """The lines of the list of calls to make."""
    found = re.findall(r'<li>\s*<span class="caller">.*?</li>', browser.get("/calls").text, re.DOTALL)
    return [line for line in found if "tel:" in line]


def done(browser: AppClient, call: str) -> int:
    return browser.post(
        "/calls/called-back", data={"call": call}, headers={"Sec-Fetch-Site": "same-origin"}
    ).status_code


def test_a_call_back_request_is_a_task_until_it_is_done(
    browser: AppClient, ask, database: Database, settings: Settings
) -> None:
    for sid in (SID, "CA" + "2" * 32):
        ask(action(ask(action(ask("step=start", sid=sid)), Digits="2", sid=sid)), Digits="1", sid=sid)
        work(database, settings)
    # A number is called once, however often it asked.
    (line,) = listed(browser)
    assert "2 calls" in line
    (newest,) = re.findall(r'name="call" value="([^"]+)"', line)
    assert (done(browser, newest), done(browser, newest)) == (303, 409)
    assert listed(browser) == []
    settled = browser.get("/calls").text.partition("Dealt with in the last 24 hours")[2]
    assert (CALLER in settled, "the agent" in settled) == (True, True)
    assert [one for (one,) in rows(database, AuditRow, "action") if one == "call.called_back"] == ["call.called_back"]


def miss(ask, database: Database, settings: Settings, *, sid: str = SID, **fields: str) -> None:
    """Call and hang up; the minute in which a voicemail could come is over."""
    ask("step=start", sid=sid, **fields)
    ask("step=status", sid=sid, CallStatus="completed", **fields)
    call = table_of(PhoneCallRow)
    with database.write() as connection:
        connection.execute(sa.update(call).where(call.c.sid == sid).values(due_at=call.c.started_at))
    work(database, settings)


def test_a_missed_call_is_a_task_until_its_case_is_answered(
    browser: AppClient, ask, database: Database, settings: Settings
) -> None:
    miss(ask, database, settings)
    miss(ask, database, settings, sid="CA" + "3" * 32, From="Anonymous")
    # A withheld number cannot be called.
    (line,) = listed(browser)
    assert (CALLER in line, "Missed call" in line) == (True, True)
    case = table_of(ConversationRow)
    with database.write() as connection:
        connection.execute(sa.update(case).values(status="pending"))
    assert listed(browser) == []
    # When they call again, both calls are one line, and its button settles both.
    with database.write() as connection:
        connection.execute(sa.update(case).values(status="open"))
    miss(ask, database, settings, sid="CA" + "4" * 32)
    (line,) = listed(browser)
    assert "2 calls" in line
    (newest,) = re.findall(r'name="call" value="([^"]+)"', line)
    assert done(browser, newest) == 303
    assert listed(browser) == []
    assert [by for (by,) in rows(database, PhoneCallRow, "called_back_by")].count("the agent") == 2


def test_a_note_of_our_call_settles_the_call_back_requests_of_the_number(
    browser: AppClient, ask, database: Database, settings: Settings
) -> None:
    ask(action(ask(action(ask("step=start")), Digits="2")), Digits="1")
    work(database, settings)
    note = {"key": "a" * 32, "channel": "hotline", "number": CALLER, "kind": "out", "text": "we talked", "minutes": "2"}
    assert browser.post("/calls", data=note, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303
    assert "tel:" not in browser.get("/calls").text
    assert rows(database, PhoneCallRow, "called_back_by") == [("the agent",)]
    assert NUMBER != CALLER
