"""A client of Telegram's Bot API, with plain HTTP. Its URLs contain the token, so no library's error is shown."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final

import requests
from requests.exceptions import RequestException

from connectors.base import Health
from router.errors import OmniyardError, PermanentError, RateLimited, TransientError
from router.settings.channels.telegram import TelegramSettings

API: Final = "https://api.telegram.org"
# Telegram gives bots files up to this size.
LARGEST_FILE: Final = 20 * 1024 * 1024
_CONNECT_SECONDS: Final = 5.0
_READ_SECONDS: Final = 12.0
_FILE_SECONDS: Final = 30.0
_LIMITED_SECONDS: Final = 30.0
_JSON: Final = {"Content-Type": "application/json"}
_FILE_PATH: Final = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*)+")
_CREDENTIALS: Final = "Telegram refuses the token ({code}): check `token`; BotFather shows the current one"
_CONFLICT: Final = (
    "another program polls Telegram too, or a webhook is set (409): stop the other program, or call deleteWebhook"
)


class TelegramApi:
    """One bot, for one thread."""

    def __init__(self, settings: TelegramSettings) -> None:
        self._token = settings.token.reveal()
        self._base = settings.api_base or API
        self._session = requests.Session()

    @property
    def bot_id(self) -> str:
        """The bot's own id: the beginning of the token, which is not secret."""
        return self._token.partition(":")[0]

    def call(self, method: str, parameters: Mapping[str, object], *, patience: float = 0.0) -> Any:  # noqa: ANN401
        """Return the `result` of a method. patience: seconds that Telegram may hold the request open.

        Raises PermanentError when Telegram refuses us, RateLimited or TransientError when it may work later.
        """
        timeout = (_CONNECT_SECONDS, patience + _READ_SECONDS)
        try:
            answer = self._session.post(
                f"{self._base}/bot{self._token}/{method}",
                data=json.dumps(dict(parameters)),
                headers=_JSON,
                timeout=timeout,
                allow_redirects=False,
            )
        except RequestException as error:
            # "from None": the error's text contains the URL, and so the token.
            raise TransientError(f"Telegram cannot be reached ({type(error).__name__})") from None
        return _result(answer)

    def file(self, file_id: str) -> bytes | None:
        """Return a file's bytes; None if Telegram will never deliver it.

        Raises TransientError when it may be available later.
        """
        try:
            described = self.call("getFile", {"file_id": file_id})
        except PermanentError:
            return None
        path = described.get("file_path") if isinstance(described, dict) else None
        if not isinstance(path, str) or not _FILE_PATH.fullmatch(path):
            return None
        return self._download(path)

    def close(self) -> None:
        """Close the connections; callable from any thread."""
        self._session.close()

    def _download(self, path: str) -> bytes | None:
        deadline, content = time.monotonic() + _FILE_SECONDS, bytearray()
        url = f"{self._base}/file/bot{self._token}/{path}"
        plain = {"Accept-Encoding": "identity"}
        try:
            with self._session.get(
                url, stream=True, timeout=(_CONNECT_SECONDS, _READ_SECONDS), allow_redirects=False, headers=plain
            ) as answer:
                if answer.status_code >= 500 or answer.status_code == 429:
                    raise TransientError(f"Telegram's files are out of order ({answer.status_code})")
                if answer.status_code != 200:
                    return None
                while chunk := answer.raw.read(65_536, decode_content=False):
                    content += chunk
                    if len(content) > LARGEST_FILE:
                        return None
                    if time.monotonic() > deadline:
                        raise TransientError("a file of Telegram's comes too slowly")
        except (RequestException, OSError) as error:
            raise TransientError(f"a file of Telegram's could not be fetched ({type(error).__name__})") from None
        return bytes(content)


def _result(answer: requests.Response) -> Any:  # noqa: ANN401  (JSON)
    try:
        document = answer.json()
    except (ValueError, RecursionError):
        raise TransientError(f"Telegram's answer is no JSON ({answer.status_code}): is a proxy in between?") from None
    if not isinstance(document, dict):
        raise TransientError("Telegram's answer is no JSON object: is a proxy in between?")
    if document.get("ok") is True:
        return document.get("result")
    raise refusal(document, status=answer.status_code)


def refusal(document: Mapping[str, Any], *, status: int) -> PermanentError | TransientError:
    """Return the error that a refused call means."""
    code = document.get("error_code")
    code = code if isinstance(code, int) else status
    if code in {401, 404}:
        return PermanentError(_CREDENTIALS.format(code=code))
    if code == 409:
        return PermanentError(_CONFLICT)
    if code == 429:
        return RateLimited("Telegram is asked too often (429)", seconds=retry_after(document))
    if code >= 500:
        return TransientError(f"Telegram is out of order ({code})")
    return PermanentError(f"Telegram does not accept the request ({code})")


def retry_after(document: Mapping[str, Any]) -> float:
    """Return how long the answer asks us to wait, in seconds."""
    parameters = document.get("parameters")
    stated = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return float(stated) if isinstance(stated, int) and stated > 0 else _LIMITED_SECONDS


def probe(settings: TelegramSettings) -> Health:
    """Ask for our name and for a webhook; change nothing and confirm nothing."""
    try:
        api = TelegramApi(settings)
        try:
            me, hook = api.call("getMe", {}), api.call("getWebhookInfo", {})
        finally:
            api.close()
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    name = me.get("username") if isinstance(me, dict) else None
    findings = [f"the bot @{name} answers" if isinstance(name, str) else "the bot answers"]
    if isinstance(hook, dict) and hook.get("url"):
        findings.append("a webhook is set, so Telegram refuses to be polled: call deleteWebhook")
        return Health(ok=False, findings=tuple(findings))
    waiting = hook.get("pending_update_count") if isinstance(hook, dict) else None
    findings.append(f"{waiting} messages wait there" if waiting else "no message waits there")
    return Health(ok=True, findings=tuple(findings))
