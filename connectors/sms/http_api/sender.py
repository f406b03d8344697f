"""Send an SMS with the one HTTP request that the operator describes, once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import phonenumbers
import requests
from requests.exceptions import RequestException

from connectors.base import Health
from connectors.http_errors import certainly_not_sent
from connectors.registry_row import webhook_address
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from connectors.sms.http_api.webhook import found_at
from router.delivery import Window
from router.errors import ConfigError
from router.settings.channels.sms import PLACEHOLDER, HttpSmsSettings
from router.settings.model import DeskSettings

_TIMEOUT: Final = (5.0, 20.0)
_LIMITED: Final = timedelta(seconds=30)
# Of a provider's response only a short code may be repeated; its sentences may quote our text.
_CODE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,40}")


class HttpSmsSender:
    """See `Sender`. endpoint: the URL for the provider's deliveries; empty if the desk has no public URL."""

    repeatable = False

    def __init__(self, channel: str, settings: HttpSmsSettings, *, endpoint: str = "") -> None:
        self.channel, self._settings, self._endpoint = channel, settings, endpoint

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        way, limit = self._settings.send, self._settings.text_limit
        if not limit.allows(outgoing.text):
            why = f"the text has more than {limit.longest} characters (`longest`)"
            return Receipt(verdict=SendVerdict.REFUSED, why=why)
        body = {field: self._filled(text, outgoing) for field, text in way.body.items()}
        headers = {name: secret.reveal() for name, secret in way.headers.items()}
        shape = {"json": body} if way.encoding == "json" else {"data": body}
        try:
            # A new connection: an idle one may break during the request, with an unknown outcome.
            answer = requests.post(way.url, headers=headers, timeout=_TIMEOUT, allow_redirects=False, **shape)  # type: ignore[arg-type]
        except RequestException as error:
            if certainly_not_sent(error):
                why = f"the provider cannot be reached ({type(error).__name__}): check `url`"
                return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
            return Receipt(
                verdict=SendVerdict.UNKNOWN, why=f"the provider's answer did not come ({type(error).__name__})"
            )
        return self._receipt(answer)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: this provider has only one request, so it cannot be asked."""
        del outgoing, since
        return None

    def probe(self) -> Health:
        """See `Sender`: nothing can be tested without sending, so only the secrets are checked."""
        try:
            for secret in (self._settings.secret, *self._settings.send.headers.values()):
                secret.reveal()
        except ConfigError as error:
            return Health(ok=False, findings=(str(error),))
        if not self._endpoint:
            why = "the provider has nowhere to bring messages: set [omniyard] public_url"
            return Health(ok=False, findings=(why,))
        where = f"the provider must bring messages to {self._endpoint}; whether it takes ours only a message shows"
        return Health(ok=True, findings=(where,))

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""

    def _filled(self, text: str, outgoing: Outgoing) -> str:
        values = {
            "recipient": outgoing.recipient,
            "national": _national(outgoing.recipient),
            "text": outgoing.text,
            "id": outgoing.outbound_id.hex,
            "sender": self._settings.number,
            "template": outgoing.template or "",
            "variables": json.dumps(dict(outgoing.variables), ensure_ascii=False),
        }
        # In one pass, so that braces in a customer's text stay unchanged.
        return PLACEHOLDER.sub(lambda found: values[found[1]], text)

    def _receipt(self, answer: requests.Response) -> Receipt:
        status = answer.status_code
        if status == 429:
            why = "the provider is asked too often (429)"
            return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=_wait(answer), whole_channel=True)
        if status in {401, 403}:
            why = f"the provider refuses us ({status}): check `headers`"
            return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
        if 400 <= status < 500:
            return Receipt(verdict=SendVerdict.REFUSED, why=f"the provider refuses it ({status})")
        if not 200 <= status < 300:
            return Receipt(verdict=SendVerdict.UNKNOWN, why=f"the provider is out of order ({status})")
        return self._taken(answer)

    def _taken(self, answer: requests.Response) -> Receipt:
        way, document = self._settings.send, _json(answer)
        if (way.accepted or way.id_field) and document is None:
            return Receipt(verdict=SendVerdict.UNKNOWN, why="the provider's answer is no JSON")
        for field, expected in way.accepted.items():
            said = found_at(document, field)
            if str(said) != expected:
                code = str(said) if _CODE.fullmatch(str(said)) else "something else"
                return Receipt(verdict=SendVerdict.REFUSED, why=f"the provider refuses it ({field} is {code})")
        given = found_at(document, way.id_field) if way.id_field else None
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id="" if given is None else str(given)[:128])


def open_sender(channel: str, settings: HttpSmsSettings, desk: DeskSettings) -> HttpSmsSender:
    """Return the sender of a channel."""
    return HttpSmsSender(channel, settings, endpoint=webhook_address(desk, channel))


def _national(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.national_significant_number(parsed)


def _json(answer: requests.Response) -> Mapping[str, object] | None:
    try:
        document = json.loads(answer.content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _wait(answer: requests.Response) -> timedelta:
    stated = answer.headers.get("Retry-After", "")
    return timedelta(seconds=int(stated)) if stated.isdecimal() and len(stated) < 6 else _LIMITED
