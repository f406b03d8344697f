"""`doctor` asks a model endpoint one question and says what it takes, or how to mend it; `check` names mistakes."""

from __future__ import annotations

from datetime import date

import pytest

from cli.commands.check.model_probe import examine_answer_model
from cli.commands.check.surroundings import check_surroundings
from router.errors import ConfigError
from router.settings import read_settings
from router.settings.machine_answers import ModelEndpointSettings
from tests.fakes.model_endpoint import (
    Answering,
    Said,
    always,
    azure,
    completion,
    deepseek,
    llama_cpp,
    ollama,
    openai,
    qwen,
    refusal,
    serving,
    vllm,
    writes,
)

WRITTEN = writes("A refund to a bank card takes 1 to 7 working days, dear customer.")
KEY = "sk-test-key-of-a-model"


def said(body: object) -> str:
    del body
    return WRITTEN


def settings_at(url: str, *, key: bool = True, timeout: str = "8s") -> ModelEndpointSettings:
    more = {"key": "env:MODEL_KEY"} if key else {}
    lines = "\n".join(f'{name} = "{value}"' for name, value in more.items())
    text = f"""
[teams.a]
[[routes]]
name = "all"
team = "a"
[answers.model]
url = "{url}"
name = "small-model"
timeout = "{timeout}"
allow_private = true
{lines}
"""
    found = read_settings(text).answers.model
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", KEY)


KINDS: list[tuple[str, Answering, str, bool, str]] = [
    ("openai", openai(said), "", True, "it takes max_completion_tokens"),
    ("azure", azure(said), "/openai/v1", True, "it takes max_completion_tokens"),
    ("ollama", ollama(said), "", False, "it takes max_tokens, temperature"),
    ("vllm", vllm(said), "", False, "it takes max_tokens, temperature"),
    (
        "qwen",
        qwen(said),
        "",
        False,
        "it takes max_tokens, temperature, chat_template_kwargs.enable_thinking; it thinks",
    ),
    ("deepseek", deepseek(said, reasoner=True), "", True, "it thinks before it writes"),
    ("llama.cpp", llama_cpp(said), "", False, "it takes max_tokens, temperature"),
]


@pytest.mark.parametrize(
    ("answering", "base", "key", "says"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS]
)
def test_doctor_says_which_fields_each_kind_takes(answering: Answering, base: str, says: str, *, key: bool) -> None:
    with serving(answering) as server:
        health = examine_answer_model(settings_at(server.url + base, key=key))
    assert health.ok
    assert "small-model answered in" in health.findings[0]
    assert says in health.findings[1]
    assert KEY not in str(health)


@pytest.mark.parametrize(
    ("answering", "mend"),
    [
        (always(refusal(401, f"Incorrect API key provided: {KEY}")), "check [answers.model] key"),
        (always(refusal(404, "model not found")), "check [answers.model] url and name"),
        (always(Said(200, b"<html>")), "url must be the base of an OpenAI-compatible API"),
        (always(Said(307, b"", {"Location": "http://127.0.0.1/"})), "it refuses the request (307)"),
        (always(completion("I would rather chat.")), "no draft of it would be shown"),
        (always(Said(hold=20.0)), "raise it, or choose a faster model"),
    ],
)
def test_doctor_says_how_to_mend_what_is_wrong(answering: Answering, mend: str) -> None:
    slow = "raise it" in mend
    with serving(answering) as server:
        health = examine_answer_model(settings_at(server.url, timeout="1s" if slow else "8s"))
    assert not health.ok
    assert mend in " ".join(health.findings)
    assert KEY not in str(health)


def test_a_secret_that_is_not_set_is_named_by_doctor_and_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODEL_KEY")
    with pytest.raises(ConfigError, match="MODEL_KEY"):
        examine_answer_model(settings_at("http://127.0.0.1:9"))
    text = """
[omniyard]
data = "/nowhere"
[teams.a]
[[routes]]
name = "all"
team = "a"
[answers.model]
url = "https://models.example"
name = "m"
key = "env:MODEL_KEY"
"""
    found = [
        each for each in check_surroundings(read_settings(text), today=date(2026, 11, 29)) if "model" in each.place
    ]
    assert [(each.place, each.level) for each in found] == [(("answers", "model", "key"), "error")]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('url = "http://models.example"', "plain http needs `allow_private = true`"),
        ('url = "models.example"', "expected https://HOST/PATH"),
        ('url = "https://u:p@models.example"', "without a user name"),
        ('timeout = "2m"', 'at most "30s"'),
        ("per_day = 0", "expected a number of at least 1"),
        ('purposes = ["chat"]', "purposes"),
        ('key = "sk-in-the-file"', "env:NAME"),
        ("temperature = 1", "temperature"),
    ],
)
def test_check_names_the_mistakes_of_the_table(line: str, says: str) -> None:
    table = {"url": 'url = "https://models.example"', "name": 'name = "m"'} | {line.split(" =", maxsplit=1)[0]: line}
    text = '[teams.a]\n[[routes]]\nname = "all"\nteam = "a"\n[answers.model]\n' + "\n".join(table.values())
    with pytest.raises(ConfigError) as caught:
        read_settings(text)
    assert says in str(caught.value)
    assert "sk-in-the-file" not in str(caught.value)
