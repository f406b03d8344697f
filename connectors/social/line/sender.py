"""Answer a customer on LINE: by a push under our own retry key, or by the free reply token where no person writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from connectors.base import Health, utc_now
from connectors.http_errors import receipt_of_silence
from connectors.registry_row import webhook_address
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from connectors.social.line.client import LineApi, LineRefusal, LineSent, LineUnanswered
from connectors.social.line.messages import reply_token_of
from connectors.social.line.probe import probe
from router.delivery import Window
from router.settings.channels.line import LineSettings
from router.settings.model import DeskSettings

_OF_CHANNEL: Final = frozenset({401, 403, 429})
_REPLY_TOKEN_ENDED: Final = 400
_AFTER_RATE: Final = timedelta(seconds=60)
# The operator may buy more at any time, so the channel asks again now and then.
_AFTER_MONTHLY: Final = timedelta(hours=1)
# LINE knows a retry key for 24 hours; the clocks may differ.
_KEY_LASTS: Final = timedelta(hours=23)
_NOT_REPEATED: Final = "LINE's answer to an automatic reply did not come; it is not sent again"
_KEY_ENDED: Final = "LINE's answer did not come, and after 24 hours LINE does not recognise a copy: a person decides"
_NOT_PUSHED: Final = "the free reply token has ended, and `push_automatic = false` pays for no automatic reply"


class LineSender:
    """See `Sender`."""

    # By the retry key; replies have none, and `reconcile` settles those.
    repeatable = True

    def __init__(self, channel: str, settings: LineSettings, *, address: str = "") -> None:
        self.channel, self._settings, self._address = channel, settings, address
        self._api = LineApi(settings)

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        limit = self._settings.text_limit
        if not outgoing.text or not limit.allows(outgoing.text):
            why = f"LINE takes 1 to {limit.longest} {limit.unit}; this text has {limit.units_of(outgoing.text)}"
            return Receipt(verdict=SendVerdict.REFUSED, why=why)
        if (token := _free_token(outgoing)) and (receipt := self._replied(outgoing, token)):
            return receipt
        if outgoing.automatic and not self._settings.push_automatic:
            return Receipt(verdict=SendVerdict.REFUSED, why=_NOT_PUSHED)
        return _receipt(lambda: self._api.push(outgoing.recipient, outgoing.text, key=outgoing.outbound_id))

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: LINE lists nothing, but what is pushed again under its key is the same message."""
        if _free_token(outgoing):
            return Receipt(verdict=SendVerdict.ACCEPTED, why=_NOT_REPEATED)
        if utc_now() - since > _KEY_LASTS:
            return Receipt(verdict=SendVerdict.REFUSED, why=_KEY_ENDED)
        return None

    def probe(self) -> Health:
        """See `Sender`."""
        return probe(self._api, address=self._address)

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""

    def _replied(self, outgoing: Outgoing, token: str) -> Receipt | None:
        """Reply by the token; None if the token is no longer valid, and nothing was sent."""
        try:
            return _accepted(self._api.reply(token, outgoing.text))
        except LineRefusal as error:
            return None if error.status == _REPLY_TOKEN_ENDED else _refused(error)
        except LineUnanswered as error:
            return receipt_of_silence(str(error), sent=error.sent)


def open_sender(channel: str, settings: LineSettings, desk: DeskSettings) -> LineSender:
    """Return the sender of a channel, not connected yet."""
    return LineSender(channel, settings, address=webhook_address(desk, channel))


def _free_token(outgoing: Outgoing) -> str:
    """Return the reply token of the message that is answered; empty where a person writes, and after the first try."""
    return reply_token_of(outgoing.in_reply_to or "") if outgoing.automatic and outgoing.attempt <= 1 else ""


def _receipt(send: Callable[[], LineSent]) -> Receipt:
    try:
        return _accepted(send())
    except LineRefusal as error:
        return _refused(error)
    except LineUnanswered as error:
        return receipt_of_silence(str(error), sent=error.sent)


def _accepted(sent: LineSent) -> Receipt:
    first, others = (sent.ids[0], sent.ids[1:]) if sent.ids else ("", ())
    return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=first, other_ids=others)


def _refused(error: LineRefusal) -> Receipt:
    if error.status not in _OF_CHANNEL:
        return Receipt(verdict=SendVerdict.REFUSED, why=str(error))
    wait = _AFTER_MONTHLY if error.monthly else None
    if wait is None and error.status == 429:
        wait = _AFTER_RATE
    return Receipt(verdict=SendVerdict.NOT_SENT, why=str(error), retry_after=wait, whole_channel=True)
