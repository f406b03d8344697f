"""Which messages the machine may look an answer up for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from router.origin.automatic import OriginKind
from router.replies.autoreply import may_be_answered
from store.outbound.automatic_answers import question_row
from workers.routing.brain import Brain

if TYPE_CHECKING:
    from workers.routing.record import Placement


def question_of(placement: Placement, brain: Brain, *, now: datetime) -> Mapping[str, object] | None:
    """Return the question to insert; None where the machine is not to look for an answer."""
    incoming = placement.incoming
    if not _may_be_asked(placement, brain):
        return None
    return question_row({
        "conversation_id": placement.conversation_id,
        "message_id": placement.message_id,
        "channel": incoming.row.channel,
        "asked_at": now,
        "due_at": now + brain.settings.answers.wait,
    })  # fmt: skip


def _may_be_asked(placement: Placement, brain: Brain) -> bool:
    """Return whether a person may be answered by the machine: never where there may be danger."""
    incoming, decision = placement.incoming, placement.decision
    if brain.settings.answer_mode(incoming.row.channel) not in {"offer", "answer"}:
        return False
    in_danger = decision.emergency or placement.is_doubtful or placement.candidate.emergency or decision.hints
    if in_danger or incoming.row.backfill or incoming.analysis.origin.kind is not OriginKind.PERSON:
        return False
    return may_be_answered(incoming.analysis, brain.own)[0]
