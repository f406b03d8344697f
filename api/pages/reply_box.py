"""The reply box: the channel and the limits of a reply, and the prepared texts."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from api.desk import Desk
from api.rest.replies import LONGEST_TEXT
from router.delivery import TextLimit
from router.replies.autoreply import choose
from router.replies.phrases import facts_in_words, opening_words
from router.settings import Settings
from store.conversations.read import ConversationRecord
from store.outbound.limits import last_heard
from store.outbound.replies import AnswerAddress, answer_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """A prepared text with filled placeholders."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """The values of the reply box.

    way_out: the conversation's channel can send a reply.  keeps: it only keeps it in the outbox.
    answers: where it goes.
    until: the end of the provider's window; None without one.
    is_over: the window is over.  opens_at: when the channel opens; None while it is open.
    counts_segments: each segment of a text is paid for, as with SMS.  limit: the longest text.
    """

    way_out: bool
    keeps: bool
    answers: AnswerAddress
    until: datetime | None
    is_over: bool
    opens_at: datetime | None
    counts_segments: bool
    limit: TextLimit
    canned: tuple[Canned, ...]


def compose(
    connection: Connection, desk: Desk, row: ConversationRecord, *, missing: tuple[str, ...], now: datetime
) -> Composer:
    """Return the reply box of a conversation. missing: facts that the customer has not given."""
    channel = desk.settings.channels.get(row.channel)
    lasts, opens_at = channel.window.lasts if channel else None, desk.replying.opening(row.channel, now=now)
    heard = last_heard(connection, contact_id=row.contact_id, channel=row.channel) if lasts else None
    until = heard + lasts if heard and lasts else None
    return Composer(
        way_out=channel is not None and channel.has_way_out,
        keeps=channel is not None and channel.keeps_outbox,
        answers=answer_address(connection, row.id, contact_id=row.contact_id, channel=row.channel),
        until=until,
        is_over=until is not None and until < now,
        opens_at=opens_at,
        counts_segments=channel is not None and channel.counts_segments,
        limit=(channel.text_limit if channel else None) or TextLimit(LONGEST_TEXT),
        canned=_canned(desk.settings, row, missing=missing, opens_at=opens_at, now=now),
    )


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
        # Values that only automatic replies have, such as a link, stay empty: the agent sees the gap.
        said = text.format_map(defaultdict(str, places, missing_facts=facts))
        found.append(Canned(name=name, text=said))
    return tuple(found)
