"""Call the operator's system with one answer, signed; its own id is the same in every attempt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from connectors.base import Health, utc_now
from connectors.custom.messages import ids_in_name
from connectors.safe_http import Forbidden, HttpAnswer, NotReached, examine, fetch, post
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from router.delivery import Window
from router.errors import ConfigError, TransientError
from router.settings.channels.custom import CustomSendSettings, CustomSettings
from router.settings.model import DeskSettings
from router.webhook_signature import read_keys, sign

_LIMITED: Final = timedelta(seconds=30)
_GONE_FOR: Final = timedelta(hours=1)
_LARGEST_ANSWER: Final = 65_536


def body_of(outgoing: Outgoing, *, users: str) -> dict[str, object]:
    """Return an answer as their system gets it, whether we call or they collect."""
    in_reply_to, conversation = ids_in_name(outgoing.in_reply_to or "")
    body: dict[str, object] = {
        "type": "message",
        "id": str(outgoing.outbound_id),
        "user": _user(outgoing.recipient, users=users),
        "text": outgoing.text,
        "automatic": outgoing.automatic,
        "case": outgoing.reply_token.rpartition("-")[0],
        "sent_at": outgoing.dated_at.isoformat(),
    }
    body |= {"conversation": conversation} if conversation else {}
    return body | ({"in_reply_to": in_reply_to} if in_reply_to else {})


def _user(recipient: str, *, users: str) -> dict[str, str]:
    space, colon, user = recipient.partition(":")
    # A caller without an id of theirs is known by the number.
    return {"id": user} if colon and space == users else {"phone": recipient}


class CustomSender:
    """See `Sender`."""

    repeatable = False

    def __init__(self, channel: str, settings: CustomSettings, way: CustomSendSettings) -> None:
        self.channel, self._settings, self._way = channel, settings, way
        self._users = settings.users or channel
        self.repeatable = way.deduplicates

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        limit = self._settings.text_limit
        if limit and not limit.allows(outgoing.text):
            why = f"the text has more than {limit.longest} characters (`longest`)"
            return Receipt(verdict=SendVerdict.REFUSED, why=why)
        if outgoing.automatic and self._settings.is_public:
            return Receipt(verdict=SendVerdict.REFUSED, why="no machine answers in public")
        body = json.dumps(body_of(outgoing, users=self._users), ensure_ascii=False).encode("utf-8", "replace")
        try:
            headers = self._headers(body, webhook_id=str(outgoing.outbound_id))
            answer = post(self._url, body=body, headers=headers, allow_private=self._way.allow_private)
        except (NotReached, Forbidden, ConfigError) as error:
            why = f"their system cannot be reached: {error}"
            return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
        except TransientError as error:
            return Receipt(verdict=SendVerdict.UNKNOWN, why=f"their answer did not come: {error}")
        return _receipt(answer)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: only where `lookup` names an address to ask."""
        del since
        if self._way.lookup is None:
            return None
        url = self._way.lookup.replace("{id}", quote(str(outgoing.outbound_id)))
        headers = self._headers(b"", webhook_id=str(outgoing.outbound_id))
        try:
            answer = fetch(url, largest=_LARGEST_ANSWER, headers=headers, allow_private=self._way.allow_private)
        except ConfigError as error:
            raise TransientError(str(error)) from error
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise TransientError(f"their system answered {answer.status} when asked for a message")
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=_their_id(answer))

    def probe(self) -> Health:
        """See `Sender`: nothing can be tested without sending but the secret and the address."""
        self._headers(b"", webhook_id="probe")
        address = examine(self._url, allow_private=self._way.allow_private)
        return Health(ok=True, findings=(f"answers would go to {address}; whether they are taken only one shows",))

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""

    @property
    def _url(self) -> str:
        if self._way.url is None:
            raise ConfigError(f"answers of the channel {self.channel} are collected, not sent")
        return self._way.url

    def _headers(self, body: bytes, *, webhook_id: str) -> dict[str, str]:
        keys = read_keys(self._way.secret.reveal()) if self._way.secret else ()
        signed = sign(body, keys=keys, webhook_id=webhook_id, at=utc_now())
        return {"Content-Type": "application/json", "User-Agent": "Omniyard", **signed}


def collected(channel: str, settings: CustomSettings, outgoing: Outgoing) -> Mapping[str, object]:
    """Return an answer for who collects it."""
    return body_of(outgoing, users=settings.users or channel)


def open_sender(channel: str, settings: CustomSettings, desk: DeskSettings) -> CustomSender:
    """Return the sender of a channel that has a way out."""
    del desk
    if settings.send is None:
        raise ConfigError(f"the channel {channel} has no send table")
    return CustomSender(channel, settings, settings.send)


def _receipt(answer: HttpAnswer) -> Receipt:
    status = answer.status
    if 200 <= status < 300 or status == 409:
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=_their_id(answer))
    if status in {401, 403}:
        why = f"their system refuses us ({status}): check `secret` in `send`"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
    if status in {408, 425, 429, 503}:
        why = f"their system is busy ({status})"
        wait = answer.retry_after or _LIMITED
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=wait, whole_channel=status == 429)
    if status == 410:
        why = "their system takes no answers any more (410): correct `url` in `send`, or disable the channel"
        return Receipt(verdict=SendVerdict.REFUSED, why=why, retry_after=_GONE_FOR, whole_channel=True)
    if 400 <= status < 500:
        return Receipt(verdict=SendVerdict.REFUSED, why=f"their system refuses it ({status}, {_code(answer)})")
    return Receipt(verdict=SendVerdict.UNKNOWN, why=f"their system is out of order ({status})")


def _document(answer: HttpAnswer) -> Mapping[str, object]:
    try:
        document = json.loads(answer.body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _their_id(answer: HttpAnswer) -> str:
    given = _document(answer).get("id")
    return str(given)[:256] if isinstance(given, str | int) and not isinstance(given, bool) else ""


def _code(answer: HttpAnswer) -> str:
    """Return their code; a sentence of theirs may quote our text."""
    error = _document(answer).get("error")
    code = str(error.get("code", "")) if isinstance(error, dict) else ""
    return code if 0 < len(code) <= 40 and code.replace("_", "").replace("-", "").isalnum() else "no code"
