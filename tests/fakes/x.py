"""The demo's X, checked against the published description; it verifies signatures, and also pushes events."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from oauthlib.common import Request
from oauthlib.oauth1.rfc5849 import signature

from cli.demo.x import CUSTOMER, KEYS, OWN, DemoX, problem
from tests.fakes import contract, overlay
from tests.fakes.server import DemoAnswer, DemoRequest

__all__ = ["CUSTOMER", "KEYS", "OWN", "FakeX", "problem"]

# The address that tweepy signs, whichever address the request is sent to.
PUBLIC = "https://api.twitter.com"


class FakeX(DemoX):
    """contract: None where the description does not exist.  old: events name tweets, as it does, not posts."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.contract = contract.load("x_api_v2_dm_2.159.json", overlay=overlay.x)
        self.old = True
        self.forged: list[str] = []
        super().__init__(clock=clock)

    def check(self, asked: DemoRequest, answer: DemoAnswer) -> None:
        if self.contract is None or answer.status == 401:
            return
        body = json.loads(asked.body) if asked.body else None
        self.contract.request(asked.method, asked.path, query=asked.query, form=None, json_body=body)
        # Another description has the newer vocabulary.
        if self.old:
            self.contract.reply(asked.method, asked.path, status=answer.status, document=answer.document)

    def is_signed(self, asked: DemoRequest) -> bool:
        signed = _is_signed(asked)
        self.forged += [] if signed else [asked.path]
        return signed

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


def _is_signed(asked: DemoRequest) -> bool:
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
    return bool(signature.verify_hmac_sha1(request, KEYS["X_CONSUMER_SECRET"], KEYS["X_ACCESS_SECRET"]))
