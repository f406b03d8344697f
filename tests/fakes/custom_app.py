"""A system of the operator's own: it takes answers and has a list. A plain module."""

from __future__ import annotations

from router.webhook_signature import is_signed
from tests.custom_desk import KEY
from tests.fakes.server import DemoAnswer, FakeServer


class App(FakeServer):
    """Takes answers; remembers the ids that it has. items: its list, by cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, dict] = {}
        self.items: list[dict] = []
        self.oldest = 0

    def answer(self, asked) -> DemoAnswer:
        if asked.method == "POST":
            assert is_signed(asked.body, keys=[KEY], headers={k.lower(): v for k, v in asked.headers.items()})
            body = asked.json
            if body["id"] in self.known:
                return DemoAnswer(409)
            self.known[body["id"]] = body
            return DemoAnswer(200, {"id": f"theirs-{len(self.known)}"})
        if asked.path.startswith("/known/"):
            return DemoAnswer(200, {"id": "theirs-1"} if asked.path[7:] in self.known else {})
        after, limit = int(asked.params["after"] or self.oldest), int(asked.params["limit"])
        if after < self.oldest:
            return DemoAnswer(410)
        page = self.items[after : after + min(limit, 3)]
        return DemoAnswer(200, {"items": page, "next": after + len(page), "more": after + len(page) < len(self.items)})
