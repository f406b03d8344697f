"""What the reply box knows: by which channel an answer leaves and within what bounds, and texts that stand ready."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.engine import Connection

from api.desk import Desk
from router.replies.autoreply import choose
from router.replies.phrases import facts_in_words, opening_words
from router.settings import Settings
from router.settings.channels import ChannelSettings, HttpSmsSettings, TwilioSettings
from router.text.sms_segments import LONGEST
from store.conversations.read import ConversationRecord
from store.outbound.limits import last_heard

# WhatsApp answers freely within a day of the customer's last word, whatever the file allows.
_WHATSAPP: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """A text that stands ready, its places filled."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """What the reply box shows.

    way_out: an answer can leave by the conversation's channel.  until: answers may leave till then; None: at any time.
    is_over: that moment has passed.  opens_at: when the channel opens; None while it is open.
    sms_limit: characters of a text that is counted in SMS; 0 where it is not.
    """

    way_out: bool
    kind: str
    until: datetime | None
    is_over: bool
    opens_at: datetime | None
    sms_limit: int
    canned: tuple[Canned, ...]


def compose(
    connection: Connection, desk: Desk, row: ConversationRecord, *, missing: tuple[str, ...], now: datetime
) -> Composer:
    """Return what the reply box of a conversation shows. missing: facts that its customer has not told."""
    channel = desk.settings.channels.get(row.channel)
    lasts, opens_at = _window(channel), desk.replying.opening(row.channel, now=now)
    heard = last_heard(connection, contact_id=row.contact_id, channel=row.channel) if lasts else None
    until = heard + lasts if heard and lasts else None
    return Composer(
        way_out=channel is not None and channel.enabled and getattr(channel, "send", None) is not None,
        kind=getattr(channel, "kind", ""),
        until=until,
        is_over=until is not None and until < now,
        opens_at=opens_at,
        sms_limit=LONGEST if _is_sms(channel) else 0,
        canned=_canned(desk.settings, row, missing=missing, opens_at=opens_at, now=now),
    )


def _window(channel: ChannelSettings | None) -> timedelta | None:
    limits = [getattr(getattr(channel, "send", None), "window", None)]
    limits += [_WHATSAPP] if isinstance(channel, TwilioSettings) and channel.whatsapp else []
    return min(filter(None, limits), default=None)


def _is_sms(channel: ChannelSettings | None) -> bool:
    return isinstance(channel, HttpSmsSettings) or (isinstance(channel, TwilioSettings) and not channel.whatsapp)


def _canned(
    settings: Settings, row: ConversationRecord, *, missing: tuple[str, ...], opens_at: datetime | None, now: datetime
) -> tuple[Canned, ...]:
    zone = settings.omniyard.timezone
    found = []
    for name, reply in settings.replies.items():
        language, text = choose(reply.text, language=row.language)
        opening = opening_words(opens_at, now=now, zone=zone, language=language) if opens_at else ""
        facts = facts_in_words(missing, language=language)
        places = {"reference": row.reference, "next_opening": opening, "desk": settings.omniyard.name}
        # What only a machine's answer has, such as a link of its own, stays empty for the agent to see.
        said = text.format_map(defaultdict(str, places, missing_facts=facts))
        found.append(Canned(name=name, text=said))
    return tuple(found)
