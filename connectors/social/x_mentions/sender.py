"""Answer a post on X in public, once, in an agent's words only; an unknown outcome is looked for among our posts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime, time, timedelta
from typing import Any, Final

import requests
import tweepy
from requests.exceptions import RequestException

from connectors.base import Health, Outgoing, Receipt, SendVerdict, utc_now
from connectors.http_errors import certainly_not_sent
from connectors.social.x.budget import Spent
from connectors.social.x.client import XApi, is_out_of_credits, seconds_to_reset
from connectors.social.x.messages import time_of
from connectors.social.x_mentions.posts import id_of, post_answered, weight_of
from connectors.social.x_mentions.probe import probe
from router.delivery import Window
from router.errors import OmniyardError
from router.settings.chat_channels import XMentionsSettings
from router.settings.model import DeskSettings

_LOOKED_AT: Final = 20
_LONGEST: Final = 280
_HOUR: Final = timedelta(hours=1)
_LINK: Final = re.compile(r"https?://\S+")
_MACHINE: Final = "no machine answers in public"
_NO_POST: Final = "there is no post of this customer to answer"
_NOT_SUMMONED: Final = (
    "X refuses it (403): programs may answer only posts that name the account themselves; answer on x.com, or ask the "
    "customer for a direct message"
)


class XMentionsSender:
    """See `Sender`."""

    repeatable = False

    def __init__(self, channel: str, settings: XMentionsSettings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.channel, self._settings, self._clock = channel, settings, clock
        self._spent = Spent(clock().date())

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        post_id, text, link = post_answered(outgoing.in_reply_to or ""), *self._parted(outgoing.text)
        refused = _refusal(text, post_id, automatic=outgoing.automatic)
        if stopped := Receipt(verdict=SendVerdict.REFUSED, why=refused) if refused else self._too_dear():
            return stopped
        # A new connection: an idle one may break during the request, with an unknown outcome.
        with closing(XApi(self._settings)) as api:
            try:
                answer = api.answer_post(post_id, text, private_link=link)
            except tweepy.HTTPException as error:
                return _refused(error.response)
            except RequestException as error:
                return _broken(error)
            # tweepy parses the reset header of a 429 as a number before it raises the error of the response.
            except (ValueError, OmniyardError) as error:
                return Receipt(verdict=SendVerdict.UNKNOWN, why=f"X's answer cannot be read ({type(error).__name__})")
        self._spent = self._spent.plus(self._settings.send_price)
        data = answer.get("data")
        number = id_of(data) if isinstance(data, dict) else ""
        if not number:
            return Receipt(verdict=SendVerdict.UNKNOWN, why="X's answer names no post")
        return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=number)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`. Looks among our latest posts for the same text under the same post."""
        answered = post_answered(outgoing.in_reply_to or "")
        with closing(XApi(self._settings)) as api:
            posts = api.own_posts(most=_LOOKED_AT).get("data")
        for post in posts if isinstance(posts, list) else ():
            if isinstance(post, dict) and _is_it(post, outgoing, answered=answered, since=since):
                return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=id_of(post), why="found on X")
        return None

    def probe(self) -> Health:
        """See `Sender`."""
        return probe(self._settings)

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""

    def _parted(self, text: str) -> tuple[str, str]:
        """Return the text without the link to a direct message, which X shows as a button, and the link."""
        link = self._settings.private_link
        return (text.replace(link, "").rstrip(), link) if link and link in text else (text, "")

    def _too_dear(self) -> Receipt | None:
        now = self._clock()
        self._spent = self._spent.on(now)
        if self._spent.dollars + self._settings.send_price <= self._settings.daily_budget:
            return None
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
        why = f"the day's budget of {self._settings.daily_budget:.2f} dollars is spent on answers (`daily_budget`)"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=midnight - now, whole_channel=True)


def open_sender(channel: str, settings: XMentionsSettings, desk: DeskSettings) -> XMentionsSender:
    """Return the sender of a channel, not connected yet."""
    del desk
    return XMentionsSender(channel, settings)


def _refusal(text: str, post_id: str, *, automatic: bool) -> str:
    """Return why a text must not be posted; empty if it may."""
    if automatic:
        return _MACHINE
    if not post_id:
        return _NO_POST
    weight = weight_of(text)
    return (
        ""
        if 0 < weight <= _LONGEST
        else f"X takes 1 to {_LONGEST} characters, Chinese ones count two; this has {weight}"
    )


def _broken(error: RequestException) -> Receipt:
    if certainly_not_sent(error):
        why = f"X cannot be reached ({type(error).__name__})"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
    return Receipt(verdict=SendVerdict.UNKNOWN, why=f"X's answer did not come ({type(error).__name__})")


def _refused(answer: requests.Response) -> Receipt:
    status = answer.status_code
    if is_out_of_credits(answer):
        why = f"the account's credits at X are used up ({status})"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=_HOUR, whole_channel=True)
    if status == 429:
        wait = timedelta(seconds=seconds_to_reset(answer))
        why = "X is asked too often (429)"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=wait, whole_channel=True)
    if status == 401:
        why = "X refuses the credentials (401): check the four keys"
        return Receipt(verdict=SendVerdict.NOT_SENT, why=why, whole_channel=True)
    if status == 403:
        return Receipt(verdict=SendVerdict.REFUSED, why=_NOT_SUMMONED)
    if 400 <= status < 500:
        return Receipt(verdict=SendVerdict.REFUSED, why=f"X refuses it ({status})")
    return Receipt(verdict=SendVerdict.UNKNOWN, why=f"X is out of order ({status})")


def _is_it(post: Mapping[str, Any], outgoing: Outgoing, *, answered: str, since: datetime) -> bool:
    number, text, referenced = id_of(post), post.get("text"), post.get("referenced_tweets")
    if not number or not isinstance(text, str) or number in outgoing.others:
        return False
    answers = [each.get("id") for each in referenced if isinstance(each, dict)] if isinstance(referenced, list) else []
    at = time_of(number)
    same = _LINK.sub("", text).strip().endswith(_LINK.sub("", outgoing.text).strip())
    return at is not None and at >= since and same and answered in answers
