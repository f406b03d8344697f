"""The providers of `benchmarks.chaos.gates`: those of the tests, with slow files, pages in random order, and all answers kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

from cli.demo.app_chat import DemoApp
from tests.fakes.server import DemoAnswer, DemoRequest
from tests.fakes.wecom import FakeWecom
from tests.fakes.x_mentions import FakeXPosts

_SLOW_SECONDS: Final = 1.0


class GateApp(DemoApp):
    """The operator's own system: takes answers, and has slow files."""

    def received(self) -> Iterator[tuple[str, str]]:
        """Yield each answer, by its user."""
        for answer in self.answers.values():
            yield answer["user"]["id"], answer["text"]

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        if asked.path.startswith("/files/"):
            return DemoAnswer(content=b"%PDF-1.7 " + asked.path.encode())
        return super().answer(asked)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        self.stopped.wait(_SLOW_SECONDS if handler.path.startswith("/files/") else 0)
        super().serve(handler)


class GateWecom(FakeWecom):
    """Lists the messages of a page in random order, and keeps every answer."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._answers: list[tuple[str, str]] = []
        super().__init__()
        # The chaos run lasts minutes; the tests check the provider against its schema.
        self.schema = None

    def received(self) -> Iterator[tuple[str, str]]:
        """Yield each answer, by its customer, a repeated one again."""
        yield from self._answers

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        self.stopped.wait(_SLOW_SECONDS if "media/get" in handler.path else 0)
        super().serve(handler)

    def _kf_sync_msg(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = super()._kf_sync_msg(body)
        self._chance.shuffle(answer["msg_list"])
        return answer

    def _kf_send_msg(self, body: dict[str, Any]) -> dict[str, Any]:
        self._answers.append((body["touser"], body["text"]["content"]))
        return super()._kf_send_msg(body)


class GatePosts(FakeXPosts):
    """Lists the posts of a page in random order."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        super().__init__()
        self.contract = None

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        answer = super().answer(asked)
        if answer.document and isinstance(answer.document.get("data"), list):
            self._chance.shuffle(answer.document["data"])
        return answer
