"""Endpoints for chat completions on loopback, each answering as one kind of software does; and broken ones.

The forms were taken from what the providers document and from threads about them: which fields each refuses, in which
words, and where it puts thoughts.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
NO_LIMIT = "Unsupported parameter: 'max_tokens' is not supported with this model."
NO_HEAT = "Unsupported value: 'temperature' does not support 0.2 with this model."


@dataclass(frozen=True)
class Said:
    """A response: status, headers, body. drip: the body leaves a byte at a time, with so many seconds between."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    hold: float = 0.0


Answering = Callable[[str, Mapping[str, str], Body], Said]


@dataclass
class Request:
    """What the endpoint got."""

    path: str
    headers: dict[str, str]
    raw: str

    @property
    def body(self) -> Body:
        return json.loads(self.raw)

    @property
    def markers(self) -> list[str]:
        return re.findall(r"(?m)^\[([0-9A-F]{6})\]", self.body["messages"][-1]["content"])


class ModelServer:
    """One endpoint. answering: how it responds; may be replaced while it runs."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.requests: list[Request] = []
        self.stopped = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append(Request(self.path, headers, raw.decode()))
                said = server.answering(self.path, headers, json.loads(raw))
                if said.hold:
                    server.stopped.wait(said.hold)
                with suppress(OSError):
                    self._write(said)

            def _write(self, said: Said) -> None:
                self.send_response(said.status)
                length = said.headers.get("Content-Length", str(len(said.body)))
                for name, value in {
                    "Content-Type": "application/json",
                    **said.headers,
                    "Content-Length": length,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                if not said.drip:
                    self.wfile.write(said.body)
                    return
                for byte in said.body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if server.stopped.wait(said.drip):
                        return

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopped.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)


@contextmanager
def serving(answering: Answering) -> Iterator[ModelServer]:
    server = ModelServer(answering)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def writes(text: Any, **more: Any) -> str:
    """The JSON object that our prompts ask for."""
    return json.dumps({"text": text, **more}, ensure_ascii=False)


def completion(content: Any, *, tokens: int | None = 120, finish: str = "stop", **message: Any) -> Said:
    body: Body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
        ],
    }
    if tokens is not None:
        body["usage"] = {"prompt_tokens": tokens - 20, "completion_tokens": 20, "total_tokens": tokens}
    return Said(body=json.dumps(body).encode())


def refusal(status: int, message: str, **error: Any) -> Said:
    return Said(status, json.dumps({"error": {"message": message, "type": "invalid_request_error", **error}}).encode())


Content = Callable[[Body], str]


def cites(text: str) -> Content:
    """Write a text, citing the first passage of the request."""

    def said(body: Body) -> str:
        markers = re.findall(r"(?m)^\[([0-9A-F]{6})\]", body["messages"][-1]["content"])
        return writes(text, enough=True, sources=markers[:1])

    return said


def openai(content: Content) -> Answering:
    """OpenAI's newer models: a key, /v1 alone, no max_tokens, no temperature, no unknown field."""

    def answer(path: str, headers: Mapping[str, str], body: Body) -> Said:
        if path != "/v1/chat/completions":
            return refusal(404, f"Invalid URL (POST {path})")
        if headers.get("authorization") != "Bearer sk-test-key-of-a-model":
            return refusal(401, "Incorrect API key provided: sk-****.", code="invalid_api_key")
        if "max_tokens" in body:
            return refusal(
                400,
                NO_LIMIT + " Use 'max_completion_tokens' instead.",
                param="max_tokens",
                code="unsupported_parameter",
            )
        if body.get("temperature", 1) != 1:
            return refusal(
                400,
                NO_HEAT + " Only the default (1) value is supported.",
                param="temperature",
                code="unsupported_value",
            )
        if "chat_template_kwargs" in body:
            return refusal(400, "Unrecognized request argument supplied: chat_template_kwargs")
        return completion(content(body), refusal=None)

    return answer


def azure(content: Content) -> Answering:
    """Azure's v1 address: a path of its own, one field refused at a time, filters next to the text."""

    def answer(path: str, headers: Mapping[str, str], body: Body) -> Said:
        if path != "/openai/v1/chat/completions":
            return Said(404, b'{"error":{"code":"404","message":"Resource not found"}}')
        if "authorization" not in headers:
            return Said(401, b'{"error":{"code":"401","message":"Access denied due to invalid subscription key."}}')
        if "ignore all previous" in json.dumps(body).lower():
            return refusal(
                400,
                "The response was filtered due to the prompt triggering the content management policy.",
                code="content_filter",
            )
        if "temperature" in body:
            return refusal(
                400, "Unsupported value: 'temperature' does not support 0.2 with this model.", code="unsupported_value"
            )
        if "max_tokens" in body:
            return refusal(
                400,
                "Unsupported parameter: 'max_tokens' is not supported with this model.",
                code="unsupported_parameter",
            )
        return completion(content(body), content_filter_results={"hate": {"filtered": False}})

    return answer


def ollama(content: Content) -> Answering:
    """Ollama: no key, no /v1 needed by its users, text in a fence, unknown fields ignored."""

    def answer(path: str, headers: Mapping[str, str], body: Body) -> Said:
        if path != "/v1/chat/completions":
            return Said(404, b"404 page not found", {"Content-Type": "text/plain"})
        if body["model"] != "small-model":
            return refusal(404, f"model '{body['model']}' not found")
        assert "authorization" not in headers
        return completion(f"Here is the JSON:\n```json\n{content(body)}\n```")

    return answer


def vllm(content: Content) -> Answering:
    """vLLM with a model that does not think: max_tokens known, unknown fields ignored, tokens reported."""

    def answer(path: str, headers: Mapping[str, str], body: Body) -> Said:
        if path != "/v1/chat/completions":
            return Said(404, b'{"detail":"Not Found"}')
        assert body["max_tokens"]
        return completion(content(body), reasoning_content=None, tool_calls=[])

    return answer


def qwen(content: Content, *, obeys: bool = True) -> Answering:
    """Qwen 3 under vLLM without a parser: thoughts that only end, until it is asked not to think (if it obeys)."""

    def answer(path: str, headers: Mapping[str, str], body: Body) -> Said:
        if path != "/v1/chat/completions":
            return Said(404, b'{"detail":"Not Found"}')
        if obeys and not body.get("chat_template_kwargs", {}).get("enable_thinking", True):
            return completion(content(body))
        thoughts = 'The user asks {"text": "not this one"} ...\nLet me think.\n</think>\n\n'
        if body.get("max_tokens", 0) < 1_000:
            return completion(thoughts + content(body))
        return completion(f"<think>\n{thoughts}{content(body)}")

    return answer


def deepseek(content: Content, *, reasoner: bool = False) -> Answering:
    """DeepSeek: both addresses, thoughts in a field of their own; the reasoner ignores the temperature."""

    def answer(path: str, headers: Mapping[str, str], body: Body) -> Said:
        if path not in {"/v1/chat/completions", "/chat/completions"}:
            return Said(404, b"")
        if headers.get("authorization") != "Bearer sk-test-key-of-a-model":
            return refusal(401, "Authentication Fails, Your api key: ****est is invalid", code="invalid_request_error")
        more = {"reasoning_content": "First I look at the passages {...}."} if reasoner else {}
        return completion(content(body), **more)

    return answer


def llama_cpp(content: Content) -> Answering:
    """llama.cpp's server: no key, no tokens reported by old ones, thoughts switched by the template."""

    def answer(path: str, headers: Mapping[str, str], body: Body) -> Said:
        if path not in {"/v1/chat/completions", "/chat/completions"}:
            return refusal(404, "File Not Found", code=404)
        return completion(content(body) + "\n", tokens=None, reasoning_content="")

    return answer


def always(said: Said) -> Answering:
    return lambda path, headers, body: said


def in_turn(*answers: Said) -> Answering:
    left = list(answers)
    return lambda path, headers, body: left.pop(0) if len(left) > 1 else left[0]


def wait_until(condition: Callable[[], bool], *, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    assert condition()
