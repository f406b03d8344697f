"""What an agent does in a chat. A plain module."""

from __future__ import annotations

from uuid import uuid4

import httpx

from tests.api.chat.conftest import SAME
from tests.app_client import AppClient


def answer(client: AppClient, reference: str, text: str) -> httpx.Response:
    headers = {"Idempotency-Key": uuid4().hex}
    return client.post(
        f"/api/v1/conversations/{reference}/messages", json={"kind": "reply", "text": text}, headers=headers
    )


def act(browser: AppClient, reference: str, **form: str) -> httpx.Response:
    return browser.post(f"/conversations/{reference}/chat", data=form, headers=SAME)
