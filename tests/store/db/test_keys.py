"""The desk's own secret: created once, readable only for its owner, with a different key per purpose."""

from __future__ import annotations

import stat
from pathlib import Path
from threading import Thread

import pytest

from router.errors import ConfigError
from router.settings import Settings, read_settings
from store.db.keys import desk_key
from tests.desk import text_in


def settings_in(folder: Path) -> Settings:
    return read_settings(text_in(folder))


def with_key(folder: Path) -> Settings:
    text = text_in(folder)
    return read_settings(text.replace("[omniyard]", '[omniyard]\nkey = "env:DESK_KEY"', 1))


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "fresh")

    assert desk_key(settings, purpose="a") == desk_key(settings, purpose="a")
    (kept,) = (tmp_path / "fresh").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    settings, keys = settings_in(tmp_path / "fresh"), []
    threads = [Thread(target=lambda: keys.append(desk_key(settings, purpose="a"))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(keys)) == 1


def test_a_key_for_one_purpose_says_nothing_of_another(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)

    assert desk_key(settings, purpose="sessions") != desk_key(settings, purpose="thread tokens")


def test_the_operators_own_must_be_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_KEY", "short")
    with pytest.raises(ConfigError, match="too short"):
        desk_key(with_key(tmp_path), purpose="a")

    monkeypatch.setenv("DESK_KEY", "x" * 32)
    assert len(desk_key(with_key(tmp_path), purpose="a")) == 32
