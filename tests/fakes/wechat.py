"""A WeChat whose tokens end, whose files may be gone, and whose answers may be refused.

No description of it is published; the requests are checked by a schema of ours, made from its documentation's prose.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jsonschema

from cli.demo.wechat import ACCOUNT, AES_KEY, APP, SECRET, TOKEN, DemoWechat
from connectors.base import WebhookRequest
from tests.fakes.server import DemoAnswer, DemoRequest

__all__ = ["ACCOUNT", "AES_KEY", "APP", "SECRET", "TOKEN", "FakeWechat"]

CUSTOMER = "oOPENID-AbCdEf_1"
# OURS, not WeChat's: from developers.weixin.qq.com, customer service messages and stable access tokens.
SCHEMAS: dict[str, dict[str, Any]] = {
    "/cgi-bin/stable_token": {
        "type": "object",
        "required": ["grant_type", "appid", "secret"],
        "properties": {
            "grant_type": {"const": "client_credential"},
            "appid": {"type": "string"},
            "secret": {"type": "string"},
            "force_refresh": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    "/cgi-bin/message/custom/send": {
        "type": "object",
        "required": ["touser", "msgtype", "text"],
        "properties": {
            "touser": {"type": "string", "minLength": 1},
            "msgtype": {"const": "text"},
            "text": {
                "type": "object",
                "required": ["content"],
                "properties": {"content": {"type": "string", "minLength": 1}},
                "additionalProperties": False,
            },
            "customservice": {"type": "object"},
        },
        "additionalProperties": False,
    },
}


class FakeWechat(DemoWechat):
    """errors: errcodes of the next calls, by path.  lasts: seconds of a token; clock: theirs.  media: files by id.

    forced: how often a token was renewed by force.  stale: how often a call came with a token that had ended.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.errors: dict[str, list[int]] = {}
        self.media: dict[str, bytes] = {}
        self.violations: list[str] = []
        self.clock, self.lasts, self.until = clock, 7200.0, 0.0
        self.forced = self.stale = 0
        self.forced_at = -60.0
        super().__init__(first=24_000_000_000_000_000)

    def request(self, fields: dict[str, Any] | None = None, **more: Any) -> WebhookRequest:
        """Return the callback of a customer's message."""
        said = fields if fields is not None else self.message(sender=CUSTOMER, **more)
        body, query = self.callback(said)
        return WebhookRequest(body=body, headers={"content-type": "text/xml"}, query=query)

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        if asked.path in SCHEMAS:
            found = jsonschema.Draft202012Validator(SCHEMAS[asked.path]).iter_errors(asked.json)
            self.violations += [f"{asked.path}: {error.message[:200]}" for error in found]
            # WeChat refuses letters that are written as \\u escapes (40033).
            self.violations += ["escaped letters"] if b"\\u" in asked.body else []
        if queued := self.errors.get(asked.path):
            return DemoAnswer(document={"errcode": queued.pop(0), "errmsg": "as a test wants"})
        if asked.path == "/cgi-bin/media/get":
            return self._file(asked)
        if asked.path != "/cgi-bin/stable_token" and self.clock() >= self.until:
            self.stale += 1
            return DemoAnswer(document={"errcode": 42001, "errmsg": "access_token expired"})
        return super().answer(asked)

    def end_token(self) -> None:
        """Let the token end at once, as when another system asks for one in the old way."""
        with self.lock:
            self.until = 0.0

    def _token(self, body: dict[str, Any]) -> DemoAnswer:
        now = self.clock()
        forced = body.get("force_refresh") is True and now - self.forced_at >= 30
        # Like the real one: the same token until five minutes before its end.
        if forced or now >= self.until - 300:
            self.issued, self.until = self.issued + 1, now + self.lasts
            self.forced, self.forced_at = (self.forced + 1, now) if forced else (self.forced, self.forced_at)
        answer = super()._token(body)
        if answer.document and "expires_in" in answer.document:
            answer.document["expires_in"] = int(self.until - now)
        return answer

    def _file(self, asked: DemoRequest) -> DemoAnswer:
        assert asked.params["access_token"] == self.token
        content = self.media.get(asked.params["media_id"])
        return DemoAnswer(content=content) if content else DemoAnswer(document={"errcode": 40007, "errmsg": "no"})
