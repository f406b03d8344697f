"""Whether a message is a question that the machine may look up an answer for, and the row that asks it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from router.origin.verdicts import OriginKind
from router.replies.answer_text import says_it_fits
from router.replies.autoreply import may_be_answered
from store.outbound.automatic_answers import question_row
from workers.routing.brain import Brain
from workers.routing.placement import Placement
from workers.routing.remarks import is_no_question


def machine_question(placement: Placement, *, brain: Brain, now: datetime) -> dict[str, Any] | None:
    """Return the row of the question, due when the customer may have paused; None where no machine may answer.

    Never where there may be danger: then the answers are not even asked. now: the database's clock.
    """
    incoming, decision, settings = placement.incoming, placement.decision, brain.settings
    if settings.answer_mode(incoming.row.channel) not in {"offer", "answer"}:
        return None
    in_danger = decision.emergency or placement.is_doubtful or placement.candidate.emergency or decision.hints
    if in_danger or incoming.row.backfill or incoming.analysis.origin.kind is not OriginKind.PERSON:
        return None
    if not may_be_answered(incoming.analysis, brain.own)[0]:
        return None
    # "Solved" is thanks, and the word by which a customer accepts an answer.
    if is_no_question(incoming) and not says_it_fits(incoming.analysis.shown.text):
        return None
    row = {
        "conversation_id": placement.conversation_id,
        "message_id": placement.message_id,
        "channel": incoming.row.channel,
        "asked_at": now,
        "due_at": now + settings.answers.wait,
    }
    return question_row(row)
