"""A WeCom with customer service: messages by cursor, sends, session states, files; checked by the shared schema."""

from __future__ import annotations

import json
import time
from typing import Any

import jsonschema

from tests.fakes.contract import specs_folder
from tests.fakes.server import DemoAnswer, FakeServer

CORP, ACCOUNT, SECRET = "wwOMNI0001", "wk0001", "the-secret-of-the-app"
CUSTOMER = "wmCUSTOMER-AbC"
_REQUESTS = {"kf/sync_msg": "sync_msg_request", "kf/send_msg": "send_msg_request"}
_REQUESTS |= {"kf/service_state/trans": "service_state_trans_request"}


class FakeWecom(FakeServer):
    """items: all messages, oldest first.  state: of every session.  errors: errcodes of the next calls, by path.

    empty: how many empty batches with has_more come before the items.  batch: how many items one has at most.
    """

    def __init__(self) -> None:
        super().__init__()
        self.items: list[dict[str, Any]] = []
        self.sent: dict[str, dict[str, Any]] = {}
        self.errors: dict[str, list[int]] = {}
        self.media: dict[str, bytes] = {}
        self.state, self.empty, self.tokens, self.batch = 1, 0, 0, 100
        self.violations: list[str] = []
        folder = specs_folder()
        path = folder / "own_wecom_kf.schema.json" if folder else None
        self.schema = json.loads(path.read_text(encoding="utf-8")) if path else None

    def receive(self, words: str = "", *, at: float | None = None, origin: int = 3, **more: Any) -> str:
        """Let a customer (3), the system (4) or a colleague (5) write; return the message's id."""
        msgid = f"msg-{len(self.items)}-" + "x" * 30
        item = {"msgid": msgid, "open_kfid": ACCOUNT, "external_userid": CUSTOMER, "send_time": int(at or time.time())}
        item |= {"origin": origin} | (more or {"msgtype": "text", "text": {"content": words}})
        self.items.append(item)
        return msgid

    def event(self, kind: str, **fields: Any) -> None:
        event = {"event_type": kind, "open_kfid": ACCOUNT, "external_userid": CUSTOMER} | fields
        self.items.append(
            {"msgid": f"event-{len(self.items)}", "send_time": int(time.time()), "origin": 4, "msgtype": "event"}
            | {"event": event}
        )

    def answer(self, asked) -> DemoAnswer:
        path = asked.path.removeprefix("/cgi-bin/")
        if path == "media/get":
            content = self.media.get(asked.params["media_id"])
            return DemoAnswer(content=content) if content else DemoAnswer(document={"errcode": 40007, "errmsg": "no"})
        if queued := self.errors.get(path):
            return DemoAnswer(document={"errcode": queued.pop(0), "errmsg": "as a test wants"})
        if path == "gettoken":
            assert asked.params == {"corpid": CORP, "corpsecret": SECRET}
            self.tokens += 1
            return self._checked_answer(path, {"access_token": f"token-{self.tokens}", "expires_in": 7200})
        assert asked.params["access_token"].startswith("token-")
        self._check(_REQUESTS.get(path, ""), asked.json)
        return self._checked_answer(path, getattr(self, "_" + path.replace("/", "_"))(asked.json))

    def _kf_sync_msg(self, body) -> dict[str, Any]:
        start, limit = int(body.get("cursor") or 0), min(body["limit"], self.batch)
        if self.empty:
            self.empty -= 1
            return {"next_cursor": str(start), "has_more": 1, "msg_list": []}
        batch = self.items[start : start + limit]
        end = start + len(batch)
        return {"next_cursor": str(end), "has_more": int(end < len(self.items)), "msg_list": batch}

    def _kf_send_msg(self, body) -> dict[str, Any]:
        if self.state not in (0, 1):
            return {"errcode": 95018, "errmsg": "session status invalid"}
        assert len(body["text"]["content"].encode()) <= 2048
        self.sent[body["msgid"]] = body
        return {"msgid": body["msgid"]}

    def _kf_service_state_trans(self, body) -> dict[str, Any]:
        if self.state == 3:
            return {"errcode": 95019, "errmsg": "no"}
        self.state = body["service_state"]
        return {}

    def _kf_account_list(self, body) -> dict[str, Any]:
        return {"account_list": [{"open_kfid": ACCOUNT, "name": "support", "manage_privilege": True}]}

    def _checked_answer(self, path: str, document: dict[str, Any]) -> DemoAnswer:
        document = {"errcode": 0, "errmsg": "ok"} | document
        self._check({"kf/sync_msg": "sync_msg_reply", "kf/send_msg": "send_msg_reply"}.get(path, ""), document)
        return DemoAnswer(document=document)

    def _check(self, name: str, document: Any) -> None:
        if not name or self.schema is None:
            return
        schema = {"$ref": f"#/$defs/{name}", "$defs": self.schema["$defs"]}
        errors = jsonschema.Draft202012Validator(schema).iter_errors(document)
        self.violations += [f"{name}: {error.message[:200]}" for error in errors]
