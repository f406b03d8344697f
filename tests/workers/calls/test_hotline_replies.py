"""Nothing can leave by a hotline, so no automatic reply waits in it for ever."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from store.db.engine import Database
from store.tables.messages import MessageRow
from store.tables.operations import OutboundRow
from tests.desk import TOML
from tests.voice_desk import MINUTE, VoiceDesk, hang_up, ring

REPLIED = TOML.replace("when = {{ open = false }}", 'when = {{ channel = "hotline" }}')


def test_a_missed_call_gets_no_automatic_reply(
    migrated_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(migrated_sqlite, tmp_path / "omniyard.db")
    database = Database.at(tmp_path / "omniyard.db")
    desk = VoiceDesk(database, tmp_path, monkeypatch, toml=REPLIED)
    ring(desk)
    hang_up(desk)
    desk.work(later=MINUTE)
    assert desk.texts() == ["Missed call 未接来电"]
    assert desk.rows(OutboundRow, "kind") == []
    (trace,) = desk.rows(MessageRow, "trace")
    assert "channel_never_sends" in str(trace)
    database.close()
