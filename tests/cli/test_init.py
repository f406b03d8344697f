"""`omniyard init` writes a configuration that works, and never over one that is there."""

from __future__ import annotations

import stat
from pathlib import Path

from typer.testing import CliRunner

from cli.main import application
from router.settings.files import shipped_file

runner = CliRunner()


def test_the_written_configuration_is_the_shipped_one_and_passes_check(tmp_path: Path) -> None:
    folder = tmp_path / "etc" / "omniyard"
    result = runner.invoke(application(), ["init", str(folder)])
    assert result.exit_code == 0, result.output
    assert (folder / "channels.toml").read_bytes() == shipped_file().read_bytes()
    assert {path.name for path in folder.iterdir()} >= {"intents", "faq", "model", "danger.toml"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o644}
    checked = runner.invoke(application(), ["check", "--config", str(folder / "channels.toml")])
    assert checked.exit_code == 0, checked.output


def test_a_file_that_is_there_is_kept_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "danger.toml").write_text("mine")
    result = runner.invoke(application(), ["init", str(tmp_path)])
    assert result.exit_code == 3
    assert "danger.toml exist already" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["danger.toml"]
    assert (tmp_path / "danger.toml").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = runner.invoke(application(), ["init", str(tmp_path / "file" / "omniyard")])
    assert result.exit_code == 3
    assert "expected a folder that can be written" in result.output
