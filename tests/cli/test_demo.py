"""The demo is complete, and its customers write on every channel and in both languages."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.rig import wait_until
from cli.demo.app_chat import DemoApp
from cli.demo.mails import SUPPORT, mail_of
from cli.demo.settings import SECRETS, Ports, demo_ports, write_settings
from cli.demo.story import AFTERNOON
from cli.demo.twilio_voice import DemoTwilioVoice
from connectors.base import Cursor, RawMessage
from connectors.email.mime.normalise import normalise
from connectors.registry import connector_of, probe_channel
from router.origin.automatic import recognise
from router.settings.files import load_settings, read_file, shipped_file
from router.settings.own_addresses import own_side
from router.settings.validation import examine_settings
from workers.training.lessons import lessons_of


def test_its_configuration_is_sound_and_apart_from_a_real_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_settings(tmp_path / "demo", Ports(20001, 20002, 20003, 20004, 20005, 20006))
    examination = examine_settings(read_file(path))
    assert (examination.findings, Path(examination.settings.omniyard.data)) == ((), tmp_path / "demo")
    kinds = {channel.kind for channel in examination.settings.channels.values()}
    assert kinds == {"smtp", "twilio", "x", "telegram", "web", "custom", "chat", "wechat", "voice"}
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert examination.settings.channels["sms"].token.reveal() == SECRETS["OMNIYARD_DEMO_TWILIO_TOKEN"]


def test_it_learns_from_all_shipped_examples_and_may_have_its_own_ports(tmp_path: Path):
    path = write_settings(tmp_path / "demo", demo_ports(desk=18080))
    settings = load_settings(path)
    shipped, demo = (lessons_of(load_settings(file), file) for file in (shipped_file(), path))
    assert demo.desk == shipped.desk
    assert settings.omniyard.listen == "127.0.0.1:18080"
    assert settings.channels["site-chat"].origins == ("http://127.0.0.1:18080",), "its page may show the chat"
    assert settings.channels["desk-mail"].listens_on != "127.0.0.1:2525"
    assert settings.omniyard.guide


def test_written_again_it_is_the_same(tmp_path: Path):
    first = read_file(write_settings(tmp_path, Ports(1, 2, 3, 4, 5, 6)))
    assert read_file(write_settings(tmp_path, Ports(1, 2, 3, 4, 5, 6))) == first


def test_customers_write_by_every_channel_in_both_languages_within_a_minute():
    assert {line.by for line in AFTERNOON} == {"mail", "sms", "x", "telegram", "app", "wechat", "call"}
    assert sum(line.text.isascii() for line in AFTERNOON) > 4
    assert sum(not line.text.isascii() for line in AFTERNOON) > 4
    assert sum(line.after for line in AFTERNOON) <= 60


def test_chinese_customers_stand_first_in_the_list():
    # It has the emergencies first, and of each band the newest first.
    last = {line.who: (place, line.text) for place, line in enumerate(AFTERNOON)}
    newest = [text for _, text in sorted(last.values(), reverse=True)]
    dangers = [text for text in newest if "盗" in text or "freeze" in text]
    assert len(dangers) == 2
    assert not dangers[0].isascii()
    # A newsletter and an opt-out wait for no one.
    waiting = [text for text in newest if text not in dangers and len(text) > 2 and "sale" not in text]
    assert [text.isascii() for text in waiting] == sorted(text.isascii() for text in waiting)


def test_its_newsletter_is_bulk_mail_and_no_customers_mail_is(tmp_path: Path):
    own = own_side(load_settings(write_settings(tmp_path, Ports(1, 2, 3, 4, 5, 6)))).desk
    bulk = []
    for line in (line for line in AFTERNOON if line.by == "mail"):
        raw = mail_of(line, to=SUPPORT).as_bytes()
        envelope = normalise(
            RawMessage(source_key="1", content=raw, received_at=datetime.now(UTC)), channel="desk-mail"
        )
        bulk += [line.subject] if recognise(envelope, own_addresses=own).is_campaign else []
    assert bulk == ["50 % off everything"]


def test_its_process_ends_on_sigterm():
    ports = demo_ports()
    command = [sys.executable, "-m", "cli.demo", "--twilio", str(ports.twilio), "--x", str(ports.x)]
    command += ["--telegram", str(ports.telegram), "--app", str(ports.app), "--mail", "127.0.0.1:1"]
    command += ["--wechat", str(ports.wechat), "--voice", str(ports.voice), "--desk", "127.0.0.1:1"]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    wait_until(lambda: is_listening(ports.wechat), seconds=120)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=240) == 0


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_its_app_is_a_channel_of_the_operators_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMNIYARD_DEMO_APP_SECRET", SECRETS["OMNIYARD_DEMO_APP_SECRET"])
    app = DemoApp(first=7)
    try:
        app.receive("钱没到账", user="u-1", name="小王")
        path = write_settings(tmp_path, Ports(1, 2, 3, app.port, 5, 6))
        desk = examine_settings(read_file(path)).settings
        connector = connector_of("app", desk.channels["app"])
        assert [each.source_key for each in connector.fetch(None).messages] == ["m:app-7"]
        assert connector.fetch(Cursor(f"{app.base}/messages", "3")).messages != []
        assert probe_channel("app", desk.channels["app"], desk=desk.omniyard).ok
    finally:
        app.stop()


def test_its_hotline_has_calls_and_voicemails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    voice = DemoTwilioVoice(first=7)
    try:
        path = write_settings(tmp_path, Ports(1, 2, 3, 4, 5, voice.port))
        desk = examine_settings(read_file(path)).settings
        connector = connector_of("hotline", desk.channels["hotline"])
        call = voice.ring("+8613800138000")
        voice.leave_voicemail(call)
        assert [(each.sid, bool(each.recording)) for each in connector.fetch(None).calls] == [
            (call, False),
            (call, True),
        ]
    finally:
        voice.stop()
