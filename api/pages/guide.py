"""The guide to a first case: its steps, and which of them the agent has done in this conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.http.permissions import Actor
from api.rest.queries import Story
from router.remarks.remark_kind import BULK_MAIL
from store.tables.messages import Direction


@dataclass(frozen=True, slots=True)
class GuideStep:
    """One step. key: of its phrase."""

    key: str
    is_done: bool


def guide_to(story: Story, *, actor: Actor) -> Sequence[GuideStep]:
    """Return the steps; none while a colleague has the conversation, and none for bulk mail, which gets no answer."""
    case = story.conversation
    if BULK_MAIL in case.labels or case.assignee not in {None, "", actor.name} or case.merged_into:
        return ()
    ours = {message.direction for message in story.messages if message.sender_name == actor.name}
    answered = Direction.OUTGOING in ours or any(row.kind == "reply" for row in story.outgoing)
    return (
        GuideStep("guide_take", case.assignee == actor.name),
        # Who reads this has opened it.
        GuideStep("guide_read", is_done=True),
        GuideStep("guide_note", Direction.NOTE in ours),
        GuideStep("guide_answer", answered),
        GuideStep("guide_resolve", case.status == "resolved"),
    )
