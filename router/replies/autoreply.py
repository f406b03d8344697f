"""What is said by machine, to whom, and when nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from router.analysis import Analysis
from router.origin.automatic import may_autorespond
from router.reason import Reason, ReasonKey
from router.replies.phrases import facts_in_words, opening_words, warning_in_words
from router.routing.routes import Decision
from router.settings import Settings

# No reply of the file can have this name: a blank stands in none.
WARNING: Final = "secret warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoReply:
    """One automatic answer.

    kind: the reply's name in the file.  period: within which a conversation gets one of a kind: "case" for all its
    life, or the local ISO date of the channel's calendar.
    """

    kind: str
    text: str
    language: str
    period: str


def compose_reply(  # noqa: PLR0913  (one a thing that a reply may say)
    reading: Analysis,
    *,
    decision: Decision,
    settings: Settings,
    own: frozenset[str],
    reference: str,
    now: datetime,
    follow_up: bool = False,
    status_link: str = "",
) -> tuple[AutoReply | None, Reason]:
    """Return the answer that the route asks for, or None; and why.

    Whoever wrote a password or a code is warned in it; where a further message gets no answer, in a reply of its own.
    reference: as the customer may quote it, with its proof.  now: aware.
    follow_up: the message goes on with a conversation.  status_link: where the customer sees how far the case is.
    """
    name = _name(reading, decision)
    if name is None:
        return None, Reason(ReasonKey.ROUTE_SENDS_NO_REPLY)
    silent = follow_up and not settings.replies[name].follow_ups
    language, text = _choose(settings.replies[name].text, language=reading.classification.language)
    warning = warning_in_words(reading.sent_now, language=language)
    if silent and not warning:
        return None, Reason(ReasonKey.REPLY_TO_FIRST_ONLY, {"reply": name})
    if not reading.proof.may_be_answered:
        return None, Reason(ReasonKey.ADDRESS_IS_ABUSED)
    allowed, why = may_autorespond(reading.envelope, origin=reading.origin, own_addresses=own)
    if not allowed:
        return None, why
    if silent:
        said = f"{warning}\n{settings.omniyard.name}\n"
        why = Reason(ReasonKey.SECRET_WAS_SENT)
        return AutoReply(kind=WARNING, text=said, language=language, period="case"), why
    said = text.format(
        reference=reference,
        next_opening=_opening(decision, now=now, language=language),
        desk=settings.omniyard.name,
        status_link=status_link,
        missing_facts=facts_in_words(reading.classification.missing_facts, language=language),
    )
    if warning:
        said = f"{said.rstrip()}\n\n{warning}\n"
    once_a_day = settings.replies[name].once_per == "day"
    period = now.astimezone(decision.hours.zone).date().isoformat() if once_a_day else "case"
    return AutoReply(kind=name, text=said, language=language, period=period), why


def fill_reply(settings: Settings, name: str, *, language: str, reference: str, status_link: str) -> str:
    """Return a reply's text where no message is answered: what it may say of one is empty.

    reference, status_link: as `compose_reply` has them.
    """
    _, text = _choose(settings.replies[name].text, language=language)
    desk = settings.omniyard.name
    return text.format(reference=reference, desk=desk, status_link=status_link, next_opening="", missing_facts="")


def _name(reading: Analysis, decision: Decision) -> str | None:
    asks = decision.route.ask if reading.classification.missing_facts else None
    return asks or decision.route.reply


def _opening(decision: Decision, *, now: datetime, language: str) -> str:
    hours = decision.hours
    return opening_words(hours.opens_at, now=now, zone=hours.zone, language=language) if hours.opens_at else ""


def _choose(texts: Mapping[str, str], *, language: str) -> tuple[str, str]:
    """Return the text in the customer's language, else in its family, else in English, else the first there is."""
    for tag in (language, language.partition("-")[0], "en", next(iter(texts))):
        if tag in texts:
            return tag, texts[tag]
    raise AssertionError("a reply has at least one text")
