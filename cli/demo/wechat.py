"""A simulated WeChat with one service account: it calls the desk, encrypted and signed, and takes answers."""

from __future__ import annotations

import secrets
import time
import urllib.request
from contextlib import suppress
from typing import Final
from urllib.parse import urlencode

from cli.demo.provider import DemoAnswer, DemoRequest, Json, Provider
from connectors.social.tencent.callback_cipher import encrypt, read_key, signature_of

APP: Final = "wx0123456789demo01"
ACCOUNT: Final = "gh_0123456789ab"
# Of the demo alone.
SECRET: Final = "wechat-demo-secret"  # noqa: S105
TOKEN: Final = "wechat-demo-callback"  # noqa: S105
AES_KEY: Final = "OmniyardOmniyardOmniyardOmniyardOmniyard123"
_LASTS_SECONDS: Final = 7200
_TRIES: Final = 3
_TIMEOUT_SECONDS: Final = 5


class DemoWechat(Provider):
    """See the module. callback_url: the desk's.  first: number of the first message."""

    def __init__(self, *, port: int = 0, first: int = 1, callback_url: str = "") -> None:
        self.callback_url, self.first = callback_url, first
        self.sent: list[Json] = []
        self.count = self.issued = 0
        super().__init__(port=port)

    def message(self, text: str = "", *, sender: str, **more: str) -> Json:
        """Return a customer's message as the fields of a callback."""
        with self.lock:
            number = self.first + self.count
            self.count += 1
        fields = {"ToUserName": ACCOUNT, "FromUserName": sender, "CreateTime": str(int(time.time()))}
        return fields | {"MsgType": "text", "Content": text, "MsgId": str(number)} | more

    def receive(self, text: str, *, sender: str) -> None:
        """Let a customer write: call the desk up to three times, as WeChat does."""
        body, query = self.callback(self.message(text, sender=sender))
        url = f"{self.callback_url}?{query}"
        for _ in range(_TRIES):
            asked = urllib.request.Request(url, data=body, headers={"Content-Type": "text/xml"})  # noqa: S310  (this machine)
            with suppress(OSError), urllib.request.urlopen(asked, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                answer.read()
                return

    def callback(self, fields: Json) -> tuple[bytes, str]:
        """Return the body and the query of the callback with these fields."""
        plain = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
        key, stamp, nonce = read_key(AES_KEY), str(int(time.time())), secrets.token_hex(5)
        sealed = encrypt(f"<xml>{plain}</xml>", key=key, receiver=APP, random=secrets.token_bytes(16))
        signed = {"signature": signature_of(TOKEN, stamp, nonce), "timestamp": stamp, "nonce": nonce}
        signed |= {"encrypt_type": "aes", "msg_signature": signature_of(TOKEN, stamp, nonce, sealed)}
        body = f"<xml><ToUserName>{ACCOUNT}</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        return body.encode(), urlencode(signed)

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        """See `Provider`."""
        if asked.path == "/cgi-bin/stable_token":
            return self._token(asked.json)
        if asked.params.get("access_token") != self.token:
            return DemoAnswer(document={"errcode": 40001, "errmsg": "invalid credential, access_token is invalid"})
        if asked.path != "/cgi-bin/message/custom/send":
            return DemoAnswer(404)
        self.sent.append(asked.json)
        self.left(asked.json["touser"], asked.json["text"]["content"])
        return DemoAnswer(document={"errcode": 0, "errmsg": "ok"})

    @property
    def token(self) -> str:
        """The access token that is valid now."""
        return f"access-{self.issued}"

    def _token(self, body: Json) -> DemoAnswer:
        if (body["appid"], body["secret"]) != (APP, SECRET):
            return DemoAnswer(document={"errcode": 40125, "errmsg": "invalid appsecret"})
        self.issued = max(self.issued, 1)
        return DemoAnswer(document={"access_token": self.token, "expires_in": _LASTS_SECONDS})
