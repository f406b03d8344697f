"""Meta's Graph interface for one WhatsApp number, checked against the published description with its overlay.

What the description lacks (users without a number, `debug_token`, the file itself) is from Meta's pages.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from base64 import b64encode
from typing import Any

from connectors.base import WebhookRequest
from tests.fakes import overlay
from tests.fakes.contract import load
from tests.fakes.server import DemoAnswer, DemoRequest, FakeServer

NUMBER, OTHER_NUMBER, ACCOUNT = "106540352242922", "106540352242923", "102290129340398"
TOKEN, APP_SECRET, VERIFY_TOKEN = "EAAtoken", "omni-app-secret", "a word of ours"
CUSTOMER, USER = "8613800138000", "CN.13491208655302741918"


def signed(document: Any, *, secret: str = APP_SECRET) -> WebhookRequest:
    """Return Meta's call with a document."""
    body = json.dumps(document, ensure_ascii=False).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return WebhookRequest(body=body, headers={"x-hub-signature-256": f"sha256={digest}"})


def change(*messages: Any, number: str = NUMBER, field: str = "messages", **more: Any) -> dict[str, Any]:
    """Return one change of a call."""
    value = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "1555", "phone_number_id": number}}
    said = {"messages": list(messages)} if messages else {}
    return {"field": field, "value": value | said | more}


def call_of(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": list(changes)}]}


def text(body: str = "钱没到账", *, wamid: str = "wamid.1", sender: str = CUSTOMER, user: str = USER) -> dict[str, Any]:
    named = {"from": sender} if sender else {}
    named |= {"from_user_id": user} if user else {}
    return named | {"id": wamid, "timestamp": str(int(time.time())), "type": "text", "text": {"body": body}}


def contact(name: str = "小王", *, sender: str = CUSTOMER, user: str = USER) -> dict[str, Any]:
    named = {"wa_id": sender} if sender else {}
    return {"profile": {"name": name}, **named, **({"user_id": user} if user else {})}


def status(said: str, *, wamid: str, data: str = "", **more: Any) -> dict[str, Any]:
    named = {"biz_opaque_callback_data": data} if data else {}
    return {"id": wamid, "status": said, "timestamp": "1772445600", "recipient_id": CUSTOMER} | named | more


class FakeMeta(FakeServer):
    """sent: documents of messages.  media: files by id.  errors: codes of the next sends.  ends: of the token.

    address: of files, in place of this server's.  digest: announced for a file, in place of the real one.
    """

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.media: dict[str, bytes] = {}
        self.errors: list[tuple[int, int]] = []
        self.templates = [{"name": "order_late", "language": "zh_CN", "status": "APPROVED"}]
        self.ends, self.is_dead, self.address, self.downloads = 0, False, "", 0
        self.contracts = [
            load(name, overlay=overlay.meta)
            for name in ("meta_whatsapp_cloud_v23.json", "meta_whatsapp_cloud_v23_extra.json")
        ]
        super().__init__()

    @property
    def violations(self) -> list[str]:
        return [found for each in self.contracts if each for found in each.violations]

    @property
    def checked(self) -> int:
        return sum(each.checked for each in self.contracts if each)

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        if self.is_dead or headers.get("authorization") != f"Bearer {TOKEN}":
            return _error(190, 463, status=401)
        if asked.path.startswith("/files/"):
            self.downloads += 1
            return DemoAnswer(content=self.media[asked.path.removeprefix("/files/")])
        path = asked.path.removeprefix("/v23.0/")
        if path == f"{NUMBER}/messages":
            return self._send(asked)
        if path == "debug_token":
            return DemoAnswer(document={"data": {"is_valid": True, "expires_at": self.ends}})
        if path == NUMBER:
            return DemoAnswer(document={"display_phone_number": "+1 555", "quality_rating": "GREEN", "id": NUMBER})
        if path == f"{ACCOUNT}/message_templates":
            return DemoAnswer(document={"data": self.templates})
        return self._file(path)

    def check(self, asked: DemoRequest, answer: DemoAnswer) -> None:
        older, newer = self.contracts
        is_send = asked.path.endswith("/messages")
        is_file = asked.path.removeprefix("/v23.0/").partition("/")[0] not in {NUMBER, ACCOUNT}
        contract = older if is_send or is_file else newer
        # Neither description has these two.
        if contract is None or asked.path.startswith("/files/") or asked.path.endswith("debug_token"):
            return
        body = asked.json if asked.method == "POST" else None
        contract.request(asked.method, asked.path, query=asked.query, form=None, json_body=body)
        if answer.status == 200:
            contract.reply(asked.method, asked.path, status=200, document=answer.document)

    def _send(self, asked: DemoRequest) -> DemoAnswer:
        if self.errors:
            code, http_status = self.errors.pop(0)
            return _error(code, 0, status=http_status)
        self.sent.append(asked.json)
        return DemoAnswer(
            document={"messaging_product": "whatsapp", "messages": [{"id": f"wamid.out{len(self.sent)}"}]}
        )

    def _file(self, media_id: str) -> DemoAnswer:
        if media_id not in self.media:
            return _error(100, 33, status=400)
        url = self.address or f"{self.base}/files/{media_id}"
        return DemoAnswer(document={"messaging_product": "whatsapp", "url": url, "id": media_id})


def picture(media_id: str, content: bytes, **more: Any) -> dict[str, Any]:
    """Return a customer's picture. content: of which the digest is announced."""
    digest = b64encode(hashlib.sha256(content).digest()).decode()
    part = {"id": media_id, "mime_type": "image/jpeg", "sha256": digest, "caption": media_id}
    return text(wamid=f"wamid.{media_id}") | {"type": "image", "image": part | more}


def _error(code: int, subcode: int, *, status: int) -> DemoAnswer:
    said = {
        "message": "(#1) words",
        "type": "OAuthException",
        "code": code,
        "error_subcode": subcode,
        "fbtrace_id": "A",
    }
    return DemoAnswer(status, document={"error": said})
