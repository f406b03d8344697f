"""A simulated X with state: events newest first with tokens, a rate limit that counts down, and its charges."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from cli.demo.provider import DemoAnswer, DemoRequest, Json, Provider
from connectors.base import utc_now
from connectors.social.x.messages import id_at

OWN: Final = "900"
CUSTOMER: Final = "12345"
KEYS: Final = {
    "X_CONSUMER_KEY": "consumer-key",
    "X_CONSUMER_SECRET": "consumer-secret-of-ours",
    "X_ACCESS_TOKEN": f"{OWN}-access-token-of-ours",
    "X_ACCESS_SECRET": "access-secret-of-ours",
}
_LOOKUPS: Final = 15


def problem(status: int, title: str, kind: str = "about:blank", **headers: str) -> DemoAnswer:
    """Return an error in X's form."""
    document = {"title": title, "type": kind, "status": status, "detail": title}
    return DemoAnswer(status, document, headers={"Content-Type": "application/problem+json"} | headers)


class DemoX(Provider):
    """See the module. remaining, resets_at: the rate limit.  charged: day and id of each event that cost money."""

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, port: int = 0) -> None:
        self.clock = clock
        self.events: list[Json] = []
        self.users: dict[str, Json] = {CUSTOMER: {"id": CUSTOMER, "name": "Li Na", "username": "lina"}}
        self.remaining, self.window = _LOOKUPS, timedelta(minutes=15)
        self.resets_at = clock() + self.window
        self.charged: set[tuple[str, str]] = set()
        self._more = itertools.count(1)
        super().__init__(port=port)

    def receive(
        self,
        text: str,
        *,
        at: datetime | None = None,
        sender: str | None = CUSTOMER,
        to: str = OWN,
        **over: Any,  # noqa: ANN401  (fields of the event)
    ) -> str:
        """Send a message as a customer; return the event's id."""
        at = at or self.clock()
        event_id = str(id_at(at) + next(self._more))
        event: Json = {
            "id": event_id,
            "event_type": "MessageCreate",
            "text": text,
            "created_at": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "dm_conversation_id": f"{(to if sender == OWN else sender) or 1}-{OWN}",
        }
        event |= {"sender_id": sender} if sender else {}
        with self.lock:
            self.events.append(event | over)
        return event_id

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        """See `Provider`."""
        if not self.is_signed(asked):
            return problem(401, "Unauthorized")
        if asked.path == "/2/users/me":
            return DemoAnswer(document={"data": {"id": OWN, "name": "Wallet", "username": "wallet"}})
        if asked.method == "POST":
            return self._send(asked)
        if self.clock() >= self.resets_at:
            self.remaining, self.resets_at = _LOOKUPS, self.clock() + self.window
        if self.remaining <= 0:
            return problem(429, "Too Many Requests", **self._limit())
        self.remaining -= 1
        found = re.fullmatch(r"/2/dm_conversations/with/(\d+)/dm_events", asked.path)
        wanted = f"{found[1]}-" if found else ""
        return self._page(asked, [each for each in self.events if wanted in each.get("dm_conversation_id", "")])

    def is_signed(self, asked: DemoRequest) -> bool:
        """Return whether the request is signed (RFC 5849); the tests verify the signature."""
        return asked.headers.get("Authorization", "").startswith("OAuth ")

    def _page(self, asked: DemoRequest, events: list[Json]) -> DemoAnswer:
        newest = sorted(events, key=_number, reverse=True)
        start, size = _start(asked.params.get("pagination_token")), int(asked.params.get("max_results", "100"))
        shown = newest[start : start + size]
        today = self.clock().date().isoformat()
        self.charged |= {(today, str(each.get("id"))) for each in shown}
        meta: Json = {"result_count": len(shown)}
        if len(newest) > start + size:
            meta["next_token"] = f"T{start + size:031d}"
        document: Json = {"meta": meta}
        if shown:
            senders = {each.get("sender_id") for each in shown}
            users = [user for key, user in self.users.items() if key in senders]
            document |= {"data": shown} | ({"includes": {"users": users}} if users else {})
        return DemoAnswer(document=document, headers=self._limit())

    def _send(self, asked: DemoRequest) -> DemoAnswer:
        found = re.fullmatch(r"/2/dm_conversations/with/(\d+)/messages", asked.path)
        if not found:
            return problem(404, "Not Found")
        event_id = self.receive(asked.json["text"], sender=OWN, to=found[1])
        self.left(found[1], asked.json["text"])
        return DemoAnswer(201, {"data": {"dm_conversation_id": f"{found[1]}-{OWN}", "dm_event_id": event_id}})

    def _limit(self) -> dict[str, str]:
        reset = str(int(self.resets_at.timestamp()))
        return {
            "x-rate-limit-limit": str(_LOOKUPS),
            "x-rate-limit-remaining": str(self.remaining),
            "x-rate-limit-reset": reset,
        }


def _number(event: Json) -> int:
    event_id = str(event.get("id", ""))
    return int(event_id) if event_id.isdigit() else 0


def _start(token: str | None) -> int:
    return int(token[1:]) if token else 0
