"""A kind of channel is one row: every part of it loads, and no other code tests the kind of a channel."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_origin

import pytest

from connectors import registry
from connectors.base import WebhookRequest
from connectors.normalise import normalise_batch
from connectors.registry_row import Capabilities, ChannelKind, Icon, LazyPart
from router.delivery import DeliveryStatus
from router.envelope import PartyKind, from_json
from router.errors import NotFound
from router.settings import Settings, read_settings
from router.settings.channels.base import ChannelSettings
from router.settings.channels.kinds import CHANNEL_KINDS, Channel
from tests.fakes.pigeon import NOW, PigeonSettings

ROOT = Path(__file__).parents[2]
CODE = ("router", "connectors", "store", "workers", "api", "cli", "benchmarks")
# The definitions themselves. A kind's own folder may ask: its row names it.
DEFINITIONS = ("router/settings/", "connectors/registry.py")

MAIL_TOML = """
[channels.mail]
kind = "smtp"
[[routes]]
name = "all"
team = "front"
"""


# 1. Every kind has a row, and every part that a row names is there.


def test_each_kind_has_one_row_of_its_own_class():
    assert {name: row.settings for name, row in registry.KINDS.items()} == CHANNEL_KINDS
    assert list(get_args(get_args(Channel)[0])) == list(CHANNEL_KINDS.values())


def parts() -> list[tuple[str, str, LazyPart]]:
    rows = registry.KINDS.items()
    found = [(name, each.name, getattr(row, each.name)) for name, row in rows for each in fields(row)]
    return [(name, column, part) for name, column, part in found if isinstance(part, LazyPart)]


# What each part is called with, by column.
ARGUMENTS = {"connector": 2, "gate": 2, "endpoint": 3, "sender": 3, "probe": 2, "position": 1, "files": 2}
ARGUMENTS |= {"outbox": 3, "desk_probe": 3, "calls": 4}


@pytest.mark.parametrize(("kind", "column", "part"), parts(), ids=str)
def test_each_part_loads_and_fits(kind, column, part):
    loaded = part.load()
    if column == "reader":
        assert list(inspect.signature(loaded.read).parameters) == ["message", "channel"]
        assert list(inspect.signature(loaded.lasting_of).parameters) == ["content"]
        return
    # It can be called with what the registry gives it.
    inspect.signature(loaded).bind(*range(ARGUMENTS[column]))


@pytest.mark.parametrize(("kind", "column", "part"), parts(), ids=str)
def test_each_part_takes_the_settings_of_its_row(kind, column, part):
    if column in {"reader", "position"}:
        return
    place = 0 if column == "files" else 1
    annotated = list(inspect.signature(part.load(), eval_str=True).parameters.values())[place].annotation
    assert issubclass(registry.KINDS[kind].settings, annotated)


def test_what_rows_say_of_repeated_sends_is_what_their_senders_say():
    for row in (each for each in registry.KINDS.values() if each.sender):
        maker = inspect.signature(row.sender.load(), eval_str=True).return_annotation
        assert maker.repeatable is row.can.repeatable, row.name


def test_each_kind_can_be_heard_and_answered():
    for row in registry.KINDS.values():
        # A form or a chat of our own desk is heard by the desk.
        assert row.connector or row.gate or row.endpoint or row.reader, row.name
        assert bool(row.sender) is row.can.answers, row.name
        assert row.parties, row.name
        assert not row.statuses or row.endpoint, row.name


def test_each_kind_has_a_probe_that_can_be_called():
    for row in registry.KINDS.values():
        own = row.desk_probe or row.probe
        # Of the connector, or else of the sender: the class that the part makes.
        made = row.connector.load() if row.connector else None
        if not (own or hasattr(made, "probe")):
            assert row.sender, row.name
            made = inspect.signature(row.sender.load(), eval_str=True).return_annotation
        probes = [own.load()] if own else [made.probe]
        probes += [made.probe] if hasattr(made, "probe") else []
        # What only raises is a trap for the caller.
        assert not [each for each in probes if "raise NotImplementedError" in inspect.getsource(each)], row.name


def test_the_registry_loads_no_library_of_a_kind():
    heavy = ("twilio", "tweepy", "imapclient", "aiosmtpd", "lxml", "requests", "phonenumbers", "smtplib")
    script = f"import sys, connectors.registry; print([name for name in {heavy} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# 2. Nothing else asks of which kind a channel is.


def folder_of(part: LazyPart) -> str:
    return "/".join(part.target.partition(":")[0].split(".")[:-1]) + "/"


OWN_FOLDERS = {folder_of(part) for _, _, part in parts()} - {"connectors/"}
CLASSES = {each.__name__ for each in CHANNEL_KINDS.values()} | {
    base.__name__ for each in CHANNEL_KINDS.values() for base in each.__mro__ if issubclass(base, ChannelSettings)
}


def sources(*endings: str) -> Iterator[tuple[str, str]]:
    for room in CODE:
        for path in sorted((ROOT / room).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in endings and not name.startswith((*DEFINITIONS, *OWN_FOLDERS)):
                yield name, path.read_text(encoding="utf-8")


def names_in(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} | {
        each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)
    }


def strings_in(node: ast.AST) -> set[str]:
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def asks_by_class(node: ast.AST) -> bool:
    """Tell whether a node compares an object's class with a settings class of channels."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"isinstance", "issubclass"}:
        return bool(names_in(node.args[1]) & CLASSES)
    if isinstance(node, ast.MatchClass):
        return bool(names_in(node.cls) & CLASSES)
    by_type = isinstance(node, ast.Compare) and any(
        isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id == "type"
        for each in ast.walk(node)
    )
    return by_type and bool(names_in(node) & CLASSES)


def asks_by_string(node: ast.AST) -> bool:
    """Tell whether a node compares something that is called kind or form with the name of a kind of channel."""
    if isinstance(node, ast.Compare):
        return bool(names_in(node) & {"kind", "form", "channel_kind"}) and bool(strings_in(node) & set(CHANNEL_KINDS))
    if isinstance(node, ast.Match):
        values = {text for case in node.cases for text in strings_in(case.pattern)}
        return bool(names_in(node.subject) & {"kind", "form", "channel_kind"}) and bool(values & set(CHANNEL_KINDS))
    return False


def asks_by_name(node: ast.AST) -> bool:
    """Tell whether a node asks a channel's settings for an attribute by its name, past the type checker."""
    is_getattr = (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"getattr", "hasattr"}
    )
    if not is_getattr or not isinstance(node.args[1], ast.Constant):
        return False
    known = {name for each in CHANNEL_KINDS.values() for name in (*each.model_fields, *dir(each))}
    return "channel" in names_in(node.args[0]) and node.args[1].value in known


@pytest.mark.parametrize("asks", [asks_by_class, asks_by_string, asks_by_name])
def test_no_module_asks_of_which_kind_a_channel_is(asks):
    found = [
        f"{name}:{node.lineno}" for name, text in sources(".py") for node in ast.walk(ast.parse(text)) if asks(node)
    ]
    assert found == []


def test_no_template_asks_of_which_kind_a_channel_is():
    kinds = "|".join(map(re.escape, CHANNEL_KINDS))
    switch = re.compile(rf"""kind\s*(==|!=|in\b|not in\b)[^%}}]*["']({kinds})["']""")
    assert [name for name, text in sources(".jinja", ".js") if switch.search(text)] == []


@pytest.mark.parametrize(
    ("asks", "line"),
    [
        (asks_by_class, "isinstance(channel, TwilioSettings)"),
        (asks_by_class, "isinstance(channel, channels.ImapSettings | SmtpSettings)"),
        (asks_by_class, "type(channel) is XSettings"),
        (asks_by_string, 'channel.kind == "imap"'),
        (asks_by_string, 'kind in {"x", "telegram"}'),
        (asks_by_string, 'match channel.kind:\n    case "web" | "smtp": pass'),
        (asks_by_name, 'getattr(channel, "send", None)'),
    ],
)
def test_the_search_finds_what_it_looks_for(asks, line):
    assert any(asks(node) for node in ast.walk(ast.parse(line)))


# 3. A new kind is its folder, its row, its settings class and its comments in the operator's file.

PIGEON = ChannelKind(
    settings=PigeonSettings,
    parties=(PartyKind.CUSTOM,),
    icon=Icon.BUBBLE,
    can=Capabilities(public=True),
    connector=LazyPart("tests.fakes.pigeon:PigeonConnector"),
    endpoint=LazyPart("tests.fakes.pigeon:PigeonEndpoint"),
    sender=LazyPart("tests.fakes.pigeon:open_sender"),
    reader=LazyPart("tests.fakes.pigeon"),
    statuses=frozenset({DeliveryStatus.DELIVERED}),
)
KINDS = registry.index_kinds(*registry.KINDS.values(), PIGEON)


@pytest.fixture
def settings() -> Settings:
    """A desk of mail with a loft on top; the operator's file knows the kind once its class is in `Channel`."""
    desk = read_settings(MAIL_TOML)
    return desk.model_copy(update={"channels": {**desk.channels, "loft": PigeonSettings(kind="pigeon", loft="north")}})


def test_a_new_kind_is_polled_read_and_answered_by_its_row_alone(settings):
    # When its messages are fetched and read
    (polled,) = registry.open_polled(settings, kinds=KINDS)
    batch = polled.connector.fetch(None)
    (arrival,) = normalise_batch(batch.messages, channel=batch.channel, form=batch.form, kinds=KINDS)
    # Then they are envelopes, looked for as often as the base class says
    assert (polled.poll, from_json(arrival.envelope).text) == (60.0, "coo")
    # And its replies have a lane of their own, within the bounds of its class
    assert list(registry.open_senders(settings, kinds=KINDS)) == ["pigeon"]
    assert not settings.channels["loft"].text_limit.allows("x" * 21)


def test_a_new_kind_is_probed_and_called_by_its_row_alone(settings):
    loft, desk = settings.channels["loft"], settings.omniyard
    assert registry.probe_channel("loft", loft, desk=desk, kinds=KINDS).findings == ("north stands",)
    endpoint = registry.endpoint_of("loft", loft, desk=desk, kinds=KINDS)
    assert endpoint.is_signed(WebhookRequest(body=b"coo", headers={}), now=NOW)
    with pytest.raises(NotFound):
        registry.endpoint_of("mail", settings.channels["mail"], desk=desk, kinds=KINDS)


def test_a_message_of_a_new_kind_that_cannot_be_read_is_a_stub_of_its_party(settings):
    batch = registry.open_polled(settings, kinds=KINDS)[0].connector.fetch(None)
    broken = [type(each)(source_key="2", content=b"?", received_at=NOW) for each in batch.messages]
    (arrival,) = normalise_batch(broken, channel="loft", form="pigeon", kinds=KINDS)
    assert arrival.unreadable
    assert from_json(arrival.envelope).sender.kind is PartyKind.CUSTOM


def test_a_kind_without_a_row_is_noticed(settings):
    with pytest.raises(KeyError):
        registry.kind_of(settings.channels["loft"])
    assert get_origin(Channel) is not None
