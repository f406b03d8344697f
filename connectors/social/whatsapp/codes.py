"""WhatsApp's error codes: what each says about a message, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from connectors.sender_contract import Receipt, SendVerdict
from connectors.social.meta.graph import GraphRefusal

_PAUSE: Final = timedelta(minutes=1)
# One of all calls with this code must change before any message leaves.
_OF_CHANNEL: Final[Mapping[int, str]] = {
    0: "Meta refuses the token: make a new one and set `token`",
    3: "the app may not do this: it needs the permission whatsapp_business_messaging",
    10: "the app may not do this: it needs the permission whatsapp_business_messaging",
    33: "Meta does not know the number: check `number_id`",
    190: "the token has ended: make a new one and set `token`",
    368: "Meta has blocked the account for a breach of its rules: look at the notices in Business Manager",
    131031: "Meta has locked the account: look at the notices in Business Manager",
    131042: "Meta cannot charge the account: check its payment method",
    133010: "the number is not registered for the Cloud API: register it",
}
_PERMISSIONS: Final = "the token lacks a permission: it needs whatsapp_business_messaging"
_BUSY: Final[Mapping[int, str]] = {
    4: "the app has called too often",
    80007: "the account has called too often",
    130429: "the number sends too fast",
    133016: "the number was registered too often",
}
_PAIR: Final = 131056
_UNCLEAR: Final = frozenset({1, 2, 131000, 131016})
_OF_MESSAGE: Final[Mapping[int, str]] = {
    100: "a parameter is wrong",
    130472: "Meta holds marketing messages to this customer back for an experiment",
    131021: "sender and recipient are the same number",
    131026: "the customer cannot get it: not on WhatsApp, or with too old an app",
    131045: "the number is not registered rightly",
    131047: "more than 24 hours have passed since the customer's last message; it takes an approved template",
    131049: "Meta chose not to deliver it, to keep the customer's interest",
    131050: "the customer has stopped marketing messages from this number",
    131051: "WhatsApp does not take this type of message",
    131052: "WhatsApp could not fetch the customer's file",
    131053: "WhatsApp could not take the file",
    131062: "an authentication template needs a number, and this customer shows none",
}
_TEMPLATE: Final = "the template does not exist in this language, is paused, or got other variables"


def words_of(code: int) -> str:
    """Return a sentence about a code of WhatsApp's, with the code."""
    known = {**_OF_MESSAGE, **_BUSY, **_OF_CHANNEL, _PAIR: "too many messages to this customer in a short time"}
    if said := known.get(code):
        return f"{said} ({code})"
    if 200 <= code < 300:
        return f"{_PERMISSIONS} ({code})"
    return f"{_TEMPLATE} ({code})" if 132000 <= code < 133000 else f"WhatsApp refuses it ({code}): see its error codes"


def receipt_of(error: GraphRefusal) -> Receipt:
    """Return what an error says about the message that was to be sent."""
    code, why = error.code, words_of(error.code)
    if code == _PAIR:
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=_PAUSE, whole_recipient=True)
    if code in _BUSY:
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=_PAUSE, whole_channel=True)
    if is_of_channel(error):
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
    if code in _UNCLEAR or error.status >= 500:
        why = f"Meta does not say whether it has the message ({code})"
        return Receipt(verdict=SendVerdict.UNKNOWN, why=why)
    return Receipt(verdict=SendVerdict.REFUSED, why=why)


def is_of_channel(error: GraphRefusal) -> bool:
    """Return whether the operator has to change something first."""
    # 100/33: the object of the call, our number, does not exist for this token.
    return error.code in _OF_CHANNEL or 200 <= error.code < 300 or (error.code, error.subcode) == (100, 33)
