from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError, create_model
from pydantic.fields import FieldInfo

from router.errors import ConfigError
from router.settings import read_settings
from router.settings.danger_words import DangerWords
from router.settings.mistakes import mistakes
from router.settings.model import Settings
from router.settings.validation import examine_settings

SHIPPED = (Path(__file__).parents[3] / "config" / "channels.toml").read_text(encoding="utf-8")
EVERYTHING = re.sub(r"(?m)^#(?=\S)", "", SHIPPED)

MAILBOX = """\
[channels.support-mail]
kind = "imap"
host = "imap.wallet.example"
username = "support"
password = "env:SUPPORT_MAIL_PASSWORD"
{line}
[[routes]]
name = "all"
team = "front"
"""


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_settings(text, file="c.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('hosst = "x"', 'c.toml:6: channels.support-mail.hosst: unknown key; did you mean "host"?'),
        ('Port = 993', 'c.toml:6: channels.support-mail.Port: unknown key; did you mean "port"?'),
        (
            'poll = "soon"',
            'c.toml:6: channels.support-mail.poll = "soon": expected a duration such as "15m", "4h", "1h30m" or "2d"',
        ),
        ('poll = "0s"', 'c.toml:6: channels.support-mail.poll = "0s": expected a duration of at least 1s'),
        ("poll = 60", "c.toml:6: channels.support-mail.poll = 60: expected a duration such as"),
        ('poll = "99999999999d"', 'expected a duration of ten years at most'),
        ('port = "imap"', 'c.toml:6: channels.support-mail.port = "imap": expected a whole number'),
        ("port = 70000", "c.toml:6: channels.support-mail.port = 70000: expected a number of at most 65535"),
        ("page = 0", "c.toml:6: channels.support-mail.page = 0: expected a number of at least 1"),
        ('idle = "maybe"', 'c.toml:6: channels.support-mail.idle = "maybe": expected true or false'),
        ('security = "ssl"', 'security = "ssl": expected "tls", "starttls" or "none"'),
        ('start = "nw"', 'start = "nw": expected "now" or a date such as 2026-11-01'),
        ("start = 2026-11-01T10:00:00", 'expected "now" or a date such as 2026-11-01'),
        ("folder = 3", "c.toml:6: channels.support-mail.folder = 3: expected text in quotes"),
        ('folder = "a\\nb"', "channels.support-mail.folder = \"a\\nb\": expected text without control characters"),
        ('after = "move"', 'c.toml:6: channels.support-mail.after: after = "move" and move_to go together'),
        ('oauth_token = "env:T"', "c.toml:5: channels.support-mail.password: expected either password or oauth_token"),
        ('security = "none"', "c.toml:6: channels.support-mail.security: mail and password would cross the network"),
        ('calendar = "offic"', 'c.toml:6: channels.support-mail.calendar = "offic": no calendar has this name'),
        ('[channels."two words"]', 'c.toml:6: channels."two words".kind: missing, but required'),
        ('[channels.x]\nkind = "imapp"', 'channels.x.kind = "imapp": unknown kind of channel; did you mean "imap"?'),
        ('[chanels.x]', 'c.toml:6: chanels: unknown key; did you mean "channels"?'),
        ('[teams]\nfront = "us"', "c.toml:7: teams.front: expected a table of keys and values"),
        ('[teams."front line"]', 'c.toml:6: teams."front line": expected a name of letters, digits, - and _'),
        (
            '[teams.front]\ntitle = ["a"]',
            'c.toml:7: teams.front.title: expected text in quotes, or a text for each language such as { en = "Refund"',
        ),
        (
            "[omniyard]\nname = 5",
            'c.toml:7: omniyard.name = 5: expected text in quotes, or a text for each language such as { en = "Refund"',
        ),
        ("[omniyard]\nname = { en = 5 }", "c.toml:7: omniyard.name.en = 5: expected text in quotes"),
        (
            '[omniyard]\nname = { english = "Desk", Chinese = "客服" }',
            'c.toml:7: omniyard.name.Chinese: expected a language (BCP 47) such as "zh", "zh-Hant" or "en"',
        ),
        ('[omniyard]\ntimezone = "Asia/Shangai"', 'omniyard.timezone = "Asia/Shangai": expected an IANA time zone'),
        ('[omniyard]\nlisten = "8080"', 'c.toml:7: omniyard.listen = "8080": expected an address and a port'),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_key_value_and_what_was_expected(line, sentence):
    assert sentence in complaint(MAILBOX.format(line=line))


def test_every_mistake_is_reported_at_once_in_the_order_of_the_lines():
    # Given a file with mistakes of shape, and mistakes across tables
    text = MAILBOX.format(
        line='poll = "soon"\nidel = true\n[sla.gold]\ncalendar = "nights"\n[replies.hi.text]\nen = "{nme}"'
    )
    # When it is read
    lines = complaint(text).splitlines()
    # Then all of them are there
    assert [line.split(": ")[0] for line in lines] == ["c.toml:6", "c.toml:7", "c.toml:9", "c.toml:11"]


@pytest.mark.parametrize("wrong", ['timezone = "Berlin"', 'nmae = "Bakery"', "log_level = 3"])
@pytest.mark.parametrize("url", ["https://desk.bakery.example", "no address"])
def test_a_wrong_key_of_the_desk_makes_no_other_key_absent(wrong, url):
    # Given a reply with a link, which needs the desk's address
    text = f'[omniyard]\npublic_url = "{url}"\n{wrong}\n[replies.hi.text]\nen = "{{status_link}}"\n'
    # When it is read
    lines = complaint(text + '[[routes]]\nname = "all"\nteam = "a"\n').splitlines()
    # Then only what is wrong is reported
    expected = ["c.toml:3"] if url.startswith("https") else ["c.toml:2", "c.toml:3"]
    assert [line.split(": ")[0] for line in lines] == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[omniyard\n", "c.toml:1: not valid TOML: Expected ']' at the end of a table declaration"),
        ("a = 1\nb = = 2\n", "c.toml:2: not valid TOML: Invalid value"),
        ("[teams.a]\n[teams.b]\n[teams.a]\n", "c.toml:3: not valid TOML: Cannot declare [teams.a] twice"),
        ('a = 1\nb = """\n', "c.toml:3: not valid TOML: "),
        ("", "c.toml:1: routes: missing, but required"),
        ("routes = 3", "c.toml:1: routes = 3: expected a list"),
        ("channels = 3\nroutes = []", "c.toml:1: channels: expected a table of keys and values"),
        ("routes = []", "c.toml:1: routes: the last route takes all other messages"),
    ],
)
def test_what_is_no_settings_file_at_all_is_reported_with_its_line(text, sentence):
    assert sentence in complaint(text)


@pytest.mark.parametrize(
    "line",
    [
        'password = "hunter2"',
        'pasword = "hunter2"',
        'password = ["hunter2"]',
        "password = { env = 'hunter2' }",
        'oauth_token = "hunter2"',
        'tokn = "hunter2"',
        '[omniyard]\ndatabase = "postgresql://user:hunter2@host/db"',
        '[omniyard]\nbroker = "env"\nkey = "hunter2"',
        '[channels.x]\nkind = "twilio"\naccount = "hunter2"\ntoken = "hunter2"\nnumber = "+1"',
        '[channels]\npassword = "hunter2"',
        "password = hunter2",
    ],
)
def test_a_secret_is_in_no_error(line):
    text = MAILBOX.format(line=line)
    if line.startswith("password"):
        text = text.replace('password = "env:SUPPORT_MAIL_PASSWORD"\n', "")
    with pytest.raises(ConfigError) as caught:
        read_settings(text)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in repr(examine_settings(text).findings)


def test_a_secret_is_in_no_repr():
    settings = read_settings(MAILBOX.format(line=""))
    assert "Secret(env:SUPPORT_MAIL_PASSWORD)" in repr(settings)


def test_settings_never_change():
    settings = read_settings(MAILBOX.format(line=""))
    with pytest.raises(ValueError, match="frozen"):
        settings.channels["support-mail"].host = "other"


JUNK = st.sampled_from(
    [
        '"junk"',
        "0",
        "-1",
        "1.5",
        "true",
        "[]",
        "{}",
        "[[]]",
        "{ a = { b = 1 } }",
        "2027-02-05",
        "12:00:00",
        '["a", 3]',
        '""',
        '"{"',
    ]
)
LINES = EVERYTHING.splitlines()
# Lines that can be changed alone: a table's head, or a key with its whole value on the line.
EDITABLE = [
    number for number, line in enumerate(LINES) if re.match(r"\[|[\w-]+ = ", line) and not line.endswith(("= [", '"""'))
]
EDITS = st.lists(
    st.tuples(st.sampled_from(EDITABLE), st.sampled_from(["value", "key", "drop", "twice"]), JUNK),
    min_size=1,
    max_size=4,
)


def edited(edits):
    lines = list(LINES)
    for number, how, junk in edits:
        key, equals, value = lines[number].partition(" = ")
        if how == "drop":
            lines[number] = ""
        elif how == "twice":
            lines[number] += "\n" + lines[number]
        elif equals:
            lines[number] = f"{key} = {junk}" if how == "value" else f"{key}_ = {value}"
        else:
            lines[number] = lines[number].replace("]", "_]", 1)
    return "\n".join(lines)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EDITS)
def test_whatever_stands_in_the_file_is_read_or_explained(edits):
    text = edited(edits)
    examination = examine_settings(text)
    assert (examination.settings is None) == bool(examination.errors)
    for finding in examination.findings:
        assert 1 <= finding.line <= text.count("\n") + 1
        assert "\n" not in finding.sentence("c.toml")


SWITCHES = ("channels.a.enabled", "channels.a.idle", "webhooks.w.enabled", "routes[1].hold", "replies.r.follow_ups")


@pytest.mark.parametrize("value", ['"false"', '"true"', '"off"', "0", "1", '""'])
def test_a_switch_is_true_or_false_without_quotes(value):
    text = f"""
[channels.a]
kind = "imap"
host = "h"
username = "u"
password = "env:P"
enabled = {value}
idle = {value}
[webhooks.w]
url = "https://x.example/"
secret = "env:X"
enabled = {value}
[replies.r]
text.en = "hi"
follow_ups = {value}
[[routes]]
name = "all"
team = "front"
hold = {value}
"""
    found = {finding.key: finding.message for finding in examine_settings(text).errors}
    assert {key: message for key, message in found.items() if key in SWITCHES} == dict.fromkeys(
        SWITCHES, "expected true or false"
    )


@pytest.mark.parametrize("key", ["first_reply", "next_reply", "resolve"])
@pytest.mark.parametrize("value", ["0m", "0s", "0h0m", "0d"])
def test_a_promise_of_no_time_is_refused(key, value):
    text = f'[sla.a]\ncalendar = "always"\n{key} = "{value}"\n[[routes]]\nname = "all"\nteam = "front"\n'
    [finding] = examine_settings(text).errors
    assert (finding.key, finding.message) == (f"sla.a.{key}", "expected more than 0; leave the key out for none")


def tables(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield the model and every model below it, at whatever depth an annotation names it."""
    yield model
    for field in model.model_fields.values():
        for found in parts(field.annotation):
            if isinstance(found, type) and issubclass(found, BaseModel):
                yield from tables(found)


def parts(annotation: object) -> Iterator[object]:
    yield annotation
    for argument in get_args(annotation):
        yield from parts(argument)


FIELDS = {
    f"{table.__name__}.{name}": field
    for root in (Settings, DangerWords)
    for table in tables(root)
    for name, field in table.model_fields.items()
}
# "0s" says that each message is a case of its own, and that an answer leaves at once.
MAY_BE_ZERO = {"join_within", "undo_send"}
WRONG = [
    (bool, ("true", "false", "off", "", 0, 1), "true or false"),
    (int, (True, False), "a number"),
    (float, (True, False), "a number"),
    (timedelta, ("0m", "0s", "0h0m", "0d"), "more than 0|at least 1s"),
]


@pytest.mark.parametrize(("kind", "values", "expected"), WRONG, ids=["switch", "whole", "number", "duration"])
def test_no_key_of_any_table_takes_a_value_of_the_wrong_kind(kind, values, expected):
    fields = {key: field for key, field in FIELDS.items() if kind in set(parts(field.annotation))}
    taken = [
        f"{key} = {value!r}: {said}"
        for key, field in fields.items()
        for value in values
        if not re.search(expected, said := complaint_about(field, value)) and key.partition(".")[2] not in MAY_BE_ZERO
    ]
    assert (bool(fields), taken) == (True, [])


def complaint_about(field: FieldInfo, value: object) -> str:
    """Return what a field says of a value; empty if it takes it."""
    table = create_model("Table", key=(field.rebuild_annotation(), ...))
    try:
        table.model_validate({"key": value})
    except ValidationError as error:
        return " ".join(finding.message for finding in mistakes(error, document={"key": value}, root=table))
    return ""
