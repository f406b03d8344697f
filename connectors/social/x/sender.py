"""Send direct messages on X, once each; an unknown outcome is looked for among that conversation's latest messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Final

from connectors.base import Health
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from connectors.social.x.client import XApi, probe
from connectors.social.x.messages import sender_of, time_of
from connectors.social.x.paid_sender import PaidSender
from router.settings.channels.x import XSettings
from router.settings.model import DeskSettings

_LOOKED_AT: Final = 10
# X shortens links, so they do not count when texts are compared.
_LINK: Final = re.compile(r"https?://\S+")
_NOT_ALLOWED: Final = "X refuses it (403): the customer takes no messages from us, or the app may not send any"


class XSender(PaidSender[XSettings]):
    """See `Sender`."""

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        limit = self._settings.text_limit
        if not outgoing.text or not limit.allows(outgoing.text):
            return Receipt(verdict=SendVerdict.REFUSED, why=f"X takes 1 to {limit.longest} characters")
        return self._send_once(
            lambda api: api.send(outgoing.recipient, outgoing.text), forbidden=_NOT_ALLOWED, read=_accepted
        )

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`. Looks for the same text among our latest messages there, excluding our other ones."""
        with closing(XApi(self._settings)) as api:
            events = api.events_with(outgoing.recipient, most=_LOOKED_AT).get("data")
            for event in events if isinstance(events, list) else ():
                if isinstance(event, dict) and sender_of(event) == api.own_id and _is_it(event, outgoing, since=since):
                    return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=str(event["id"]), why="found on X")
        return None

    def probe(self) -> Health:
        """See `Sender`."""
        return probe(self._settings)


def open_sender(channel: str, settings: XSettings, desk: DeskSettings) -> XSender:
    """Return the sender of a channel, not connected yet."""
    del desk
    return XSender(channel, settings)


def _accepted(answer: Mapping[str, object]) -> Receipt:
    data = answer.get("data")
    event_id = data.get("dm_event_id") if isinstance(data, dict) else None
    if not isinstance(event_id, str):
        return Receipt(verdict=SendVerdict.UNKNOWN, why="X's answer names no message")
    return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=event_id)


def _is_it(event: Mapping[str, Any], outgoing: Outgoing, *, since: datetime) -> bool:
    event_id, text = event.get("id"), event.get("text")
    if not isinstance(event_id, str) or not isinstance(text, str) or event_id in outgoing.others:
        return False
    at = time_of(event_id)
    return at is not None and at >= since and _LINK.sub("", text) == _LINK.sub("", outgoing.text)
