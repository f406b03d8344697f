"""One client for endpoints that differ: what each takes is learnt, every failure ends within the time limit."""

from __future__ import annotations

import json
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from router.generated.completion import PromptMessage
from router.settings.machine_answers import ModelEndpointSettings
from router.settings.secret import Secret
from tests.fakes.model_endpoint import (
    Answering,
    Said,
    always,
    azure,
    completion,
    deepseek,
    in_turn,
    llama_cpp,
    ollama,
    openai,
    qwen,
    refusal,
    serving,
    vllm,
    wait_until,
    writes,
)
from tests.servers.ports import free_port
from workers.generated.breaker import FAILURES, REST_SECONDS, Breaker
from workers.generated.endpoint import ModelEndpoint, ModelSilent, Silence

ASKED = [
    PromptMessage(role="system", content="Be brief."),
    PromptMessage(role="user", content="<text>\nhello\n</text>"),
]
WRITTEN = writes("Hello there.")


@dataclass
class TokenBudget:
    """Counts, and never refuses unless it has a limit."""

    most: int = 100
    calls: int = 0
    settled: list[tuple[int, int | None]] = field(default_factory=list)

    def take(self, tokens: int) -> bool:
        self.calls += self.calls < self.most
        return self.calls <= self.most and tokens > 0

    def settle(self, *, taken: int, used: int | None) -> None:
        self.settled.append((taken, used))


def endpoint_at(url: str, *, timeout: float = 8.0, key: bool = True, **more: object) -> ModelEndpoint:
    settings = ModelEndpointSettings.model_validate(
        {
            "url": url,
            "name": "small-model",
            "allow_private": True,
            "key": Secret("env:MODEL_KEY") if key else None,
            **more,
        }
    )
    return ModelEndpoint(settings.model_copy(update={"timeout": timedelta(seconds=timeout)}))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", "sk-test-key-of-a-model")


def said(body: dict[str, object]) -> str:
    del body
    return WRITTEN


# Kind, its base as users write it, whether it has a key, what our client ends up sending.
KINDS: list[tuple[str, Answering, str, bool, set[str]]] = [
    ("openai", openai(said), "", True, {"max_completion_tokens"}),
    ("azure", azure(said), "/openai/v1/", True, {"max_completion_tokens"}),
    ("ollama", ollama(said), "/v1", False, {"max_tokens", "temperature"}),
    ("vllm", vllm(said), "/v1/", False, {"max_tokens", "temperature"}),
    ("qwen-thinks", qwen(said), "", False, {"max_tokens", "temperature", "chat_template_kwargs"}),
    ("qwen-cannot-stop", qwen(said, obeys=False), "", False, {"max_tokens", "temperature", "chat_template_kwargs"}),
    ("deepseek-chat", deepseek(said), "", True, {"max_tokens", "temperature"}),
    (
        "deepseek-reasoner",
        deepseek(said, reasoner=True),
        "/v1",
        True,
        {"max_tokens", "temperature", "chat_template_kwargs"},
    ),
    ("llama.cpp", llama_cpp(said), "/", False, {"max_tokens", "temperature"}),
]


@pytest.mark.parametrize(
    ("answering", "base", "key", "fields"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS]
)
def test_each_kind_of_endpoint_gives_a_text_and_its_fields_are_learnt(
    answering: Answering, base: str, key: bool, fields: set[str]
) -> None:
    with serving(answering) as server:
        endpoint = endpoint_at(server.url + base, key=key)
        budget = TokenBudget()
        first = endpoint.ask(ASKED, longest=100, budget=budget, purpose="test")
        again = endpoint.ask(ASKED, longest=100, budget=budget, purpose="test")
        for answered in (first, again):
            assert WRITTEN in answered.completion.text
            assert "think" not in answered.completion.text.lower()
        optional = {"max_tokens", "max_completion_tokens", "temperature", "chat_template_kwargs"}
        assert set(server.requests[-1].body) & optional == fields
        # Each post was counted, those that taught us something too; what is known is not asked again.
        assert budget.calls == len(server.requests)
        assert sum(request.headers.get("authorization") is not None for request in server.requests) == (
            len(server.requests) if key else 0
        )
        described = str(endpoint.dialect)
        assert all(each in described for each in fields)


def failing(answering: Answering, *, timeout: float = 8.0) -> tuple[ModelSilent, float, int, list[dict[str, object]]]:
    with serving(answering) as server:
        endpoint = endpoint_at(server.url, timeout=timeout)
        start = time.monotonic()
        with capture_logs() as logs, pytest.raises(ModelSilent) as caught:
            endpoint.ask(ASKED, longest=100, budget=TokenBudget(), purpose="test")
        return caught.value, time.monotonic() - start, len(server.requests), [dict(each) for each in logs]


LARGE = completion("x" * 20_000_000)
# What the endpoint does, why there is no text then, and how often it was asked.
FAILURES_OF_ENDPOINTS: list[tuple[str, Answering, Silence, int]] = [
    ("black hole", always(Said(hold=30.0)), Silence.SLOW, 1),
    ("one byte a second", always(Said(body=completion("slow").body, drip=1.0)), Silence.SLOW, 1),
    ("20 MB", always(LARGE), Silence.UNREADABLE, 1),
    ("401", always(refusal(401, "Incorrect API key provided: sk-test")), Silence.REFUSED, 1),
    ("404", always(refusal(404, "The model does not exist")), Silence.REFUSED, 1),
    ("429 without Retry-After", always(refusal(429, "Rate limit reached")), Silence.OVERLOADED, 2),
    ("429 for an hour", always(Said(429, b"{}", {"Retry-After": "3600"})), Silence.OVERLOADED, 1),
    ("500", always(Said(500, b"oops")), Silence.BROKEN, 2),
    ("redirect", always(Said(307, b"", {"Location": "http://169.254.169.254/"})), Silence.REFUSED, 1),
    ("HTML", always(Said(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})), Silence.UNREADABLE, 1),
    ("{}", always(Said(200, b"{}")), Silence.UNREADABLE, 1),
    ("truncated JSON", always(Said(200, completion("cut").body[:60])), Silence.UNREADABLE, 1),
    ("early end", always(Said(200, b'{"choices"', {"Content-Length": "5000"})), Silence.BROKEN, 1),
    ("content is a number", always(completion(7)), Silence.UNREADABLE, 1),
]


@pytest.mark.parametrize(
    ("answering", "why", "asked"),
    [row[1:] for row in FAILURES_OF_ENDPOINTS],
    ids=[row[0] for row in FAILURES_OF_ENDPOINTS],
)
def test_every_failure_ends_within_the_time_limit_with_one_log_line_without_text(
    answering: Answering, why: Silence, asked: int
) -> None:
    slow = why is Silence.SLOW
    silent, seconds, requests, logs = failing(answering, timeout=1.0 if slow else 8.0)
    assert silent.why is why
    # The limit is 8 s as shipped, and what is slow here has 1; without one it would last 30. On a busy machine a thread
    # gets its turn late.
    assert seconds < 20
    assert 1 <= requests <= max(asked, 3)
    assert [each["event"] for each in logs] == ["model.silent"]
    assert set(logs[0]) <= {"event", "log_level", "purpose", "why", "status", "ms"}
    assert "hello" not in json.dumps(logs)
    assert "sk-test" not in json.dumps(logs) + str(silent)


def test_a_refused_port_is_unreachable() -> None:
    endpoint = endpoint_at(f"http://127.0.0.1:{free_port()}", timeout=30.0)
    with pytest.raises(ModelSilent) as caught:
        endpoint.ask(ASKED, longest=100, budget=TokenBudget(), purpose="test")
    assert caught.value.why is Silence.UNREACHABLE


def test_a_short_retry_after_is_kept_and_the_next_answer_counts() -> None:
    waited: list[float] = []
    with serving(in_turn(Said(429, b"{}", {"Retry-After": "1"}), completion(WRITTEN))) as server:
        settings = endpoint_at(server.url).settings
        endpoint = ModelEndpoint(settings, wait=waited.append)
        assert endpoint.ask(ASKED, longest=100, budget=TokenBudget(), purpose="test").completion.text == WRITTEN
    assert waited == [1.0]


@pytest.mark.parametrize(
    ("content", "left"),
    [
        (f"<think>secret thoughts</think>{WRITTEN}", WRITTEN),
        (f"secret thoughts\n</think>\n{WRITTEN}", WRITTEN),
        (f"{WRITTEN}<think>and now", WRITTEN),
        ("<think>only thoughts", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_thoughts_are_taken_out_and_empty_content_is_no_text(content: str | None, left: str) -> None:
    with serving(always(completion(content, reasoning_content="more secret thoughts"))) as server:
        answered = endpoint_at(server.url).ask(ASKED, longest=100, budget=TokenBudget(), purpose="test")
    assert answered.completion.text == left


def test_a_private_address_or_a_redirect_is_refused_unless_the_file_allows_it() -> None:
    with serving(always(completion(WRITTEN))) as server:
        settings = endpoint_at(server.url).settings.model_copy(update={"allow_private": False})
        for url in (server.url, server.url.replace("127.0.0.1", "localhost"), "http://[::1]:1/v1"):
            closed = ModelEndpoint(settings.model_copy(update={"url": url}))
            with pytest.raises(ModelSilent) as caught:
                closed.ask(ASKED, longest=100, budget=TokenBudget(), purpose="test")
            assert caught.value.why is Silence.REFUSED
        assert server.requests == []
    with pytest.raises(ValueError, match="allow_private"):
        ModelEndpointSettings.model_validate({"url": "http://models.example", "name": "m"})
    # The redirect of the table above was not followed: one request, and none at its target.


def test_a_name_that_turns_private_between_two_calls_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    at = ["93.184.216.34"]
    asked: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (at[0], port))]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        raise ConnectionRefusedError(address)

    with serving(always(completion(WRITTEN))) as server:
        settings = endpoint_at(server.url).settings
        port = urlsplit(server.url).port
        endpoint = ModelEndpoint(
            settings.model_copy(update={"url": f"https://models.example:{port}", "allow_private": False}),
            wait=lambda seconds: None,
        )
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(socket, "create_connection", connect)
        found = []
        for at[0] in ("93.184.216.34", "127.0.0.1", "10.0.0.8"):
            with pytest.raises(ModelSilent) as caught:
                endpoint.ask(ASKED, longest=100, budget=TokenBudget(), purpose="test")
            found.append(caught.value.why)
        assert found == [Silence.UNREACHABLE, Silence.REFUSED, Silence.REFUSED]
        assert set(asked) == {"models.example"}
        assert server.requests == []


def test_five_failures_make_a_minute_of_silence_and_then_one_call_tries() -> None:
    now = [0.0]
    with serving(always(refusal(401, "no"))) as server:
        endpoint = ModelEndpoint(endpoint_at(server.url).settings, clock=lambda: now[0])

        def ask() -> Silence:
            with pytest.raises(ModelSilent) as caught:
                endpoint.ask(ASKED, longest=100, budget=TokenBudget(), purpose="test")
            return caught.value.why

        assert [ask() for _ in range(FAILURES)] == [Silence.REFUSED] * FAILURES
        assert [ask() for _ in range(20)] == [Silence.RESTING] * 20
        now[0] = REST_SECONDS - 1
        assert ask() is Silence.RESTING
        assert len(server.requests) == FAILURES
        now[0] = REST_SECONDS + 1
        assert [ask(), ask()] == [Silence.REFUSED, Silence.RESTING]
        assert len(server.requests) == FAILURES + 1
        now[0] = 3 * REST_SECONDS
        server.answering = always(completion(WRITTEN))
        for _ in range(3):
            assert endpoint.ask(ASKED, longest=100, budget=TokenBudget(), purpose="test").completion.text == WRITTEN


def test_only_one_call_tries_at_a_time() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    for _ in range(FAILURES):
        assert breaker.admits()
        breaker.failed()
    now[0] = REST_SECONDS + 1
    assert [breaker.admits() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_an_endpoint_that_asks_for_an_hour_rests_ten_minutes() -> None:
    now = [0.0]
    breaker = Breaker(lambda: now[0])
    breaker.failed(rest=3_600.0)
    now[0] = 599.0
    assert not breaker.admits()
    now[0] = 601.0
    assert breaker.admits()


def test_two_calls_run_at_once_and_a_queue_of_more_than_six_is_refused() -> None:
    released, inside, most, lock = threading.Event(), [0], [0], threading.Lock()

    def slow(path: str, headers: object, body: object) -> Said:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        released.wait(20)
        with lock:
            inside[0] -= 1
        return completion(WRITTEN)

    outcomes: list[str] = []

    def ask() -> None:
        try:
            endpoint.ask(ASKED, longest=100, budget=TokenBudget(), purpose="test")
            outcomes.append("text")
        except ModelSilent as silent:
            outcomes.append(str(silent.why))

    with serving(slow) as server:
        endpoint = endpoint_at(server.url, timeout=25.0)
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(outcomes) == 4 and inside[0] == 2)
        released.set()
        for thread in threads:
            thread.join(30)
    assert (sorted(outcomes), most[0]) == (["busy"] * 4 + ["text"] * 8, 2)


def test_a_spent_budget_asks_nothing_and_says_nothing_of_the_endpoint() -> None:
    with serving(always(completion(WRITTEN))) as server:
        endpoint = endpoint_at(server.url)
        for _ in range(FAILURES + 1):
            with pytest.raises(ModelSilent) as caught:
                endpoint.ask(ASKED, longest=100, budget=TokenBudget(most=-1), purpose="test")
            assert caught.value.why is Silence.SPENT
        assert server.requests == []
        assert endpoint.breaker.admits()


def test_the_key_is_in_no_log_error_or_repr(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(always(refusal(400, "bad sk-test-key-of-a-model"))) as server, capture_logs() as logs:
        endpoint = endpoint_at(server.url)
        with pytest.raises(ModelSilent) as caught:
            endpoint.ask(ASKED, longest=100, budget=TokenBudget(), purpose="test")
    shown = f"{caught.value!r} {caught.value.__cause__!r} {endpoint.settings!r} {logs} {capsys.readouterr()}"
    assert "sk-test-key" not in shown
