"""A client of WeCom's customer service. Its URLs contain the access token, so no library's error is shown."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import requests
from requests.exceptions import RequestException

from connectors.http_errors import certainly_not_sent
from router.errors import PermanentError, RateLimited, TransientError
from router.settings.wecom_channel import WecomSettings

API: Final = "https://qyapi.weixin.qq.com"
_TIMEOUT: Final = (5.0, 15.0)
# Renewed before it ends, by this much.
_MARGIN_SECONDS: Final = 300.0
_LIMITED_SECONDS: Final = 60.0
STALE_TOKEN: Final = frozenset({40014, 42001})
BUSY: Final = frozenset({-1, 6000})
LIMITED: Final = frozenset({45009, 45011})
# What the operator has to change, by their code.
REFUSALS: Final = {
    40001: "WeCom refuses the secret (40001): check `secret`",
    40013: "WeCom does not know the corp (40013): check `corp`",
    40014: "WeCom refuses the access token twice (40014): check `secret`",
    42001: "WeCom says twice that the access token has ended (42001): check this machine's clock",
    41001: "WeCom misses the access token (41001)",
    48002: "the app may not use customer service (48002): allow it in the console, under its API permissions",
    60020: "WeCom does not allow this machine's address (60020): add it to the app's trusted IPs",
    95000: "the account is not valid (95000): check `account`",
    95004: "the account does not exist (95004): check `account`",
    95017: "customer service is not active for this corp (95017): activate it in the console",
}


class NotAnswered(TransientError):
    """The answer did not come. sent: False if certainly no byte was."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class WecomError(PermanentError):
    """WeCom refuses a call. code: theirs."""

    def __init__(self, code: int) -> None:
        super().__init__(REFUSALS.get(code, f"WeCom refuses it ({code})"))
        self.code = code


class WecomApi:
    """One corp's app. Several threads may use it; the token is fetched once and kept until it ends."""

    def __init__(self, settings: WecomSettings) -> None:
        self._settings, self._base = settings, settings.api_base or API
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def call(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Return the answer of a call; a token that has ended is renewed once.

        Raises WecomError, RateLimited, NotAnswered, TransientError.
        """
        try:
            return self._call(path, body)
        except WecomError as error:
            if error.code not in STALE_TOKEN:
                raise
        self.forget_token()
        return self._call(path, body)

    def token(self) -> str:
        """Return a valid access token. Repeated asking returns the same one, so each process may keep its own."""
        with self._lock:
            if time.monotonic() >= self._until:
                query = {"corpid": self._settings.corp, "corpsecret": self._settings.secret.reveal()}
                found = _checked(self._ask("GET", f"/cgi-bin/gettoken?{urlencode(query)}", None))
                lasts = found.get("expires_in")
                self._token = str(found.get("access_token", ""))
                seconds = float(lasts) if isinstance(lasts, int) else 7200.0
                self._until = time.monotonic() + max(seconds - _MARGIN_SECONDS, 1.0)
            return self._token

    def forget_token(self) -> None:
        """Fetch a new token with the next call."""
        with self._lock:
            self._until = 0.0

    def media_url(self, media_id: str) -> str:
        """Return the address of a file, with the token."""
        query = urlencode({"access_token": self.token(), "media_id": media_id})
        return f"{self._base}/cgi-bin/media/get?{query}"

    def _call(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        query = urlencode({"access_token": self.token()})
        return _checked(self._ask("POST", f"/cgi-bin/{path}?{query}", body))

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> Mapping[str, object]:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        try:
            # A new connection: an idle one may break during the request, with an unknown outcome.
            answer = requests.request(
                method, f"{self._base}{path}", data=content, timeout=_TIMEOUT, allow_redirects=False
            )
        except RequestException as error:
            # "from None": the error's text contains the URL, and so the token.
            sent = not certainly_not_sent(error)
            raise NotAnswered(f"WeCom's answer did not come ({type(error).__name__})", sent=sent) from None
        if answer.status_code == 429:
            raise RateLimited("WeCom is asked too often (429)", seconds=_LIMITED_SECONDS)
        if answer.status_code != 200:
            raise NotAnswered(f"WeCom is out of order ({answer.status_code})", sent=True)
        try:
            document = json.loads(answer.content)
        except (ValueError, RecursionError):
            raise NotAnswered("WeCom's answer is no JSON: is a proxy in between?", sent=True) from None
        if not isinstance(document, dict):
            raise NotAnswered("WeCom's answer is no JSON object: is a proxy in between?", sent=True)
        return document


def _checked(document: Mapping[str, object]) -> Mapping[str, object]:
    code = document.get("errcode", 0)
    if code == 0:
        return document
    if not isinstance(code, int):
        raise NotAnswered("WeCom's answer has no errcode", sent=True)
    if code in LIMITED:
        raise RateLimited(f"WeCom is asked too often ({code})", seconds=_LIMITED_SECONDS)
    if code in BUSY:
        raise NotAnswered(f"WeCom is busy ({code})", sent=False)
    raise WecomError(code)
