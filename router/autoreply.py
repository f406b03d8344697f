"""What is said by machine, to whom, and when nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from router.automatic import may_autorespond
from router.promise import opening_words
from router.reading import Reading
from router.routing import Decision
from router.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoReply:
    """One automatic answer. kind: the reply's name in the file.  day: local ISO date, for "once a day"."""

    kind: str
    text: str
    language: str
    day: str


def compose_reply(
    reading: Reading, *, decision: Decision, settings: Settings, own: frozenset[str], reference: str, now: datetime
) -> tuple[AutoReply | None, str]:
    """Return the answer that the route asks for, or None; and why.

    reference: as the customer may quote it, with its proof.  now: aware.
    """
    name = decision.route.reply
    if name is None:
        return None, "the route sends no reply"
    allowed, why = may_autorespond(reading.envelope, origin=reading.origin, own_addresses=own)
    if not allowed:
        return None, why
    zone = settings.omniyard.timezone
    language, text = _choose(settings.replies[name].text, language=reading.classification.language)
    opens_at = decision.hours.opens_at
    opening = opening_words(opens_at, now=now, zone=zone, language=language) if opens_at else ""
    said = text.format(reference=reference, next_opening=opening, desk=settings.omniyard.name)
    return AutoReply(kind=name, text=said, language=language, day=now.astimezone(zone).date().isoformat()), why


def _choose(texts: Mapping[str, str], *, language: str) -> tuple[str, str]:
    """Return the text in the customer's language, else in its family, else in English, else the first there is."""
    for tag in (language, language.partition("-")[0], "en", next(iter(texts))):
        if tag in texts:
            return tag, texts[tag]
    raise AssertionError("a reply has at least one text")
