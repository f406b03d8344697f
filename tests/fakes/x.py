"""An X that remembers: events newest first with tokens, a rate limit that counts down, and what it charged."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from oauthlib.common import Request
from oauthlib.oauth1.rfc5849 import signature

from connectors.social.x_reading import id_at
from tests.fakes import contract, overlay
from tests.fakes.server import Answer, Asked, FakeServer

KEYS = {
    "X_CONSUMER_KEY": "consumer-key",
    "X_CONSUMER_SECRET": "consumer-secret-of-ours",
    "X_ACCESS_TOKEN": "900-access-token-of-ours",
    "X_ACCESS_SECRET": "access-secret-of-ours",
}
OWN = "900"
CUSTOMER = "12345"
PUBLIC = "https://api.twitter.com"


def problem(status: int, title: str, kind: str = "about:blank", **headers: str) -> Answer:
    """Return an error as X writes one."""
    document = {"title": title, "type": kind, "status": status, "detail": title}
    return Answer(status, document, headers={"Content-Type": "application/problem+json"} | headers)


class FakeX(FakeServer):
    """old: speak of tweets, else of posts.  seen_by_day: what is charged for."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.contract = contract.load("x_api_v2_dm_2.159.json", overlay=overlay.x)
        self.clock = clock
        self.events: list[dict[str, Any]] = []
        self.users = {CUSTOMER: {"id": CUSTOMER, "name": "Li Na", "username": "lina"}}
        self.remaining, self.window = 15, timedelta(minutes=15)
        self.resets_at = clock() + self.window
        self.old = True
        self.charged: set[tuple[str, str]] = set()
        self.forged: list[str] = []
        self._more = itertools.count(1)
        super().__init__()

    def receive(
        self, text: str, *, at: datetime | None = None, sender: str | None = CUSTOMER, to: str = OWN, **over: Any
    ) -> str:
        """Let somebody write; return the event's id."""
        at = at or self.clock()
        event_id = str(id_at(at) + next(self._more))
        other = sender if sender != OWN else to
        event: dict[str, Any] = {
            "id": event_id,
            "event_type": "MessageCreate",
            "text": text,
            "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "dm_conversation_id": f"{other or 1}-{OWN}",
        }
        if sender:
            event["sender_id"] = sender
        self.events.append(event | over)
        return event_id

    def pushed(self, event_id: str) -> dict[str, Any]:
        """Return the webhook's document about an event, in the older shape."""
        event = next(each for each in self.events if each["id"] == event_id)
        stamp = str(int(datetime.fromisoformat(event["created_at"]).timestamp() * 1000))
        create = {
            "target": {"recipient_id": OWN},
            "sender_id": event["sender_id"],
            "message_data": {"text": event["text"].replace("&", "&amp;").replace("<", "&lt;"), "entities": {}},
        }
        old = {"type": "message_create", "id": event_id, "created_timestamp": stamp, "message_create": create}
        users = {
            key: {"id": key, "name": each["name"], "screen_name": each["username"]} for key, each in self.users.items()
        }
        return {"for_user_id": OWN, "event_uuid": f"uuid-{event_id}", "direct_message_events": [old], "users": users}

    def answer(self, asked: Asked) -> Answer:
        if not _is_signed(asked):
            self.forged.append(asked.path)
            return problem(401, "Unauthorized")
        if asked.path == "/2/users/me":
            return Answer(document={"data": {"id": OWN, "name": "Wallet", "username": "wallet"}})
        if asked.method == "POST":
            return self._send(asked)
        if self.clock() >= self.resets_at:
            self.remaining, self.resets_at = 15, self.clock() + self.window
        if self.remaining <= 0:
            return problem(429, "Too Many Requests", **self._limit())
        self.remaining -= 1
        if found := re.fullmatch(r"/2/dm_conversations/with/(\d+)/dm_events", asked.path):
            mine = [each for each in self.events if found[1] in each.get("dm_conversation_id", "")]
            return self._page(asked, mine)
        return self._page(asked, self.events)

    def check(self, asked: Asked, answer: Answer) -> None:
        if self.contract is None or answer.status == 401:
            return
        body = json.loads(asked.body) if asked.body else None
        self.contract.request(asked.method, asked.path, query=asked.query, form=None, json_body=body)
        # The newer vocabulary is another description's.
        if self.old:
            self.contract.reply(asked.method, asked.path, status=answer.status, document=answer.document)

    def _page(self, asked: Asked, events: list[dict[str, Any]]) -> Answer:
        params = asked.params
        newest = sorted(
            events, key=lambda each: int(each["id"]) if str(each.get("id", "")).isdigit() else 0, reverse=True
        )
        start = _start(params.get("pagination_token"))
        size = int(params.get("max_results", "100"))
        shown = newest[start : start + size]
        today = self.clock().date().isoformat()
        self.charged |= {(today, str(each.get("id"))) for each in shown}
        meta: dict[str, Any] = {"result_count": len(shown)}
        if len(newest) > start + size:
            meta["next_token"] = _token(start + size)
        document: dict[str, Any] = {"meta": meta}
        if shown:
            document["data"] = shown
            senders = {each.get("sender_id") for each in shown}
            users = [user for key, user in self.users.items() if key in senders]
            document |= {"includes": {"users": users}} if users else {}
        return Answer(document=document, headers=self._limit())

    def _send(self, asked: Asked) -> Answer:
        to = re.fullmatch(r"/2/dm_conversations/with/(\d+)/messages", asked.path)[1]
        event_id = self.receive(asked.json["text"], sender=OWN, to=to)
        return Answer(201, {"data": {"dm_conversation_id": f"{to}-{OWN}", "dm_event_id": event_id}})

    def _limit(self) -> dict[str, str]:
        reset = str(int(self.resets_at.timestamp()))
        return {"x-rate-limit-limit": "15", "x-rate-limit-remaining": str(self.remaining), "x-rate-limit-reset": reset}


def _token(start: int) -> str:
    return f"T{start:031d}"


def _start(token: str | None) -> int:
    return int(token[1:]) if token else 0


def _is_signed(asked: Asked) -> bool:
    """Verify OAuth 1.0a (RFC 5849) over the public URL, as X sees it."""
    header = asked.headers.get("Authorization", "")
    query = f"?{urlencode(asked.query)}" if asked.query else ""
    request = Request(f"{PUBLIC}{asked.path}{query}", http_method=asked.method, headers={"Authorization": header})
    collected = signature.collect_parameters(
        uri_query=query.removeprefix("?"), body=[], headers=request.headers, exclude_oauth_signature=False
    )
    values = dict(collected)
    if values.get("oauth_consumer_key") != KEYS["X_CONSUMER_KEY"]:
        return False
    request.params = [(key, value) for key, value in collected if key != "oauth_signature"]
    request.signature = values.get("oauth_signature", "")
    return signature.verify_hmac_sha1(request, KEYS["X_CONSUMER_SECRET"], KEYS["X_ACCESS_SECRET"])
