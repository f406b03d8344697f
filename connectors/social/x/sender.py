"""Send direct messages on X, once each; an unknown outcome is looked for among that conversation's latest messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import requests
import tweepy
from requests.exceptions import RequestException

from connectors.base import Health, Outgoing, Receipt, SendVerdict, utc_now
from connectors.http_errors import certainly_not_sent
from connectors.social.x.budget import Spent
from connectors.social.x.client import XApi, is_out_of_credits, probe, seconds_to_reset
from connectors.social.x.messages import sender_of, time_of
from router.delivery import Window
from router.errors import OmniyardError
from router.settings.chat_channels import XSettings
from router.settings.model import DeskSettings

_LOOKED_AT: Final = 10
# X shortens links, so they do not count when texts are compared.
_LINK: Final = re.compile(r"https?://\S+")
_HOUR: Final = timedelta(hours=1)


class XSender:
    """See `Sender`."""

    repeatable = False

    def __init__(self, channel: str, settings: XSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.channel, self._settings, self._clock = channel, settings, clock
        self._spent = Spent(clock().date())

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        limit = self._settings.text_limit
        if not outgoing.text or not limit.allows(outgoing.text):
            return Receipt(verdict=SendVerdict.REFUSED, why=f"X takes 1 to {limit.longest} characters")
        if too_dear := self._too_dear():
            return too_dear
        # A new connection: an idle one may break during the request, with an unknown outcome.
        with closing(XApi(self._settings)) as api:
            try:
                answer = api.send(outgoing.recipient, outgoing.text)
            except tweepy.HTTPException as error:
                return _refused(error.response)
            except RequestException as error:
                return _broken(error)
            # tweepy parses the reset header of a 429 as a number before it raises the error of the response.
            except (ValueError, OmniyardError) as error:
                return Receipt(verdict=SendVerdict.UNKNOWN, why=f"X's answer cannot be read ({type(error).__name__})")
        self._spent = self._spent.plus(self._settings.send_price)
        return _accepted(answer)

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

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""

    def _too_dear(self) -> Receipt | None:
        now = self._clock()
        self._spent = self._spent.on(now)
        if self._spent.dollars + self._settings.send_price <= self._settings.daily_budget:
            return None
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        why = f"the day's budget of {self._settings.daily_budget:.2f} dollars is spent on answers (`daily_budget`)"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=midnight - now, whole_channel=True)


def open_sender(channel: str, settings: XSettings, desk: DeskSettings) -> XSender:
    """Return the sender of a channel, not connected yet."""
    del desk
    return XSender(channel, settings)


def _accepted(answer: Mapping[str, Any]) -> Receipt:
    data = answer.get("data")
    event_id = data.get("dm_event_id") if isinstance(data, dict) else None
    if not isinstance(event_id, str):
        return Receipt(verdict=SendVerdict.UNKNOWN, why="X's answer names no message")
    return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=event_id)


def _broken(error: RequestException) -> Receipt:
    if certainly_not_sent(error):
        return Receipt(
            verdict=SendVerdict.NOT_SENT, why=f"X cannot be reached ({type(error).__name__})", whole_channel=True
        )
    return Receipt(verdict=SendVerdict.UNKNOWN, why=f"X's answer did not come ({type(error).__name__})")


def _refused(answer: requests.Response) -> Receipt:
    status = answer.status_code
    if is_out_of_credits(answer):
        why = f"the account's credits at X are used up ({status})"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=_HOUR, whole_channel=True)
    if status == 429:
        wait = timedelta(seconds=seconds_to_reset(answer))
        return Receipt(
            verdict=SendVerdict.NOT_SENT, why="X is asked too often (429)", retry_after=wait, whole_channel=True
        )
    if status == 401:
        why = "X refuses the credentials (401): check the four keys"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
    if status == 403:
        why = "X refuses it (403): the customer takes no messages from us, or the app may not send any"
        return Receipt(verdict=SendVerdict.REFUSED, why=why)
    if 400 <= status < 500:
        return Receipt(verdict=SendVerdict.REFUSED, why=f"X refuses it ({status})")
    return Receipt(verdict=SendVerdict.UNKNOWN, why=f"X is out of order ({status})")


def _is_it(event: Mapping[str, Any], outgoing: Outgoing, *, since: datetime) -> bool:
    event_id, text = event.get("id"), event.get("text")
    if not isinstance(event_id, str) or not isinstance(text, str) or event_id in outgoing.others:
        return False
    at = time_of(event_id)
    return at is not None and at >= since and _LINK.sub("", text) == _LINK.sub("", outgoing.text)
