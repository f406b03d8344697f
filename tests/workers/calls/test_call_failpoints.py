"""A process that is killed while a call becomes a message, or its recording a file: once each, none lost."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from cli.demo.twilio_voice import DemoTwilioVoice
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.tables.gates import FetchedFileRow, PhoneCallRow
from tests import forks
from tests.voice_desk import VoiceDesk, action
from workers.runtime.failpoints import CALLS, FILES

RECORDING = "RE" + "2" * 32
# Does one step of a worker in a process of its own.
_WORKER = """
import sys
from router.settings import read_settings
from store.db.engine import Database
from workers.broker.doorbell import Bell
from workers.calls.call_writer import CallWriter
from workers.calls.hotline import Hotline
from workers.chores.fetch_files import FileFetcher
from workers.intake.intake import Intake

what, toml, path = sys.argv[1:]
database, settings = Database("sqlite:///" + path), read_settings(open(toml, encoding="utf-8").read())
if what == "file":
    FileFetcher(database, settings, seconds=5).once()
else:
    CallWriter(database, Hotline(settings, database), Intake(database, bell=Bell(lambda: None))).once()
"""


@pytest.fixture
def twilio() -> Iterator[DemoTwilioVoice]:
    fake = DemoTwilioVoice()
    fake.sounds[RECORDING] = b"\xff\xf3" + bytes(400)
    yield fake
    fake.stop()


@pytest.fixture
def desk(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twilio: DemoTwilioVoice
) -> Iterator[VoiceDesk]:
    shutil.copy(migrated_sqlite, tmp_path / "omniyard.db")
    opened = Database.at(tmp_path / "omniyard.db")
    made = VoiceDesk(opened, tmp_path, monkeypatch, more=f'api_base = "{twilio.base}"')
    (tmp_path / "channels.toml").write_text(made.text, encoding="utf-8")
    made.ask(action(made.ask("step=start")), Digits="3")
    made.ask("step=recording", RecordingSid=RECORDING, RecordingStatus="completed", RecordingDuration="9")
    yield made
    made.intake.close()
    opened.close()


def killed_at(place: str, desk: VoiceDesk) -> bool:
    """Let another process work until it is killed there; return whether it was."""
    given = (str(desk.folder / "channels.toml"), str(desk.folder / "omniyard.db"))
    done = forks.run(
        ["-c", _WORKER, place.partition(".")[0], *given],
        env={**os.environ, "OMNIYARD_FAILPOINTS": f"{place}=kill"},
        timeout=120,
    )
    return done.returncode == -signal.SIGKILL


def end_leases(desk: VoiceDesk) -> None:
    """Let the time of the dead process's leases pass."""
    file, call = table_of(FetchedFileRow), table_of(PhoneCallRow)
    with desk.database.write() as connection:
        past = read_clock(connection) - timedelta(seconds=1)
        connection.execute(sa.update(file).where(file.c.state == "waiting").values(lease_until=past, due_at=past))
        connection.execute(sa.update(call).where(call.c.due_at.is_not(None)).values(due_at=past))


def test_killed_at_each_place_in_turn_a_call_is_one_message_and_its_recording_one_file(desk: VoiceDesk) -> None:
    for place in CALLS:
        assert killed_at(place, desk)
        end_leases(desk)
    desk.work()
    assert desk.texts() == ["Voicemail 语音留言 · 0:09"]
    assert desk.rows(PhoneCallRow, "version", "written", "due_at") == [(2, 2, None)]
    for place in FILES:
        assert killed_at(place, desk)
        end_leases(desk)
    assert desk.fetch() == 0
    assert desk.files() == [("voicemail-1.mp3", "audio/mpeg", 402)]
    assert desk.rows(FetchedFileRow, "state", "attempts") == [("fetched", 3)]
    assert desk.texts() == ["Voicemail 语音留言 · 0:09"]
