"""Answer a post on X in public, once, in an agent's words only; an unknown outcome is looked for among our posts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, Final

from connectors.base import Health
from connectors.sender_contract import Outgoing, Receipt, SendVerdict
from connectors.social.x.client import XApi
from connectors.social.x.messages import time_of
from connectors.social.x.paid_sender import PaidSender
from connectors.social.x_mentions.posts import id_of, post_answered, weight_of
from connectors.social.x_mentions.probe import probe
from router.settings.channels.x import XMentionsSettings
from router.settings.model import DeskSettings

_LOOKED_AT: Final = 20
_LONGEST: Final = 280
_LINK: Final = re.compile(r"https?://\S+")
_MACHINE: Final = "no machine answers in public"
_NO_POST: Final = "there is no post of this customer to answer"
_NOT_SUMMONED: Final = (
    "X refuses it (403): programs may answer only posts that name the account themselves; answer on x.com, or ask the "
    "customer for a direct message"
)


class XMentionsSender(PaidSender[XMentionsSettings]):
    """See `Sender`."""

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`."""
        post_id, text, link = post_answered(outgoing.in_reply_to or ""), *self._parted(outgoing.text)
        refused = _refusal(text, post_id, automatic=outgoing.automatic)
        if refused:
            return Receipt(verdict=SendVerdict.REFUSED, why=refused)
        return self._send_once(
            lambda api: api.answer_post(post_id, text, private_link=link), forbidden=_NOT_SUMMONED, read=_accepted
        )

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

    def _parted(self, text: str) -> tuple[str, str]:
        """Return the text without the link to a direct message, which X shows as a button, and the link."""
        link = self._settings.private_link
        return (text.replace(link, "").rstrip(), link) if link and link in text else (text, "")


def open_sender(channel: str, settings: XMentionsSettings, desk: DeskSettings) -> XMentionsSender:
    """Return the sender of a channel, not connected yet."""
    del desk
    return XMentionsSender(channel, settings)


def _accepted(answer: Mapping[str, object]) -> Receipt:
    data = answer.get("data")
    number = id_of(data) if isinstance(data, dict) else ""
    if not number:
        return Receipt(verdict=SendVerdict.UNKNOWN, why="X's answer names no post")
    return Receipt(verdict=SendVerdict.ACCEPTED, provider_id=number)


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


def _is_it(post: Mapping[str, Any], outgoing: Outgoing, *, answered: str, since: datetime) -> bool:
    number, text, referenced = id_of(post), post.get("text"), post.get("referenced_tweets")
    if not number or not isinstance(text, str) or number in outgoing.others:
        return False
    answers = [each.get("id") for each in referenced if isinstance(each, dict)] if isinstance(referenced, list) else []
    at = time_of(number)
    same = _LINK.sub("", text).strip().endswith(_LINK.sub("", outgoing.text).strip())
    return at is not None and at >= since and same and answered in answers
