"""A client of LINE's Messaging API: three calls, each once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import requests
from requests.exceptions import RequestException

from connectors.http_errors import certainly_not_sent
from router.errors import PermanentError, TransientError
from router.settings.channels.line import LineSettings

API: Final = "https://api.line.me"
# Files have another host.
DATA: Final = "https://api-data.line.me"
_TIMEOUT: Final = (5.0, 20.0)
# 409 is an answer as well: LINE has taken a message with this retry key before.
_ANSWERS: Final = frozenset({200, 409})


class LineUnanswered(TransientError):
    """LINE did not answer, or is out of order. sent: whether it may have taken the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class LineRefusal(PermanentError):
    """LINE refuses the call. status: of HTTP.  monthly: the month's quota of messages is used up."""

    def __init__(self, message: str, *, status: int, monthly: bool = False) -> None:
        super().__init__(message)
        self.status, self.monthly = status, monthly


@dataclass(frozen=True, slots=True)
class LineSent:
    """LINE has the messages. ids: LINE's own.  again: it had them before, under the same retry key."""

    ids: tuple[str, ...]
    again: bool = False


class LineApi:
    """One account."""

    def __init__(self, settings: LineSettings) -> None:
        self._base = settings.api_base or API
        self._token = settings.token

    def push(self, to: str, text: str, *, key: UUID) -> LineSent:
        """Push a text, which counts against the month's quota. key: LINE takes one message under it within 24 hours.

        Raises LineUnanswered, LineRefusal.
        """
        body = {"to": to, "messages": [{"type": "text", "text": text}]}
        return _sent(*self._ask("POST", "/v2/bot/message/push", body, headers={"X-Line-Retry-Key": str(key)}))

    def reply(self, token: str, text: str) -> LineSent:
        """Reply to one message, free and without a retry key; the token is valid once, for about a minute.

        Raises as `push` does.
        """
        body = {"replyToken": token, "messages": [{"type": "text", "text": text}]}
        return _sent(*self._ask("POST", "/v2/bot/message/reply", body))

    def read(self, path: str) -> Mapping[str, object]:
        """Return what LINE says under a path below `/v2/bot`. Raises as `push` does."""
        return self._ask("GET", f"/v2/bot/{path}")[1]

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, object]]:
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        said = {
            "Authorization": f"Bearer {self._token.reveal()}",
            "Content-Type": "application/json",
            **(headers or {}),
        }
        try:
            # A new connection: an idle one may break during the request, with an unknown outcome.
            answer = requests.request(
                method, f"{self._base}{path}", data=content, headers=said, timeout=_TIMEOUT, allow_redirects=False
            )
        except RequestException as error:
            sent = not certainly_not_sent(error)
            raise LineUnanswered(f"LINE's answer did not come ({type(error).__name__})", sent=sent) from None
        if answer.status_code >= 500:
            raise LineUnanswered(f"LINE is out of order ({answer.status_code})", sent=True)
        document = _document(answer.content)
        if answer.status_code not in _ANSWERS:
            raise _refusal(answer.status_code, document)
        if document is None:
            raise LineUnanswered("LINE's answer is no JSON object: is a proxy in between?", sent=True)
        return answer.status_code, document


def _document(content: bytes) -> Mapping[str, object] | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _sent(status: int, document: Mapping[str, object]) -> LineSent:
    listed = document.get("sentMessages")
    found = [each.get("id") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    return LineSent(tuple(each for each in found if isinstance(each, str)), again=status == 409)


# What the operator has to change, or the agent to know, by the status.
_WHY: Final = {
    400: "LINE refuses the message (400)",
    401: "LINE refuses the access token (401): issue a new one in the console and set `token`",
    403: "LINE does not allow this (403): the account's plan or the token's rights do not include it",
    413: "the message is too large for LINE (413)",
    415: "LINE does not know the message's type (415)",
}
_MONTHLY: Final = (
    "this month's messages are used up (429): buy more in LINE Official Account Manager, or wait for the 1st"
)


def _refusal(status: int, document: Mapping[str, object] | None) -> LineRefusal:
    said = str((document or {}).get("message", ""))
    if status == 429:
        # LINE has one status for both limits, and tells them apart in words.
        monthly = "monthly" in said.lower()
        return LineRefusal(_MONTHLY if monthly else "LINE is asked too often (429)", status=429, monthly=monthly)
    return LineRefusal(_WHY.get(status, f"LINE refuses it ({status})"), status=status)
