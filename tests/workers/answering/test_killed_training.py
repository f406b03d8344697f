"""A training of thresholds that is killed or fails leaves its reason, and nothing half is served. Real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.commands.doctor import examine_answers
from router.classify.encoder import installed_encoder
from router.settings import Settings
from router.settings.files import load_settings, shipped_file
from store.db.migrate import upgrade
from store.db.open import open_database
from workers.answering.silence import is_training_due, why_silent
from workers.answering.trained_answers import AnswerFolder
from workers.answering.training_attempt import last_attempt

DESK = """
[omniyard]
data = "{data}"
[channels.site-chat]
kind = "chat"
origins = ["http://127.0.0.1:8080"]
[answers]
mode = "answer"
[[routes]]
name = "all"
team = "front"
"""
# A few answers: what is measured takes seconds.
ANSWERS = ("fees--limits.en.md", "fees--why.en.md", "general--contact.en.md", "failed_transaction--declined.en.md")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "faq").mkdir()
    for name in ANSWERS:
        (tmp_path / "faq" / name).write_bytes((shipped_file().parent / "faq" / name).read_bytes())
    (tmp_path / "channels.toml").write_text(DESK.format(data=tmp_path / "var"), encoding="utf-8")
    found = load_settings(tmp_path / "channels.toml")
    database = open_database(found)
    upgrade(database)
    database.close()
    return found


def training(folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "OMNIYARD_CONFIG": str(folder / "channels.toml")}
    command = [sys.executable, "-m", "workers.answering.first_thresholds"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def models(settings: Settings) -> Path:
    return Path(settings.omniyard.data) / "models" / "answers"


def test_a_killed_training_says_so_and_the_next_one_ends_well(settings: Settings, tmp_path: Path) -> None:
    # Given a training that is killed in the middle
    process = training(tmp_path)
    while not ((begun := last_attempt(settings)) and begun.is_running):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    (said,) = why_silent(settings)
    assert "is running" in said
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()

    # Then nothing is served, and status, check and doctor say why
    assert AnswerFolder.all_trained(settings) == []
    (said,) = why_silent(settings)
    assert "failed: it was ended before it was done" in said
    assert not examine_answers(settings).ok
    assert is_training_due(settings)

    # When the next start trains, next to what a kill in the middle of writing leaves
    draft = models(settings) / f"{installed_encoder() or 'words'}.json.ab12.part"
    draft.write_bytes(b'{"model":')
    assert AnswerFolder.all_trained(settings) == []
    process = training(tmp_path)
    shown, _ = process.communicate()

    # Then it ends well, and nothing of the killed one is left
    assert process.returncode == 0, shown
    assert AnswerFolder(settings, encoder=installed_encoder()).trained() is not None
    assert last_attempt(settings) is None
    assert not draft.exists()
    assert not is_training_due(settings)


def test_a_training_that_cannot_store_its_result_says_why_and_ends_without_a_traceback(
    settings: Settings, tmp_path: Path
) -> None:
    # No one can put a file where a folder is, whatever their rights.
    (models(settings) / f"{installed_encoder() or 'words'}.json").mkdir(parents=True)
    process = training(tmp_path)
    shown, _ = process.communicate()
    assert process.returncode == 1
    assert b"Traceback" not in shown
    (said,) = why_silent(settings)
    assert "Is a directory" in said
    assert list(models(settings).glob("*.part")) == []


def test_a_record_that_could_not_be_written_points_to_the_disk(settings: Settings) -> None:
    models(settings).mkdir(parents=True)
    (models(settings) / "training.attempt").touch()
    (said,) = why_silent(settings)
    assert "is the disk full?" in said
