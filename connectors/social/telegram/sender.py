"""Send messages by a Telegram bot, once each. A bot cannot list what it sent, so an agent settles unknown outcomes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import requests
from requests.exceptions import RequestException

from connectors.base import Health
from connectors.http_errors import certainly_not_sent
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from connectors.social.telegram.client import API, probe, retry_after
from router.delivery import Window
from router.settings.channels.telegram import TelegramSettings
from router.settings.model import DeskSettings

_TIMEOUT: Final = (5.0, 20.0)


class TelegramSender:
    """See `Sender`."""

    repeatable = False

    def __init__(self, channel: str, settings: TelegramSettings) -> None:
        self.channel, self._settings = channel, settings

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        limit = self._settings.text_limit
        if not outgoing.text or not limit.allows(outgoing.text):
            return Receipt(verdict=SendVerdict.REFUSED, why=f"Telegram takes 1 to {limit.longest} characters")
        url = f"{self._settings.api_base or API}/bot{self._settings.token.reveal()}/sendMessage"
        body = {"chat_id": outgoing.recipient, "text": outgoing.text}
        try:
            # A new connection: an idle one may break during the request, with an unknown outcome.
            answer = requests.post(url, json=body, timeout=_TIMEOUT, allow_redirects=False)
        except RequestException as error:
            if certainly_not_sent(error):
                why = f"Telegram cannot be reached ({type(error).__name__})"
                return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
            return Receipt(verdict=SendVerdict.UNKNOWN, why=f"Telegram's answer did not come ({type(error).__name__})")
        return _receipt(answer, recipient=outgoing.recipient)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: a bot cannot list what it sent."""
        del outgoing, since
        return None

    def probe(self) -> Health:
        """See `Sender`."""
        return probe(self._settings)

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""


def open_sender(channel: str, settings: TelegramSettings, desk: DeskSettings) -> TelegramSender:
    """Return the sender of a channel, not connected yet."""
    del desk
    return TelegramSender(channel, settings)


def _receipt(answer: requests.Response, *, recipient: str) -> Receipt:
    try:
        document = json.loads(answer.content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Receipt(verdict=SendVerdict.UNKNOWN, why=f"Telegram's answer is no JSON ({answer.status_code})")
    result = document.get("result")
    if document.get("ok") is True and isinstance(result, dict):
        # Message numbers are unique only within one chat.
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=f"{recipient}:{result.get('message_id')}")
    code = document.get("error_code", answer.status_code)
    return _refused(code if isinstance(code, int) else answer.status_code, document)


def _refused(code: int, document: Mapping[str, Any]) -> Receipt:
    if code == 429:
        wait = timedelta(seconds=retry_after(document))
        why = "Telegram is asked too often (429)"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=wait, whole_channel=True)
    if code in {401, 404}:
        return Receipt(verdict=SendVerdict.NOT_SENT, why=f"Telegram refuses the token ({code})", whole_channel=True)
    if code == 403:
        return Receipt(verdict=SendVerdict.REFUSED, why="the customer has stopped this bot, or never started it (403)")
    if 400 <= code < 500:
        return Receipt(verdict=SendVerdict.REFUSED, why=f"Telegram refuses it ({code})")
    return Receipt(verdict=SendVerdict.UNKNOWN, why=f"Telegram is out of order ({code})")
