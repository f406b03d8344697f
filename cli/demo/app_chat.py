"""A simulated app of the wallet with a chat of its own: it lists its customers' messages and takes signed answers."""

from __future__ import annotations

import time
from typing import Final

from cli.demo.provider import DemoAnswer, DemoRequest, Json, Provider

# 32 bytes, in base64; signs the answers.
SECRET: Final = "whsec_b21uaXlhcmQgZGVtbyBhcHAgc2VjcmV0LCAzMiBieXQ="  # noqa: S105  (of the demo alone)
_PAGE: Final = 20


class DemoApp(Provider):
    """See the module. first: number of the first message; a desk remembers those of the last demo."""

    def __init__(self, *, port: int = 0, first: int = 1) -> None:
        self.first = first
        self.items: list[Json] = []
        self.answers: dict[str, Json] = {}
        super().__init__(port=port)

    def receive(self, text: str, *, user: str, name: str, **more: object) -> str:
        """Let a customer write in the app; return the message's id."""
        with self.lock:
            message_id = f"app-{self.first + len(self.items)}"
            item = {"type": "message", "id": message_id, "user": {"id": user, "name": name}, "text": text}
            self.items.append(item | {"sent_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())} | more)
            return message_id

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        """See `Provider`."""
        return self._take(asked) if asked.method == "POST" else self._list(asked)

    def _list(self, asked: DemoRequest) -> DemoAnswer:
        after = asked.params.get("after", "")
        # A cursor of an earlier demo has ended.
        if after and not self.first <= int(after) <= self.first + len(self.items):
            return DemoAnswer(410)
        start = int(after) - self.first if after else 0
        page = self.items[start : start + _PAGE]
        following = start + len(page)
        return DemoAnswer(
            document={"items": page, "next": str(self.first + following), "more": following < len(self.items)}
        )

    def _take(self, asked: DemoRequest) -> DemoAnswer:
        message = asked.json
        if message["id"] in self.answers:
            return DemoAnswer(409)
        self.answers[message["id"]] = message
        self.left(message["user"].get("id", "?"), message["text"])
        return DemoAnswer(document={"id": f"answer-{len(self.answers)}"})
