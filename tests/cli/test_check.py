from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.commands.check.command import check
from cli.commands.doctor import examine_model
from cli.main import application
from router.settings.files import load_settings
from workers.training.lessons import lessons_of
from workers.training.model_store import ModelFolder, touched_since

CONFIG = Path(__file__).parents[2] / "config" / "channels.toml"
NOW = datetime(2026, 2, 10, 3, tzinfo=UTC)  # a Tuesday, 11:00 in Shanghai, before Spring Festival
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)

REST = """
[calendars.office]
timezone = "Asia/Shanghai"
week = { mon-fri = ["09:00-18:00"] }
holidays = "CN"
[[routes]]
name = "all"
team = "front"
"""


def write(folder, text):
    path = folder / "channels.toml"
    path.write_text(text + REST, encoding="utf-8")
    return path


def findings(path):
    return [(finding.level, finding.line, finding.key) for finding in check(path, now=NOW).findings]


def run(*arguments):
    return CliRunner().invoke(application(), ["check", *arguments])


def test_the_shipped_file_is_in_order():
    result = check(CONFIG, now=NOW)
    assert (result.ok, result.findings) == (True, ())


MAILBOX = '[channels.mail]\nkind = "imap"\nhost = "h"\nusername = "u"\npassword = "{secret}"\nenabled = {enabled}\n'


@pytest.mark.parametrize(("enabled", "level"), [("true", "error"), ("false", "warning")])
@pytest.mark.parametrize("secret", ["env:NOT_SET_ANYWHERE", "file:/not/there"])
def test_a_secret_that_cannot_be_read_is_an_error_where_it_is_needed(tmp_path, enabled, level, secret):
    path = write(tmp_path, MAILBOX.format(secret=secret, enabled=enabled))
    assert findings(path) == [(level, 5, "channels.mail.password")]


def test_a_secret_is_looked_for_and_never_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("MAIL_PASSWORD", "hunter2")
    path = write(tmp_path, MAILBOX.format(secret="env:MAIL_PASSWORD", enabled="true"))
    assert findings(path) == []
    for arguments in (["--config", str(path)], ["--config", str(path), "--json"]):
        outcome = run(*arguments)
        assert (outcome.exit_code, "hunter2" in outcome.output) == (0, False)


@pytest.mark.parametrize(
    ("key", "address", "problem"),
    [
        ("broker", "localhost:6379", "it begins with none of redis://, rediss://, sentinel://, unix://"),
        ("broker", "redis://:hunter2@h:port/0", "its host or port cannot be read"),
        ("broker", "redis://:hunter2@h:6379/0", None),
        ("broker", "sentinel://:hunter2@a:26379,b,[::1]:26379/desk?db=1&sentinel_password=hunter2", None),
        ("broker", "sentinel://:hunter2@a:26379,b:port/desk", "its host or port cannot be read"),
        ("broker", "sentinel://:hunter2@a:26379,b:26379", "it is not in the form sentinel://:PASSWORD@HOST:26379"),
        ("broker", "sentinel://:hunter2@a/desk?passwort=hunter2", "its parameters are none of db, sentinel_password"),
        ("broker", "sentinel://a/desk?db=one", "its db is no number"),
        ("database", "mysql://root:hunter2@h/d", "it begins with none of postgresql"),
        ("database", "postgresql://root:hunter2@h/d", None),
    ],
)
def test_an_address_that_cannot_be_one_is_an_error_that_shows_no_password(tmp_path, monkeypatch, key, address, problem):
    monkeypatch.setenv("ADDRESS", address)
    path = write(tmp_path, f'[omniyard]\n{key} = "env:ADDRESS"\n')
    outcome = run("--config", str(path))
    assert (problem or "is in order") in outcome.output.replace("\n", " ")
    assert "hunter2" not in outcome.output
    level = "error" if problem else "warning"
    found = [] if key == "broker" and not problem else [(level, 2, f"omniyard.{key}")]
    # A database that several machines may share needs a key that they share.
    assert findings(path) == found


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    path = write(tmp_path, '[channels.a]\nkind = "smtp"\ntls_certificate = "no.pem"\ntls_key = "file:no.key"\n')
    assert findings(path) == [("error", 3, "channels.a.tls_certificate"), ("error", 4, "channels.a.tls_key")]


def test_an_unknown_country_is_an_error_at_its_key(tmp_path):
    assert findings(write(tmp_path, '[calendars.a]\nweek = { mon = "24h" }\nholidays = "XX"\n')) == [
        ("error", 3, "calendars.a.holidays")
    ]


def test_holidays_that_end_soon_are_a_warning_once():
    late = datetime(2031, 1, 1, tzinfo=UTC)
    assert [finding.key for finding in check(CONFIG, now=late).findings] == ["calendars.office.holidays"]


def test_errors_end_with_1_and_warnings_with_0(tmp_path):
    wrong = write(tmp_path, "[omniyard]\nnam = 1\n")
    assert run("--config", str(wrong)).exit_code == 1
    careless = write(tmp_path, '[omniyard]\nlisten = "0.0.0.0:8080"\n')
    assert run("--config", str(careless)).exit_code == 0


def test_a_missing_or_unreadable_file_is_reported_without_a_traceback(tmp_path):
    missing = tmp_path / "none.toml"
    outcome = run("--config", str(missing))
    assert (outcome.exit_code, f"{missing}: cannot be read" in outcome.output) == (1, True)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'name = "caf\xe9"')
    assert "not UTF-8" in run("--config", str(latin)).output


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("timezone = Asia/Shanghai", 'not valid TOML: Invalid value; expected a text in "straight quotes"'),
        ("name = “客服”", 'not valid TOML: Invalid value; expected a text in "straight quotes"'),
        ("a = 1\na = 2", "not valid TOML: Cannot overwrite a value; expected each key once"),
        ("emergency = yes", "not valid TOML: Invalid value; expected"),
        ("a = 1 2", "not valid TOML: Expected newline or end of document"),
        ("a = { b = }", "not valid TOML: Invalid value; expected"),
        ("[[]]", "not valid TOML: "),
    ],
)
def test_text_that_is_not_toml_is_reported_with_its_line_wherever_it_stands(tmp_path, written, says):
    path = write(tmp_path, f"[omniyard] # words\n{written}\n[teams.front]\n")
    found = check(path, now=NOW).findings
    assert [finding.line for finding in found] == [2 + written.count("\n")]
    assert says in found[0].message


def test_json_says_the_same_as_the_words(tmp_path):
    path = write(tmp_path, '[omniyard]\ntimezone = "Mars"\nnam = 1\n')
    report = json.loads(run("--config", str(path), "--json").output)
    words = run("--config", str(path)).output
    assert (report["ok"], [finding["line"] for finding in report["findings"]]) == (False, [2, 3])
    assert report["findings"][0] == {
        "level": "error",
        "line": 2,
        "key": "omniyard.timezone",
        "value": '"Mars"',
        "message": 'expected an IANA time zone such as "Asia/Shanghai"',
    }
    for finding in report["findings"]:
        assert f"{path}:{finding['line']}: {finding['key']}" in words


def test_a_sound_file_is_summed_up(tmp_path):
    outcome = run("--config", str(write(tmp_path, '[channels.a]\nkind = "smtp"\n')), "--json")
    report = json.loads(outcome.output)
    assert [channel["source"] for channel in report["channels"]] == ["127.0.0.1:2525"]
    assert {calendar["name"]: len(calendar["week"]) for calendar in report["calendars"]} == {"always": 7, "office": 7}
    assert report["routes"][0]["team"] == "front"
    # A day is named only if it is unlike the week; a calendar that never closes has no such day.
    assert {
        day["why"] for calendar in report["calendars"] if calendar["name"] == "always" for day in calendar["week"]
    } == {""}


@pytest.mark.parametrize(
    ("key", "level"),
    [
        ("hunter2", "error"),
        ("x" * 31, "error"),
        ("x" * 64, "warning"),
        ("abcabc" * 10, "warning"),
        ("change-me-0123456789-abcdefghijklm", "warning"),
        ("5f2b7c0e9a4d1836e0c7f5b2a9d84163", None),
    ],
)
def test_a_key_that_can_be_guessed_is_reported_and_never_shown(tmp_path, monkeypatch, key, level):
    monkeypatch.setenv("DESK_KEY", key)
    path = write(tmp_path, '[omniyard]\nkey = "env:DESK_KEY"\n')
    assert findings(path) == ([(level, 2, "omniyard.key")] if level else [])
    assert key not in run("--config", str(path)).output


def test_the_shipped_file_copied_alone_is_usable_and_its_keywords_decide(tmp_path):
    path = tmp_path / "channels.toml"
    path.write_text(CONFIG.read_text())
    result = check(path, now=NOW)
    assert result.ok
    assert {finding.level for finding in result.findings} == {"warning"}
    assert all(finding.key.endswith(".examples") for finding in result.findings)


BAKERY = '[categories.allergy]\nemergency = true\nkeywords = ["allergic reaction"]\n'
CALLS = '[[routes]]\nname = "now"\nwhen = { emergency = true }\nteam = "front"\n'


def test_another_business_hears_that_the_words_of_the_shipped_files_are_in_force(tmp_path):
    # Given a bakery's file alone: danger.toml and faq are the shipped ones
    path = write(tmp_path, BAKERY + CALLS)

    def said():
        return [(found.key, found.level) for found in check(path, now=NOW).findings if "shipped" in found.message]

    assert sorted(said()) == [("answers", "warning"), ("emergency", "warning")]
    # When the file is copied as it is, it is still the shipped one
    (tmp_path / "danger.toml").write_bytes((CONFIG.parent / "danger.toml").read_bytes())
    assert ("emergency", "warning") in said()
    # Then files of its own end the warnings, empty ones too
    (tmp_path / "danger.toml").write_text("")
    (tmp_path / "faq").mkdir()
    assert said() == []


def test_examples_that_changed_since_the_model_was_chosen_are_noticed(tmp_path):
    # Given: a model was put in force for the examples as they were.
    examples = "\n".join(
        f"[categories.{name}]\nexamples = {[f'{name} {number}' for number in range(20)]}"
        for name in ("refund", "login")
    )
    path = write(tmp_path, f'[omniyard]\ndata = "{tmp_path}"\n{examples}\n')
    (tmp_path / "faq").mkdir()
    settings = load_settings(path)
    chosen = lessons_of(settings, path).desk
    folder = ModelFolder.of(settings)
    folder.path.mkdir()
    (folder.path / "active.json").write_text(
        json.dumps({"choices": [{"version": "v", "desk": chosen, "at": LONG_AGO.isoformat()}]})
    )
    assert findings(path) == []
    assert "as they are" in examine_model(settings, path).findings[0]
    # When
    path.write_text(path.read_text().replace("'refund 3'", "'refund 3 please'"))
    # Then
    [finding] = check(path, now=NOW).findings
    assert (finding.level, "omniyard train" in finding.message) == ("warning", True)
    health = examine_model(load_settings(path), path)
    assert (health.ok, health.findings) == (True, (finding.message,))
    # `status` looks again only if a file was written since the choice.
    settings = load_settings(path)
    assert touched_since(path, LONG_AGO)
    assert not touched_since(path, datetime.now(UTC) + timedelta(hours=1))
    CliRunner().invoke(application(), ["migrate", "--config", str(path)])
    screen, as_json = (
        CliRunner().invoke(application(), ["status", "--config", str(path), *more]).output for more in ([], ["--json"])
    )
    assert "the examples have changed since the model in force was chosen" in " ".join(screen.split())
    assert json.loads(as_json)["examples_changed"] is True
