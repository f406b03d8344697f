"""Compose the automatic reply to a message, or decide that the message gets none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from router.analysis import Analysis
from router.envelope import CHAT_KINDS
from router.origin.automatic import may_autorespond
from router.reason import Reason, ReasonKey
from router.remarks.remark_kind import NEEDS_NOTHING, WAITS_FOR_WORDS, RemarkKind
from router.replies.phrases import facts_in_words, opening_words, warning_in_words
from router.routing.routes import Decision
from router.settings import Settings

# No reply of the operator's file can have this name, because names hold no blank.
WARNING: Final = "secret warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoReply:
    """One automatic reply.

    kind: the reply's name in the file.  period: a conversation gets one reply of a kind in each period; "case" for its
    whole life, or the local ISO date of the channel's calendar.
    """

    kind: str
    text: str
    language: str
    period: str


def compose_reply(  # noqa: PLR0913  (one parameter for each fact that a reply may contain)
    analysis: Analysis,
    *,
    decision: Decision,
    settings: Settings,
    own: frozenset[str],
    reference: str,
    now: datetime,
    follow_up: bool = False,
    status_link: str = "",
) -> tuple[AutoReply | None, Reason]:
    """Return the reply that the route asks for, or None; and the reason.

    A sender who wrote a password or a code gets a warning in the reply; if a follow-up gets no reply, the warning is a
    reply of its own.
    reference: the short form, without its proof, as all pages and texts name the case.  now: aware.
    follow_up: the message joins a conversation.  status_link: the page that shows the customer the case's status.
    """
    if analysis.remark in NEEDS_NOTHING:
        return None, Reason(ReasonKey.NOTHING_TO_ANSWER)
    asked = settings.omniyard.greeting if is_greeted(analysis, settings=settings) and not follow_up else None
    name = asked or _of_call(analysis, decision, settings=settings) or _name(analysis, decision)
    if name is None:
        return None, Reason(ReasonKey.ROUTE_SENDS_NO_REPLY)
    silent = follow_up and not settings.replies[name].follow_ups
    language, text = choose(settings.replies[name].text, language=analysis.classification.language)
    warning = warning_in_words(analysis.shown.sent_now, language=language)
    if silent and not warning:
        return None, Reason(ReasonKey.REPLY_TO_FIRST_ONLY, {"reply": name})
    allowed, why = may_be_answered(analysis, own)
    if not allowed:
        return None, why
    if silent:
        body = f"{warning}\n{settings.omniyard.name_in(language)}\n"
        why = Reason(ReasonKey.SECRET_WAS_SENT)
        return AutoReply(kind=WARNING, text=body, language=language, period="case"), why
    body = text.format(
        reference=reference,
        next_opening=_opening(decision, now=now, language=language),
        desk=settings.omniyard.name_in(language),
        status_link=status_link,
        missing_facts=facts_in_words(
            analysis.classification.missing_facts, language=language, titles=settings.fact_titles
        ),
    )
    if warning:
        body = f"{body.rstrip()}\n\n{warning}\n"
    once_a_day = settings.replies[name].once_per == "day"
    period = now.astimezone(decision.hours.zone).date().isoformat() if once_a_day else "case"
    return AutoReply(kind=name, text=body, language=language, period=period), why


def fill_reply(settings: Settings, name: str, *, language: str, reference: str, status_link: str) -> str:
    """Return a reply's text without a message to answer: the facts about a message stay empty.

    reference, status_link: see `compose_reply`.
    """
    language, text = choose(settings.replies[name].text, language=language)
    desk = settings.omniyard.name_in(language)
    return text.format(reference=reference, desk=desk, status_link=status_link, next_opening="", missing_facts="")


def is_greeted(analysis: Analysis, *, settings: Settings) -> bool:
    """Return whether a message of a chat that only greets, or says nothing, is asked what it is about."""
    in_chat = analysis.envelope.sender.kind in CHAT_KINDS
    return bool(settings.omniyard.greeting) and in_chat and analysis.remark in WAITS_FOR_WORDS


def may_be_answered(analysis: Analysis, own: frozenset[str]) -> tuple[bool, Reason]:
    """Return whether a machine may answer the message at all, and the reason."""
    if not analysis.proof.may_be_answered:
        return False, Reason(ReasonKey.ADDRESS_IS_ABUSED)
    # RFC 3834 section 4: an automatic reply goes to no other address than the author's.
    if not analysis.correspondent.is_author:
        return False, Reason(ReasonKey.AUTHOR_IS_NO_CUSTOMER)
    return may_autorespond(analysis.envelope, origin=analysis.origin, own_addresses=own)


def _name(analysis: Analysis, decision: Decision) -> str | None:
    asks = decision.route.ask if analysis.classification.missing_facts else None
    return asks or decision.route.reply


def _of_call(analysis: Analysis, decision: Decision, *, settings: Settings) -> str | None:
    """Return the reply to a call for a person in a chat; None for any other message, and in an emergency."""
    in_chat = analysis.envelope.sender.kind in CHAT_KINDS
    if decision.emergency or not in_chat or analysis.remark is not RemarkKind.PERSON:
        return None
    desk = settings.omniyard
    return desk.call_for_person if decision.hours.is_open else desk.call_for_person_closed


def _opening(decision: Decision, *, now: datetime, language: str) -> str:
    hours = decision.hours
    return opening_words(hours.opens_at, now=now, zone=hours.zone, language=language) if hours.opens_at else ""


def choose(texts: Mapping[str, str], *, language: str) -> tuple[str, str]:
    """Return the text in the customer's language, else in its language family, else in English, else the first text."""
    for tag in (language, language.partition("-")[0], "en", next(iter(texts))):
        if tag in texts:
            return tag, texts[tag]
    raise AssertionError("a reply has at least one text")
