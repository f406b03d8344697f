from __future__ import annotations

import re
import tomllib
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter

from connectors.registry import KINDS
from router.errors import ConfigError
from router.settings import find_settings, load_settings, read_settings
from router.settings.channels.kinds import CHANNEL_KINDS
from router.settings.channels.voice import VoiceSettings
from router.settings.lines import key_lines
from router.settings.mistakes import table_at
from router.settings.model import Condition, RouteSettings, Settings
from router.settings.validation import examine_settings
from tests.unit.settings.tables import TABLES

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "config" / "channels.toml").read_text(encoding="utf-8")
# "#key = value" is an example, "# text" explains: deleting the "#" of every example must leave a sound file.
FULL = re.sub(r"(?m)^#(?=\S)", "", TEXT)
DOCUMENT = tomllib.loads(FULL)
LINES = FULL.splitlines()
PLACES = key_lines(FULL)


def first_uses():
    """Return for each key of each model the line on which the file first uses it, counted from 1."""
    uses = {}

    def walk(value, place):
        table = table_at(place, document=DOCUMENT)
        for key in value if table else ():
            uses.setdefault((table, key), PLACES.get((*place, key)) or PLACES[*place, key, 0])
        steps = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
        for step, inner in steps:
            walk(inner, (*place, step))

    walk(DOCUMENT, ())
    return uses


USES = first_uses()


def comment_of(line):
    """Return the comment on the key of a line: on the line, above it, and its continuation below."""
    above = takewhile(lambda text: text.startswith("# "), reversed(LINES[: line - 1]))
    below = takewhile(lambda text: re.match(r" +#", text), LINES[line:])
    same = LINES[line - 1].partition("  # ")[2]
    return " ".join([*reversed([*above]), same, *below]).replace("# ", "")


def test_it_runs_without_credentials():
    settings = read_settings(TEXT)
    assert {channel.kind for channel in settings.channels.values()} == {"smtp", "chat"}
    assert (settings.omniyard.database, settings.omniyard.broker) == (None, None)
    assert settings.channels["desk-mail"].listen == "127.0.0.1:2525"


@pytest.mark.parametrize("text", [TEXT, FULL], ids=["as shipped", "with every example"])
def test_nothing_in_it_is_complained_about(text):
    assert [finding.sentence("channels.toml") for finding in examine_settings(text).findings] == []


def test_the_examples_show_every_kind_of_channel():
    assert {channel.kind for channel in read_settings(FULL).channels.values()} == set(CHANNEL_KINDS)
    assert set(CHANNEL_KINDS) >= set(KINDS)


@pytest.mark.parametrize("table", TABLES)
def test_every_key_stands_in_it(table):
    # A hotline sends nothing.
    unused = {"send"} if table is VoiceSettings else set()
    assert {key for used, key in USES if used is table} == set(table.model_fields) - unused


def test_no_table_of_the_vocabulary_is_forgotten_here():
    assert {table for table, _ in USES} == set(TABLES)


# What a table is for stands above it; `kind` and the conditions are explained together.
EXPLAINED = {use: line for use, line in USES.items() if use[0] not in {Settings, Condition} and use[1] != "kind"}


@pytest.mark.parametrize(("use", "line"), EXPLAINED.items(), ids=lambda value: str(value)[-40:])
def test_every_key_says_what_it_does_and_its_default(use, line):
    table, key = use
    comment, field = comment_of(line), table.model_fields[key]
    assert len(comment) > 20
    if field.is_required():
        assert "Required" in comment
        return
    stated = re.search(r"Default: (\"[^\"]*\"|\S+?)(?:[.,;]? |[.]?$|, )", comment)
    assert stated, comment
    if field.get_default(call_default_factory=True) not in (None, (), {}, ""):
        written = tomllib.loads(f"value = {stated[1]}")["value"]
        assert TypeAdapter(Annotated[field.annotation, "", *field.metadata]).validate_python(written) == field.default


def test_every_condition_is_explained():
    line = USES[RouteSettings, "when"]
    assert [key for key in Condition.model_fields if key not in comment_of(line)] == []


def test_from_anywhere_without_a_file_the_shipped_one_is_found(tmp_path, monkeypatch):
    monkeypatch.delenv("OMNIYARD_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    assert load_settings().omniyard.name == read_settings(TEXT).omniyard.name


def test_a_file_is_looked_for_by_name_then_variable_then_place(tmp_path, monkeypatch):
    # Given three files
    named, variable, usual = tmp_path / "a.toml", tmp_path / "b.toml", Path("config/channels.toml")
    monkeypatch.chdir(tmp_path)
    usual.parent.mkdir()
    usual.touch()
    # Then the nearer one wins
    monkeypatch.setenv("OMNIYARD_CONFIG", str(variable))
    assert find_settings(named) == named
    assert find_settings() == variable
    monkeypatch.delenv("OMNIYARD_CONFIG")
    assert find_settings() == usual


def test_what_is_named_and_missing_is_an_error_and_never_replaced(tmp_path, monkeypatch):
    monkeypatch.setenv("OMNIYARD_CONFIG", str(tmp_path / "typo.toml"))
    with pytest.raises(ConfigError, match=r"typo\.toml: cannot be read"):
        load_settings()
