"""What follows from a message that says nothing of a matter: a quiet case, a label, a reply that asks for more."""

from __future__ import annotations

from typing import Any, Final

from router.conversation_status import Status
from router.envelope import CHAT_KINDS
from router.remarks.remark_kind import (
    BULK_MAIL,
    NO_QUESTION_YET,
    NOTHING_TO_DO,
    WAITS_FOR_WORDS,
    WANTS_PERSON,
    RemarkKind,
)
from router.replies.autoreply import is_greeted, may_be_answered
from router.routing.routes import Decision
from store.inbound.first_words import FirstWords
from store.inbound.outcome import Outcome
from workers.routing.arrival import Incoming
from workers.routing.brain import Brain
from workers.routing.placement import Placement

# No agent has to do anything, so nothing is promised, watched or held.
_QUIET: Final[dict[str, Any]] = {
    "first_reply_due_at": None,
    "resolve_due_at": None,
    "clock_started_at": None,
    "waiting_since": None,
    "watch_at": None,
    "held_until": None,
}
_LABELS: Final = {
    RemarkKind.PERSON: WANTS_PERSON,
    RemarkKind.GREETING: NO_QUESTION_YET,
    RemarkKind.EMPTY: NO_QUESTION_YET,
}


def label_of(incoming: Incoming, *, decision: Decision) -> str | None:
    """Return the label of a case that the message opens; None for a matter, also one that the operator's words name."""
    if decision.emergency:
        return None
    if incoming.needs_nothing:
        return NOTHING_TO_DO
    if incoming.analysis.is_campaign:
        return BULK_MAIL
    if incoming.remark in WAITS_FOR_WORDS and incoming.analysis.classification.category is not None:
        return None
    is_chat = incoming.analysis.envelope.sender.kind in CHAT_KINDS
    return _LABELS.get(incoming.remark) if is_chat else None


def opened_by(placement: Placement, brain: Brain) -> dict[str, Any]:
    """Return how the case that a message opens differs from one with a matter; empty for a matter.

    Thanks are filed as resolved, and bulk mail waits apart as pending. A greeting that gets a reply waits for
    its customer; any other stays with the agents.
    """
    incoming, labels = placement.incoming, placement.decision.route.labels
    label = label_of(incoming, decision=placement.decision)
    if label is None:
        return {}
    marked: dict[str, Any] = {"labels": [*dict.fromkeys((*labels, label))]}
    if label == NOTHING_TO_DO:
        return marked | _QUIET | {"status": Status.RESOLVED}
    if label == BULK_MAIL:
        return marked | _QUIET | {"status": Status.PENDING}
    return marked | _QUIET | {"status": Status.PENDING} if _is_asked(incoming, brain) else marked


def _is_asked(incoming: Incoming, brain: Brain) -> bool:
    channel = brain.settings.channels.get(incoming.row.channel)
    may_be_asked = channel is not None and not channel.never_sends and not incoming.row.backfill
    is_question = is_greeted(incoming.analysis, settings=brain.settings)
    return may_be_asked and is_question and may_be_answered(incoming.analysis, brain.own)[0]


def note_remark(placement: Placement, *, outcome: Outcome) -> bool:
    """Record what a message in a conversation says of its matter; return whether it is the first that names one.

    That one is answered like the message that opens a case.
    """
    conversation_id = placement.conversation_id
    if _calls_for_person(placement):
        outcome.labels[conversation_id] = WANTS_PERSON
    said = first_words(placement)
    if said is None:
        return False
    outcome.first_words[conversation_id] = said
    return True


def first_words(placement: Placement) -> FirstWords | None:
    """Return what a case becomes by its first message with a matter; None if it has one already, or still has not.

    Likewise by the first call for a person after a greeting.
    """
    candidate, incoming, decision = placement.candidate, placement.incoming, placement.decision
    says_something = incoming.remark is RemarkKind.CONTENT or _calls_for_person(placement)
    if (
        not says_something
        or incoming.row.backfill
        or not candidate.has_no_matter
        or placement.correlation.joins is None
    ):
        return None
    seen = incoming.analysis.classification
    return FirstWords(
        category=seen.category,
        language=seen.language,
        subject=placement.title,
        team=decision.team,
        priority=decision.route.priority,
        route=decision.route.name,
        sla=decision.route.sla,
        labels=decision.route.labels,
        held_until=decision.held_until,
    )


def _calls_for_person(placement: Placement) -> bool:
    return placement.incoming.remark is RemarkKind.PERSON and not placement.candidate.wants_person


def is_no_question(incoming: Incoming) -> bool:
    """Return whether the machine looks nothing up: there is nothing to answer, or no question yet."""
    return incoming.needs_nothing or incoming.remark in WAITS_FOR_WORDS
