"""Answer a customer on WhatsApp, once. Meta has no idempotency key and lists nothing that was sent.

Each message carries our id, which Meta's statuses return: a status proves that Meta has the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from connectors.base import Health
from connectors.http_errors import receipt_of_silence
from connectors.registry_row import webhook_address
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from connectors.social.meta.graph import GraphRefusal, GraphSilence
from connectors.social.whatsapp.client import open_api
from connectors.social.whatsapp.codes import receipt_of
from connectors.social.whatsapp.probe import probe
from router.delivery import Window
from router.errors import ConfigError
from router.settings.channels.whatsapp import WhatsappSettings
from router.settings.model import DeskSettings


class WhatsappSender:
    """See `Sender`. address: where Meta is to call us; empty without a public address."""

    repeatable = False

    def __init__(self, channel: str, settings: WhatsappSettings, *, address: str = "") -> None:
        self.channel, self._settings, self._address = channel, settings, address

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        if why := _unfit(self._settings, outgoing):
            return Receipt(verdict=SendVerdict.REFUSED, why=why)
        try:
            path = f"{self._settings.number_id}/messages"
            answer = open_api(self._settings).post(path, document_of(self._settings, outgoing))
        except GraphSilence as error:
            return receipt_of_silence(str(error), sent=error.sent)
        except GraphRefusal as error:
            return receipt_of(error)
        except ConfigError as error:
            return Receipt(verdict=SendVerdict.NOT_SENT, why=str(error), whole_channel=True)
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=_id_in(answer))

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: nothing to look at; a status with our id settles it, or else a person."""
        del outgoing, since
        return None

    def probe(self) -> Health:
        """See `Sender`."""
        return probe(self._settings, address=self._address)

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""


def open_sender(channel: str, settings: WhatsappSettings, desk: DeskSettings) -> WhatsappSender:
    """Return the sender of a channel, not connected yet."""
    return WhatsappSender(channel, settings, address=webhook_address(desk, channel))


def document_of(settings: WhatsappSettings, outgoing: Outgoing) -> Mapping[str, object]:
    """Return a message as Meta takes it."""
    to = outgoing.recipient
    # A number leaves without its plus, as Meta writes it; an id of a user leaves exactly as it came.
    named: dict[str, str] = {"to": to[1:]} if to.startswith("+") else {settings.user_ids_in: to}
    head: dict[str, object] = {"messaging_product": "whatsapp", "recipient_type": "individual", **named}
    said: Mapping[str, object] = (
        {"type": "template", "template": _template(settings, outgoing)}
        if outgoing.template
        else {"type": "text", "text": {"body": outgoing.text, "preview_url": False}}
    )
    return {**head, **said, "biz_opaque_callback_data": str(outgoing.outbound_id)}


def _unfit(settings: WhatsappSettings, outgoing: Outgoing) -> str:
    """Return why a message cannot leave as it is; empty if it can."""
    if outgoing.template:
        if outgoing.template not in settings.templates:
            return "the template is not one of the channel's `templates`"
        broken = any(sign in value for value in outgoing.variables.values() for sign in "\n\t")
        return "WhatsApp takes no new line and no tab in a template's variable" if broken else ""
    limit = settings.text_limit
    if outgoing.text and limit.allows(outgoing.text):
        return ""
    return f"WhatsApp takes 1 to {limit.longest} {limit.unit}; this text has {limit.units_of(outgoing.text)}"


def _template(settings: WhatsappSettings, outgoing: Outgoing) -> Mapping[str, object]:
    name, _, language = settings.templates[outgoing.template or ""].partition(":")
    chosen = {"name": name, "language": {"policy": "deterministic", "code": language or "en_US"}}
    if not outgoing.variables:
        return chosen
    parameters = [_parameter(name, outgoing.variables[name]) for name in sorted(outgoing.variables, key=_place)]
    return {**chosen, "components": [{"type": "body", "parameters": parameters}]}


def _parameter(name: str, value: str) -> Mapping[str, str]:
    # Numbered variables go by their places, others by their names.
    return {"type": "text", "text": value} | ({} if name.isdigit() else {"parameter_name": name})


def _place(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else 0, name)


def _id_in(answer: Mapping[str, object]) -> str:
    listed = answer.get("messages")
    first = listed[0] if isinstance(listed, list) and listed else None
    return str(first.get("id", "")) if isinstance(first, dict) else ""
