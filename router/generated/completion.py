"""The form of chat completions: what is posted, what a refusal teaches, and what was answered.

Endpoints that call themselves compatible differ in the name of the token limit, in whether they take a temperature, in
where their base ends, and in where thoughts stand. All of it is learnt from their answers; nothing is configured.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

_PATH: Final = "/chat/completions"
# Thoughts count as tokens that are written: with the usual limit nothing would be left for the text.
_FOR_THOUGHTS: Final = 4
_TEMPERATURE: Final = 0.2
_CLOSING: Final = "</think>"
_THOUGHTS: Final = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL | re.IGNORECASE)
_LIMITS: Final = ("max_tokens", "max_completion_tokens", "")


class NoCompletion(ValueError):
    """The response is no chat completion with a text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What an endpoint is known to take.

    url: which of the possible addresses.  limit: the name of the token limit; empty: it takes none.
    temperature: it takes one.  thinks: its answers had thoughts.  switch: it may be asked not to think.
    """

    url: int = 0
    limit: str = _LIMITS[0]
    temperature: bool = True
    thinks: bool = False
    switch: bool = True

    def __str__(self) -> str:
        """Return the fields that it takes, for an operator."""
        taken = [self.limit] if self.limit else []
        taken += ["temperature"] if self.temperature else []
        taken += ["chat_template_kwargs.enable_thinking"] if self.thinks and self.switch else []
        thoughts = "; it thinks before it writes, which costs time and tokens" if self.thinks else ""
        return f"it takes {', '.join(taken) or 'no optional field'}{thoughts}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptMessage:
    """One message of a request. role: `system` or `user`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model wrote, without its thoughts. tokens: in and out; None if the endpoint does not say."""

    text: str
    tokens: int | None
    thought: bool
    is_cut: bool


def completion_urls(base: str) -> tuple[str, ...]:
    """Return the addresses to try in order, for a base with or without its version and its last slash."""
    trimmed = base.rstrip("/")
    if trimmed.endswith(_PATH):
        return (trimmed,)
    if urlsplit(trimmed).path:
        return (trimmed + _PATH,)
    return (f"{trimmed}/v1{_PATH}", trimmed + _PATH)


def write_request(messages: Sequence[PromptMessage], *, model: str, longest: int, dialect: Dialect) -> bytes:
    """Return the body to post. longest: of the text, in tokens."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": each.role, "content": each.content} for each in messages],
        "stream": False,
    }
    if dialect.limit:
        body[dialect.limit] = longest * (_FOR_THOUGHTS if dialect.thinks else 1)
    if dialect.temperature:
        body["temperature"] = _TEMPERATURE
    if dialect.thinks and dialect.switch:
        body["chat_template_kwargs"] = {"enable_thinking": False}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def learn(dialect: Dialect, *, status: int, body: bytes, addresses: int) -> Dialect | None:
    """Return what a refusal teaches of an endpoint; None if nothing that we could do otherwise.

    addresses: how many there are to try.
    """
    if status == 404:
        is_model = b"model" in body.lower()
        return replace(dialect, url=dialect.url + 1) if dialect.url + 1 < addresses and not is_model else None
    if status not in {400, 422}:
        return None
    said = body.decode("utf-8", "replace").lower()
    if dialect.limit and dialect.limit in said:
        return replace(dialect, limit=_LIMITS[_LIMITS.index(dialect.limit) + 1])
    if dialect.temperature and "temperature" in said:
        return replace(dialect, temperature=False)
    if dialect.thinks and dialect.switch and ("chat_template_kwargs" in said or "enable_thinking" in said):
        return replace(dialect, switch=False)
    return None


def read_completion(body: bytes) -> Completion:
    """Return what was written. Raises NoCompletion, whose message has no word of the response."""
    try:
        answered = json.loads(body)
        choice = answered["choices"][0]
        message = choice["message"]
        content = message.get("content") or ""
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise NoCompletion("the response is no chat completion") from None
    if not isinstance(content, str):
        raise NoCompletion("the text of the response is no text")
    thoughts = any(message.get(name) for name in ("reasoning_content", "reasoning", "thinking"))
    text = without_thoughts(content)
    return Completion(
        text=text.strip(),
        tokens=_tokens(answered),
        thought=thoughts or text != content,
        is_cut=choice.get("finish_reason") == "length",
    )


def without_thoughts(text: str) -> str:
    """Return a text without its thoughts: marked on both sides, only where they end, or never ended."""
    _, closed, after = text.rpartition(_CLOSING)
    return _THOUGHTS.sub("", after if closed else text)


def _tokens(answered: dict[str, Any]) -> int | None:
    usage = answered.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and 0 <= total < 10_000_000 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenText:
    """What a model said in our form. enough: the passages say it.  sources: the markers that it cites."""

    text: str
    enough: bool = True
    sources: tuple[str, ...] = ()


def read_text(said: str) -> WrittenText | None:
    """Return the JSON object in what a model said, read leniently; None if there is none with a text."""
    decoder = json.JSONDecoder(strict=False)
    for start in (match.start() for match in re.finditer(r"\{", said)):
        try:
            found, _ = decoder.raw_decode(said, start)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get("text", ""), str):
            return _written(found)
    return None


def _written(found: dict[str, Any]) -> WrittenText | None:
    enough, sources = found.get("enough", True), found.get("sources", ())
    enough = enough.strip().lower() not in {"false", "no", "0"} if isinstance(enough, str) else bool(enough)
    listed = re.split(r"[\s,;]+", sources) if isinstance(sources, str) else sources
    cited = tuple(each.strip(" []") for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()
    if "text" not in found and enough:
        return None
    return WrittenText(text=str(found.get("text", "")).strip(), enough=enough, sources=tuple(filter(None, cited)))
