"""A LINE whose requests, answers and webhooks are checked against LINE's own published descriptions."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from openapi_schema_validator import OAS30Validator

from connectors.base import WebhookRequest
from tests.fakes import contract
from tests.fakes.server import DemoAnswer, DemoRequest, FakeServer

SECRET, TOKEN = "omni-channel-secret", "omni-channel-token"
BOT = f"U{'0' * 31}1"
# Opaque: two people may differ in case alone.
CUSTOMER, OTHER = "Uaa000000000000000000000000000001", "UAA000000000000000000000000000001"
_EVENTS = {"message": "MessageEvent", "unsend": "UnsendEvent", "follow": "FollowEvent", "postback": "PostbackEvent"}
_CONTENTS = {each: f"{each.title()}MessageContent" for each in ("text", "image", "video", "audio", "file", "sticker")}


def _overlay(document: dict[str, Any]) -> None:
    """Add the answers that LINE's reference describes in prose: each may be a refusal."""
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}}
    for operations in document["paths"].values():
        for operation in (each for each in operations.values() if "responses" in each):
            for status in ("400", "401", "403", "404", "429", "500"):
                operation["responses"].setdefault(status, {"description": "an error", "content": error})


class FakeLine(FakeServer):
    """sent: the texts that customers got, by recipient or reply token.  media: files by message id.

    quota: messages of a month; None for no limit.  endpoint: what the console names as the webhook.
    """

    def __init__(self) -> None:
        self.contract = contract.load("line_messaging_api.json", overlay=_overlay)
        self.sent: list[tuple[str, str]] = []
        self.keys: dict[str, str] = {}
        self.reply_tokens: set[str] = set()
        self.media: dict[str, bytes] = {}
        self.quota: int | None = 200
        self.endpoint: dict[str, Any] | None = {"endpoint": "https://d.example/webhooks/line", "active": True}
        self.violations: list[str] = []
        self._number = 0
        self._hooks = _webhook_schemas()
        super().__init__()

    def event(self, text: str | None = None, *, sender: str = CUSTOMER, **more: Any) -> dict[str, Any]:
        """Return the event of a customer's message. more: fields of the message, with its type if it is no text."""
        self._number += 1
        number, token = self._number, hashlib.md5(str(self._number).encode()).hexdigest()
        content = {"type": "text", "text": text} if text is not None else {}
        self.reply_tokens.add(token)
        said = {"id": f"4614402{number:07}", "quoteToken": f"q{number}"} | content | more
        return self._event("message") | {"replyToken": token, "message": said, "source": _user(sender)}

    def unsend(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return the event that a customer took a message back."""
        taken = {"unsend": {"messageId": event["message"]["id"]}, "source": event["source"]}
        self._number += 1
        return self._event("unsend") | taken

    def request(self, *events: dict[str, Any], secret: str = SECRET) -> WebhookRequest:
        """Return the signed webhook with the events."""
        document = {"destination": BOT, "events": list(events)}
        self._check("CallbackRequest", document)
        for event in events:
            self._check(_EVENTS[event["type"]], event)
            self._check(_CONTENTS.get(event.get("message", {}).get("type"), "MessageContent"), event.get("message"))
        body = json.dumps(document, ensure_ascii=False).encode()
        return WebhookRequest(body=body, headers={"x-line-signature": signature_of(body, secret=secret)})

    def check(self, asked: DemoRequest, answer: DemoAnswer) -> None:
        if self.contract is None:
            return
        body = json.loads(asked.body) if asked.body else None
        self.contract.request(asked.method, asked.path, query=asked.query, form=None, json_body=body)
        for message in (body or {}).get("messages", ()):
            self.contract._validate({"$ref": "#/components/schemas/TextMessage"}, message, where="a message")
        if answer.content is None:
            self.contract.reply(asked.method, asked.path, status=answer.status, document=answer.document)

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return error(401, "Authentication failed. Confirm that the access token is valid.")
        if asked.path.startswith("/v2/bot/message/") and asked.path.endswith("/content"):
            content = self.media.get(asked.path.split("/")[4])
            return DemoAnswer(content=content) if content else error(404, "Not found")
        return getattr(self, _ASKED[asked.path])(asked)

    def _push(self, asked: DemoRequest) -> DemoAnswer:
        key = asked.headers.get("X-Line-Retry-Key", "")
        if key in self.keys:
            said = {"message": "The retry key is already accepted", "sentMessages": [{"id": self.keys[key]}]}
            return DemoAnswer(409, said)
        if self.quota is not None and len(self.sent) >= self.quota:
            return error(429, "You have reached your monthly limit.")
        return self._taken(asked, to=asked.json["to"], key=key)

    def _reply(self, asked: DemoRequest) -> DemoAnswer:
        token = asked.json["replyToken"]
        if token not in self.reply_tokens:
            return error(400, "Invalid reply token")
        self.reply_tokens.discard(token)
        return self._taken(asked, to=token)

    def _taken(self, asked: DemoRequest, *, to: str, key: str = "") -> DemoAnswer:
        self._number += 1
        made = f"51{self._number:016}"
        self.keys |= {key: made} if key else {}
        self.sent += [(to, each["text"]) for each in asked.json["messages"]]
        return DemoAnswer(document={"sentMessages": [{"id": made, "quoteToken": "q"}]})

    def _info(self, _: DemoRequest) -> DemoAnswer:
        said = {"userId": BOT, "basicId": "@wallet", "displayName": "Wallet", "chatMode": "bot"}
        return DemoAnswer(document=said | {"markAsReadMode": "auto"})

    def _hook(self, _: DemoRequest) -> DemoAnswer:
        return DemoAnswer(document=self.endpoint) if self.endpoint else error(404, "Webhook endpoint not found")

    def _quota(self, _: DemoRequest) -> DemoAnswer:
        limited = {"type": "limited", "value": self.quota}
        return DemoAnswer(document={"type": "none"} if self.quota is None else limited)

    def _used(self, _: DemoRequest) -> DemoAnswer:
        return DemoAnswer(document={"totalUsage": len(self.sent)})

    def _event(self, kind: str) -> dict[str, Any]:
        return {
            "type": kind,
            "mode": "active",
            "timestamp": int(time.time() * 1000),
            "webhookEventId": f"01FZ74A0TDDPYRVKNK{self._number:08}",
            "deliveryContext": {"isRedelivery": False},
        }

    def _check(self, schema: str, value: Any) -> None:
        if self._hooks and value is not None:
            found = OAS30Validator({**self._hooks["schemas"][schema], "components": self._hooks}).iter_errors(value)
            self.violations += [f"{schema}: {error.message[:200]}" for error in found]


_ASKED = {
    "/v2/bot/message/push": "_push",
    "/v2/bot/message/reply": "_reply",
    "/v2/bot/info": "_info",
    "/v2/bot/channel/webhook/endpoint": "_hook",
    "/v2/bot/message/quota": "_quota",
    "/v2/bot/message/quota/consumption": "_used",
}


def error(status: int, message: str) -> DemoAnswer:
    return DemoAnswer(status, {"message": message})


def signature_of(body: bytes, *, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _user(user: str) -> dict[str, str]:
    return {"type": "user", "userId": user}


def _webhook_schemas() -> dict[str, Any]:
    folder = contract.specs_folder()
    if folder is None:
        return {}
    found: dict[str, Any] = json.loads((folder / "line_webhook.json").read_text(encoding="utf-8"))["components"]
    return found
