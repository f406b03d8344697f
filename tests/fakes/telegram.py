"""A Telegram that remembers: updates until their offset is confirmed, files, and the messages sent."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.fakes import telegram_contract
from tests.fakes.server import Answer, Asked, FakeServer

TOKEN = "7000000001:AAEsecret-of-the-bot_0123456789abcdefg"
BOT = "7000000001"
CUSTOMER = 5550001


def error(code: int, description: str, **parameters: int) -> Answer:
    """Return an error as Telegram writes one."""
    document: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    return Answer(code, document | ({"parameters": parameters} if parameters else {}))


class FakeTelegram(FakeServer):
    """forgotten: updates that somebody confirmed, and that nobody can get any more."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.contract = telegram_contract.load()
        self.clock = clock
        self.updates: list[dict[str, Any]] = []
        self.forgotten: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.sent: list[dict[str, Any]] = []
        self.webhook = ""
        self.blocked: set[int] = set()
        self.ids, self._messages = itertools.count(1000), itertools.count(1)
        super().__init__()

    def receive(
        self,
        text: str | None,
        *,
        at: datetime | None = None,
        sender: int = CUSTOMER,
        kind: str = "message",
        chat: str = "private",
        file: tuple[str, bytes] | None = None,
        **over: Any,
    ) -> int:
        """Let a customer write; return the update's id."""
        person = {"id": sender, "is_bot": False, "first_name": "Li", "last_name": "Na", "username": "lina"}
        message: dict[str, Any] = {
            "message_id": next(self._messages),
            "from": person,
            "chat": {"id": sender if chat == "private" else -77, "type": chat},
            "date": int((at or self.clock()).timestamp()),
        }
        if text is not None:
            message["caption" if file else "text"] = text
        if file:
            file_id = f"F{len(self.files)}"
            self.files[file_id] = file[1]
            unique = {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(file[1])}
            message["document"] = unique | {"file_name": file[0]}
        number = next(self.ids)
        with self.lock:
            self.updates.append({"update_id": number, kind: message | over})
        return number

    def answer(self, asked: Asked) -> Answer:
        if found := re.fullmatch(r"/file/bot([^/]+)/documents/(\w+)", asked.path):
            return Answer(content=self.files[found[2]]) if found[1] == TOKEN else error(401, "Unauthorized")
        found = re.fullmatch(r"/bot([^/]+)/(\w+)", asked.path)
        if not found or found[1] != TOKEN:
            return error(401, "Unauthorized")
        parameters = asked.json or {}
        if self.contract:
            self.contract.request(found[2], parameters)
        answer = getattr(self, f"_{found[2]}")(parameters)
        if self.contract and answer.status == 200:
            self.contract.result(found[2], answer.document["result"])
        return answer

    def _getUpdates(self, parameters: dict[str, Any]) -> Answer:
        if self.webhook:
            return error(409, "Conflict: can't use getUpdates method while webhook is active")
        offset = parameters.get("offset", 0)
        self.forgotten += [each for each in self.updates if each.get("update_id", 0) < offset]
        self.updates = [each for each in self.updates if each.get("update_id", 0) >= offset]
        deadline = time.monotonic() + parameters.get("timeout", 0)
        while not self.updates and time.monotonic() < deadline and not self.stopped.is_set():
            # The question stays open, and others are answered meanwhile.
            self.lock.release()
            time.sleep(0.02)
            self.lock.acquire()
        return _ok(self.updates[: parameters.get("limit", 100)])

    def _getMe(self, _: dict[str, Any]) -> Answer:
        return _ok({"id": int(BOT), "is_bot": True, "first_name": "Wallet", "username": "wallet_bot"})

    def _getWebhookInfo(self, _: dict[str, Any]) -> Answer:
        pending = len(self.updates)
        return _ok({"url": self.webhook, "has_custom_certificate": False, "pending_update_count": pending})

    def _getFile(self, parameters: dict[str, Any]) -> Answer:
        file_id = parameters["file_id"]
        if file_id not in self.files:
            return error(400, "Bad Request: invalid file_id")
        return _ok({"file_id": file_id, "file_unique_id": f"u{file_id}", "file_path": f"documents/{file_id}"})

    def _sendMessage(self, parameters: dict[str, Any]) -> Answer:
        chat = int(parameters["chat_id"])
        if chat in self.blocked:
            return error(403, "Forbidden: bot was blocked by the user")
        if not 0 < len(parameters["text"]) <= 4096:
            return error(400, "Bad Request: message is too long")
        message = {
            "message_id": next(self._messages),
            "from": {"id": int(BOT), "is_bot": True, "first_name": "Wallet"},
            "chat": {"id": chat, "type": "private"},
            "date": int(self.clock().timestamp()),
            "text": parameters["text"],
        }
        self.sent.append(message)
        return _ok(message)


def _ok(result: Any) -> Answer:
    return Answer(document={"ok": True, "result": result})
