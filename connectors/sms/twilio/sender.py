"""Send SMS and WhatsApp messages through Twilio, once each. Twilio has no idempotency key, so a retry may send twice.

The URL of the status callback contains our id: a callback proves that Twilio has the message, and names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException

from connectors.base import Health
from connectors.http_errors import certainly_not_sent
from connectors.registry_row import WEBHOOKS_PATH
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from connectors.sms.twilio.client import Twilio, probe
from connectors.sms.twilio.messages import moment
from router.delivery import Window
from router.settings.channels.sms import TwilioSettings
from router.settings.model import DeskSettings

_PAGE_SIZE: Final = 100
# What Twilio's refusals mean, by their codes.
_REFUSALS: Final[Mapping[int, str]] = {
    21211: "the number is none that can be reached",
    21408: "messages to that country are not switched on in Twilio's console",
    21610: "the customer has stopped messages from this number",
    21612: "no way from this number to that one",
    21614: "the number takes no SMS",
    21617: "the text is too long",
    63003: "the customer is not on WhatsApp",
    63016: "WhatsApp's 24 hours are over; it takes an approved template",
    63018: "WhatsApp's limit for this number is reached",
}
# Errors about our own number: they are the same for every message.
_OURS: Final = frozenset({21212, 21603, 21606, 21659, 21660})


class TwilioSender:
    """See `Sender`. callbacks: our public URL for status callbacks; empty for none."""

    repeatable = False

    def __init__(self, channel: str, settings: TwilioSettings, *, callbacks: str = "") -> None:
        self.channel, self._settings, self._callbacks = channel, settings, callbacks

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        limit = self._settings.text_limit
        if not outgoing.template and not limit.allows(outgoing.text):
            return Receipt(verdict=SendVerdict.REFUSED, why=f"the text has more than {limit.longest} characters")
        # A new connection: an idle one may break during the request, with an unknown outcome.
        with closing(Twilio(self._settings)) as twilio:
            try:
                message = twilio.client.messages.create(**self._parameters(outgoing))
                return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=str(message.sid or ""))
            except RequestException as error:
                return _broken(error)
            except TwilioException as error:
                return _refused(error, retry_after=twilio.retry_after())
            except ValueError:
                return Receipt(verdict=SendVerdict.UNKNOWN, why="Twilio's answer is no JSON: is a proxy in between?")

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`. Looks for a later message to that number with the same text, excluding our other ones."""
        with closing(Twilio(self._settings)) as twilio:
            for day in _days(since, until=datetime.now(UTC)):
                parameters = {"To": self._to(outgoing), "From": self._settings.own_address, "DateSent": day}
                listed = twilio.get("/Messages.json", parameters | {"PageSize": _PAGE_SIZE}).get("messages")
                for record in listed if isinstance(listed, list) else ():
                    if isinstance(record, dict) and _is_it(record, outgoing, since=since):
                        return Receipt(
                            verdict=SendVerdict.ACCEPTED, provider_id=str(record["sid"]), why="found at Twilio"
                        )
        return None

    def probe(self) -> Health:
        """See `Sender`."""
        return probe(self._settings)

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""

    def _to(self, outgoing: Outgoing) -> str:
        return f"whatsapp:{outgoing.recipient}" if self._settings.whatsapp else outgoing.recipient

    def _parameters(self, outgoing: Outgoing) -> dict[str, Any]:
        parameters: dict[str, Any] = {"to": self._to(outgoing), "from_": self._settings.own_address}
        if outgoing.template:
            parameters["content_sid"] = self._settings.templates.get(outgoing.template, outgoing.template)
            parameters["content_variables"] = json.dumps(dict(outgoing.variables), ensure_ascii=False)
        else:
            parameters["body"] = outgoing.text
        if self._callbacks:
            named = urlencode({"outbound": outgoing.outbound_id, "attempt": outgoing.attempt_id})
            parameters["status_callback"] = f"{self._callbacks}/{quote(self.channel)}/status?{named}"
        return parameters


def open_sender(channel: str, settings: TwilioSettings, desk: DeskSettings) -> TwilioSender:
    """Return the sender of a channel, not connected yet."""
    callbacks = f"{desk.public_url}{WEBHOOKS_PATH}" if desk.public_url else ""
    return TwilioSender(channel, settings, callbacks=callbacks)


def _broken(error: RequestException) -> Receipt:
    if certainly_not_sent(error):
        why = f"Twilio cannot be reached ({type(error).__name__})"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
    return Receipt(verdict=SendVerdict.UNKNOWN, why=f"Twilio's answer did not come ({type(error).__name__})")


def _refused(error: TwilioException, *, retry_after: float) -> Receipt:
    status, code = getattr(error, "status", None), getattr(error, "code", None) or 0
    if not isinstance(status, int) or status < 400 or status >= 500:
        # Twilio's own page on error 20500: a second attempt may send twice.
        return Receipt(verdict=SendVerdict.UNKNOWN, why=f"Twilio is out of order ({status or 'no status'})")
    if status == 429:
        wait = timedelta(seconds=retry_after)
        why = f"Twilio is asked too often ({code or 429})"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=wait, whole_channel=True)
    if status in {401, 403, 404} and code not in _REFUSALS:
        why = f"Twilio refuses the credentials ({code or status}): check `account` and `token`"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
    if code in _OURS:
        why = f"Twilio does not send from this number ({code}): check `number` and `whatsapp`"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
    return Receipt(
        verdict=SendVerdict.REFUSED,
        why=f"Twilio refuses it ({code or status}): {_REFUSALS.get(code, 'see its page of errors')}",
    )


def _days(since: datetime, *, until: datetime) -> list[str]:
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def _is_it(record: Mapping[str, Any], outgoing: Outgoing, *, since: datetime) -> bool:
    created, body = moment(record, "date_created"), record.get("body")
    if not isinstance(record.get("sid"), str) or record["sid"] in outgoing.others or not isinstance(body, str):
        return False
    # A trial account puts a sentence before each text. For a template Twilio shows the filled text.
    same = bool(outgoing.template) or body.rstrip().endswith(outgoing.text.rstrip())
    outwards = str(record.get("direction", "")).startswith("outbound")
    return same and outwards and (created is None or created >= since.replace(microsecond=0))
