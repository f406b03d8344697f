"""`Placement`: where a message belongs, with the decisions on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from router.routing.routes import Decision, explain
from router.routing.trace import ReplyTrace, Trace
from router.threads.correlation import Candidate, Correlation
from workers.routing.arrival import Incoming, wakes


@dataclass(frozen=True, slots=True)
class Placement:
    """A message with the conversation that it opens or joins, and why. repeats: the message that it repeats.

    otherwise: the decision without the emergency; of possible danger that with one; None in all other cases.
    to_customer: of a mail of our own side, whether it goes to the customer of its case.
    asked: our last word in its conversation asked something.  title: what a case that it opens is called.
    customer_wrote_at: of our own side's message, when the customer last wrote in its conversation; None: not lately.
    """

    incoming: Incoming
    candidate: Candidate
    correlation: Correlation
    decision: Decision
    message_id: UUID
    repeats: UUID | None = None
    otherwise: Decision | None = None
    to_customer: bool = False
    asked: bool = False
    title: str = ""
    customer_wrote_at: datetime | None = None

    @property
    def wakes(self) -> bool:
        """Whether it reopens its conversation."""
        return wakes(self.incoming, asked=self.asked and not self.candidate.resolved)

    @property
    def is_doubtful(self) -> bool:
        """Whether an agent has to answer if the customer is in danger."""
        may_be = self.incoming.analysis.classification.possible_danger and not self.decision.emergency
        return may_be and not self.incoming.row.backfill

    @property
    def conversation_id(self) -> UUID:
        """The conversation's id."""
        return self.candidate.conversation_id

    def trace(self, reply: ReplyTrace) -> Trace:
        """Return every decision with its reasons. reply: what the machine says to it."""
        return explain(self.incoming.analysis, correlation=self.correlation, decision=self.decision, reply=reply)
