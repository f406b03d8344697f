"""One client for endpoints that differ: what each takes is learnt, every failure ends within the time limit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from router.generated.completion import ChatMessage
from router.settings.desk_answers import ModelEndpointSettings
from router.settings.secret import Secret
from tests.fakes.model_endpoint import (
    Answering,
    azure,
    deepseek,
    llama_cpp,
    ollama,
    openai,
    qwen,
    serving,
    vllm,
    writes,
)
from workers.generated.endpoint import ModelEndpoint

ASKED = [ChatMessage(role="system", content="Be brief."), ChatMessage(role="user", content="<text>\nhello\n</text>")]
WRITTEN = writes("Hello there.")


@dataclass
class Purse:
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
def test_check_23_each_kind_of_endpoint_gives_a_text_and_its_fields_are_learnt(
    answering: Answering, base: str, key: bool, fields: set[str]
) -> None:
    with serving(answering) as server:
        endpoint = endpoint_at(server.url + base, key=key)
        purse = Purse()
        first = endpoint.ask(ASKED, longest=100, purse=purse, purpose="test")
        again = endpoint.ask(ASKED, longest=100, purse=purse, purpose="test")
        for answered in (first, again):
            assert WRITTEN in answered.completion.text
            assert "think" not in answered.completion.text.lower()
        optional = {"max_tokens", "max_completion_tokens", "temperature", "chat_template_kwargs"}
        assert set(server.requests[-1].body) & optional == fields
        # Each post was counted, those that taught us something too; what is known is not asked again.
        assert purse.calls == len(server.requests)
        assert sum(request.headers.get("authorization") is not None for request in server.requests) == (
            len(server.requests) if key else 0
        )
        described = str(endpoint.dialect)
        assert all(each in described for each in fields)
