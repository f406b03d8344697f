"""A desk with a channel of the operator's own: their system calls, signed, and the desk routes. A plain module."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from connectors.base import WebhookRequest, WebhookResponse
from router.webhook_signature import sign
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import MessageRow
from tests.desk import TOML, Desk
from workers.intake.provider_webhooks import ProviderWebhooks

KEY = b"a key of thirty-two bytes, aye!!"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
CHANNEL = """
[channels.app]
kind = "custom"
secret = "env:APP_SECRET"
calendar = "office"
users = "wallet"
{more}
"""
USER = {"id": "u-7", "name": "小王"}


def signed(body: bytes, *, at: datetime | None = None, key: bytes = KEY, webhook_id: str = "") -> WebhookRequest:
    """Return their call with the body."""
    headers = sign(body, keys=[key], webhook_id=webhook_id or uuid4().hex, at=at or datetime.now(UTC))
    return WebhookRequest(body=body, headers=headers | {"content-type": "application/json"})


def message(message_id: str = "m-1", text: str = "钱没到账", **more: Any) -> dict[str, Any]:
    return {"type": "message", "id": message_id, "user": USER, "text": text} | more


class CustomDesk(Desk):
    """See `Desk`. more: keys and tables of the channel."""

    def __init__(self, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch, *, more: str = "") -> None:
        monkeypatch.setenv("APP_SECRET", SECRET)
        toml = TOML + CHANNEL.format(more=more).replace("{", "{{").replace("}", "}}")
        super().__init__(
            database, folder, toml=toml.replace("[omniyard]", '[omniyard]\npublic_url = "https://d.example"')
        )
        self.webhooks = ProviderWebhooks(self.settings, database)

    def ask(self, document: Any, *, channel: str = "app") -> WebhookResponse:
        """Let their system call with a document; return our response."""
        request = signed(json.dumps(document, ensure_ascii=False).encode())
        return self.webhooks.message(channel, request, now=datetime.now(UTC))

    def push(self, *items: dict[str, Any]) -> list[Any]:
        """Let their system bring items, each by a call of its own, and route them; return the documents of ours."""
        answers = [json.loads(self.ask(item).text) for item in items]
        self.work()
        return answers

    def work(self) -> None:
        """Route all that is due."""
        while self.router.route_oldest() or self.router.route_alone():
            pass

    def messages(self, *columns: str) -> list[Any]:
        """Return the messages in the order of their arrival."""
        table = table_of(MessageRow)
        chosen = [table.c[name] for name in columns] or list(table.c)
        with self.database.read() as connection:
            rows = connection.execute(sa.select(*chosen).order_by(table.c.received_at, table.c.id)).all()
        return [row[0] for row in rows] if len(columns) == 1 else list(rows)
