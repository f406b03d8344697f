from __future__ import annotations

import traceback

import pytest

from router.errors import ConfigError
from router.settings import Secret


def test_a_secret_is_read_when_it_is_used(monkeypatch, tmp_path):
    variable, file = Secret("env:DESK_SECRET"), Secret(f"file:{tmp_path / 'secret'}")
    monkeypatch.setenv("DESK_SECRET", "old")
    monkeypatch.setenv("DESK_SECRET", "new")
    (tmp_path / "secret").write_text("hunter2\n")
    assert (variable.reveal(), file.reveal()) == ("new", "hunter2")


@pytest.mark.parametrize("content", [None, b"", b" \n", b"hunter2 \xff\xfe"])
def test_a_secret_that_cannot_be_had_is_named_and_its_content_is_not(tmp_path, content):
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="secret") as caught:
        Secret(f"file:{file}").reveal()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("DESK_SECRET", raising=False)
    with pytest.raises(ConfigError, match=r"Secret\(env:DESK_SECRET\) is not set or is empty"):
        Secret("env:DESK_SECRET").reveal()


@pytest.mark.parametrize("reference", ["hunter2", "env:", "file:", "ENV:X", "vault:x", ":x", ""])
def test_what_is_no_reference_is_refused_without_being_repeated(reference):
    with pytest.raises(ValueError, match="never the secret itself") as caught:
        Secret(reference)
    assert "hunter2" not in str(caught.value)


def test_two_names_of_one_secret_are_equal():
    assert Secret("env:A") == Secret("env:A") != Secret("env:B")
    assert len({Secret("env:A"), Secret("env:A"), Secret("file:A")}) == 2
