from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter

from connectors import registry
from router.settings.channels.base import ChannelSettings, ChatSettings, SendSettings
from router.settings.channels.custom import CustomSendSettings
from router.settings.channels.kinds import CHANNEL_KINDS
from router.settings.channels.sms import HttpSmsSendSettings, HttpSmsSettings
from router.settings.channels.voice import VoiceSettings
from router.settings.checks.texts import PLACEHOLDERS
from router.settings.model import Settings
from router.text.fact_kinds import FACT_KINDS
from tests.unit.settings.tables import SECTIONS

TEXT = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
# `send` is documented with the kinds that differ in it.
COMMON = set(ChannelSettings.model_fields) - {"send"}


def rows(heading):
    """Return the section's table: key -> (default, what it says)."""
    section = re.search(rf"(?ms)^##+ {re.escape(heading)}: .*?(?=^##|\Z)", TEXT)
    assert section, heading
    return {
        key: (default, says) for key, default, says in re.findall(r"(?m)^\| `(\w+)` \| (.*?) \| (.*) \|$", section[0])
    }


def expected(heading):
    table = SECTIONS[heading]
    if table is ChannelSettings:
        return COMMON
    inherited = COMMON if issubclass(table, ChannelSettings) else set()
    if issubclass(table, ChatSettings) and table is not ChatSettings:
        inherited = inherited | set(ChatSettings.model_fields)
    if table in {HttpSmsSendSettings, CustomSendSettings}:
        inherited = set(SendSettings.model_fields)
    elif table in {HttpSmsSettings, VoiceSettings}:
        inherited = inherited | {"send"}
    return set(table.model_fields) - inherited


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_documented_and_no_other(heading):
    assert set(rows(heading)) == expected(heading)


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_default_is_the_real_one(heading):
    fields = SECTIONS[heading].model_fields
    for key, (default, _) in rows(heading).items():
        if key not in fields:
            continue
        field = fields[key]
        assert (default == "required") == field.is_required(), key
        literal = re.fullmatch(r"`(.+)`", default)
        if literal and literal[1] not in fields:
            written = tomllib.loads(f"value = {literal[1]}")["value"]
            known = TypeAdapter(Annotated[field.annotation, "", *field.metadata]).validate_python(written)
            assert known == (field.default if field.default is not None else ()), key
        else:
            assert field.is_required() or field.get_default(call_default_factory=True) in (None, (), {}, ""), key


def test_every_section_of_the_file_is_documented():
    sections = {re.match(r"`\[+(\w+)", heading)[1] for heading in SECTIONS if heading.startswith("`[")}
    assert sections == set(Settings.model_fields)


def test_the_lists_in_the_text_are_complete():
    kinds = rows("`[channels.NAME]`")["kind"][1]
    assert [kind for kind in CHANNEL_KINDS if f'"{kind}"' not in kinds] == []
    # While all of them run, nothing needs to be said about it.
    assert set(CHANNEL_KINDS) == set(registry.KINDS)
    assert re.findall(r"`(\w+)`", rows("`[categories.NAME]`")["facts"][1]) == list(FACT_KINDS)
    assert [name for name in PLACEHOLDERS if f"`{{{name}}}`" not in TEXT] == []
