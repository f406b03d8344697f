"""An X with posts that mention us and answers in public, checked against the published description."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from connectors.social.x.messages import id_at
from tests.fakes import contract
from tests.fakes.server import DemoAnswer, FakeServer
from tests.fakes.x import OWN

AUTHOR = "222"


def _overlay(document: dict[str, Any]) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            # Declared as a discriminator's choice among problems, of which only one example is ever complete.
            if "oneOf" not in value:
                value.pop("discriminator", None)
            if isinstance(value.get("enum"), list):
                value["enum"] = list(dict.fromkeys(value["enum"]))
            for each in value.values():
                walk(each)
        elif isinstance(value, list):
            for each in value:
                walk(each)

    walk(document)


class FakeXPosts(FakeServer):
    """mentions: posts that name us.  ours: what we posted.  late: ids that the list does not show yet.

    webhooks, subscriptions: those of the app.
    """

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.clock = clock
        self.mentions: list[dict[str, Any]] = []
        self.ours: list[dict[str, Any]] = []
        self.late: set[str] = set()
        self.webhooks: list[dict[str, Any]] = []
        self.subscriptions: list[dict[str, Any]] = []
        self._more = itertools.count(1)
        self.contract = contract.load("x_api_v2_mentions_2.159.json", overlay=_overlay)
        super().__init__()

    def subscribe(self, event_type: str = "post.mention.create", *, valid: bool = True) -> None:
        """Register a webhook of the app, and let it report."""
        at = {"created_at": "2026-01-01T00:00:00.000Z"}
        self.webhooks = [{"id": "1", "url": "https://desk.example/webhooks/x", "valid": valid} | at]
        subscription = {"subscription_id": "2", "event_type": event_type, "filter": {"user_id": OWN}, "webhook_id": "1"}
        self.subscriptions = [subscription | at | {"updated_at": at["created_at"]}]

    def receive(self, text: str, *, at: datetime | None = None, author: str = AUTHOR, **over: Any) -> str:
        """Let a customer post; return the post's id."""
        at = at or self.clock()
        number = str(id_at(at) + next(self._more))
        start = text.find("@Wallet")
        mention = {"start": max(start, 0), "end": max(start, 0) + 7, "username": "Wallet", "id": OWN}
        post = {
            "id": number,
            "text": text,
            "author_id": author,
            "conversation_id": number,
            "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "edit_history_tweet_ids": [number],
            "entities": {"mentions": [mention]},
        }
        self.mentions.append(post | over)
        return number

    def answer(self, asked) -> DemoAnswer:
        if asked.path == "/2/users/me":
            return DemoAnswer(document={"data": {"id": OWN, "name": "Wallet", "username": "wallet"}})
        if asked.path == "/oauth2/token":
            assert asked.form == {"grant_type": "client_credentials"}
            return DemoAnswer(document={"token_type": "bearer", "access_token": "app-token"})
        if asked.path in {"/2/webhooks", "/2/activity/subscriptions"}:
            assert asked.headers["Authorization"] == "Bearer app-token"
            listed = self.webhooks if asked.path == "/2/webhooks" else self.subscriptions
            return DemoAnswer(document={"meta": {"result_count": len(listed)}} | ({"data": listed} if listed else {}))
        if asked.method == "POST":
            body = asked.json
            number = str(id_at(self.clock()) + next(self._more))
            replied = [{"type": "replied_to", "id": body["reply"]["in_reply_to_tweet_id"]}]
            self.ours.append({"id": number, "text": f"@someone {body['text']}", "referenced_tweets": replied})
            return DemoAnswer(201, {"data": {"id": number, "text": body["text"]}})
        posts = self.mentions if asked.path.endswith("mentions") else self.ours
        shown = [each for each in posts if each.get("id") not in self.late]
        newest = sorted(shown, key=lambda each: int(each.get("id") or 0), reverse=True)
        token = asked.params.get("pagination_token", "")
        start, size = int(token[1:] or 0) if token else 0, int(asked.params["max_results"])
        page = newest[start : start + size]
        meta: dict[str, Any] = {"result_count": len(page)}
        meta |= {"next_token": f"T{start + size:031d}"} if len(newest) > start + size else {}
        users = [{"id": AUTHOR, "name": "Amy", "username": "amy"}]
        document = {"meta": meta} | ({"data": page, "includes": {"users": users}} if page else {})
        return DemoAnswer(document=document)

    def check(self, asked, answer: DemoAnswer) -> None:
        is_own_list = asked.path.endswith("/tweets") and asked.method == "GET"
        if self.contract is None or is_own_list or asked.path == "/oauth2/token":
            # Neither our own posts nor the app's token are in the cut of the description.
            return
        body = asked.json if asked.body else None
        self.contract.request(asked.method, asked.path, query=asked.query, form=None, json_body=body)
