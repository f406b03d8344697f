"""A simulated Telegram with state: updates until their offset is confirmed, files, and the messages sent."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

from cli.demo.provider import DemoAnswer, DemoRequest, Json, Provider
from connectors.base import utc_now

BOT: Final = "7000000001"
TOKEN: Final = f"{BOT}:AAEsecret-of-the-bot_0123456789abcdefg"
CUSTOMER: Final = 5550001
_LONGEST: Final = 4096


def error(code: int, description: str, **parameters: int) -> DemoAnswer:
    """Return an error in Telegram's form."""
    document: Json = {"ok": False, "error_code": code, "description": description}
    return DemoAnswer(code, document | ({"parameters": parameters} if parameters else {}))


class DemoTelegram(Provider):
    """See the module. forgotten: updates that were confirmed and can no longer be fetched.

    first: number of the first update; a desk that has already read higher ones would miss it.
    """

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, port: int = 0, first: int = 1000) -> None:
        self.clock = clock
        self.updates: list[Json] = []
        self.forgotten: list[Json] = []
        self.files: dict[str, bytes] = {}
        self.sent: list[Json] = []
        self.webhook = ""
        self.blocked: set[int] = set()
        self.ids: Iterator[int] = itertools.count(first)
        self._messages = itertools.count(1)
        self._methods: dict[str, Callable[[Json], DemoAnswer]] = {
            "getUpdates": self._get_updates,
            "getMe": self._get_me,
            "getWebhookInfo": self._get_webhook_info,
            "getFile": self._get_file,
            "sendMessage": self._send_message,
        }
        super().__init__(port=port)

    def receive(
        self,
        text: str | None,
        *,
        at: datetime | None = None,
        sender: int = CUSTOMER,
        names: tuple[str, str, str] = ("Li", "Na", "lina"),
        kind: str = "message",
        chat: str = "private",
        file: tuple[str, bytes] | None = None,
        **over: Any,  # noqa: ANN401  (fields of the message)
    ) -> int:
        """Send a message as a customer; return the update's id. names: first, last, username."""
        first, last, username = names
        message: Json = {
            "message_id": next(self._messages),
            "from": {"id": sender, "is_bot": False, "first_name": first, "last_name": last, "username": username},
            "chat": {"id": sender if chat == "private" else -77, "type": chat},
            "date": int((at or self.clock()).timestamp()),
        }
        message |= {} if text is None else {"caption" if file else "text": text}
        message |= {"document": self._keep(*file)} if file else {}
        number = next(self.ids)
        with self.lock:
            self.updates.append({"update_id": number, kind: message | over})
        return number

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        """See `Provider`."""
        if found := re.fullmatch(r"/file/bot([^/]+)/documents/(\w+)", asked.path):
            return DemoAnswer(content=self.files[found[2]]) if found[1] == TOKEN else error(401, "Unauthorized")
        found = re.fullmatch(r"/bot([^/]+)/(\w+)", asked.path)
        if not found or found[1] != TOKEN or found[2] not in self._methods:
            return error(401, "Unauthorized")
        return self.call(found[2], asked.json or {})

    def call(self, method: str, parameters: Json) -> DemoAnswer:
        """Answer one call of a method."""
        return self._methods[method](parameters)

    def _keep(self, name: str, content: bytes) -> Json:
        file_id = f"F{len(self.files)}"
        self.files[file_id] = content
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(content), "file_name": name}

    def _get_updates(self, parameters: Json) -> DemoAnswer:
        if self.webhook:
            return error(409, "Conflict: can't use getUpdates method while webhook is active")
        offset = parameters.get("offset", 0)
        self.forgotten += [each for each in self.updates if each.get("update_id", 0) < offset]
        self.updates = [each for each in self.updates if each.get("update_id", 0) >= offset]
        deadline = time.monotonic() + parameters.get("timeout", 0)
        while not self.updates and time.monotonic() < deadline and not self.stopped.is_set():
            # This request waits, and others are answered meanwhile.
            self.lock.release()
            time.sleep(0.02)
            self.lock.acquire()
        return _ok(self.updates[: parameters.get("limit", 100)])

    def _get_me(self, _: Json) -> DemoAnswer:
        return _ok({"id": int(BOT), "is_bot": True, "first_name": "Wallet", "username": "wallet_bot"})

    def _get_webhook_info(self, _: Json) -> DemoAnswer:
        pending = len(self.updates)
        return _ok({"url": self.webhook, "has_custom_certificate": False, "pending_update_count": pending})

    def _get_file(self, parameters: Json) -> DemoAnswer:
        file_id = parameters["file_id"]
        if file_id not in self.files:
            return error(400, "Bad Request: invalid file_id")
        return _ok({"file_id": file_id, "file_unique_id": f"u{file_id}", "file_path": f"documents/{file_id}"})

    def _send_message(self, parameters: Json) -> DemoAnswer:
        chat = int(parameters["chat_id"])
        if chat in self.blocked:
            return error(403, "Forbidden: bot was blocked by the user")
        if not 0 < len(parameters["text"]) <= _LONGEST:
            return error(400, "Bad Request: message is too long")
        message = {
            "message_id": next(self._messages),
            "from": {"id": int(BOT), "is_bot": True, "first_name": "Wallet"},
            "chat": {"id": chat, "type": "private"},
            "date": int(self.clock().timestamp()),
            "text": parameters["text"],
        }
        self.sent.append(message)
        self.left(str(chat), parameters["text"])
        return _ok(message)


def _ok(result: Any) -> DemoAnswer:  # noqa: ANN401  (JSON)
    return DemoAnswer(document={"ok": True, "result": result})
