"""Ask customers for a rating when their case is closed: a chore of the sweep, if the operator's file has the text."""

from __future__ import annotations

from datetime import datetime

import structlog

from router.replies.autoreply import fill_reply
from router.threads.correlation import make_message_id, make_token
from router.threads.subject_lines import answer_subject
from store.conversations.ratings import Closing, Question, ask, is_anything_new, take_closings
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from workers.routing.brain import Brain

_log = structlog.get_logger()


class RatingAsker:
    """Asks about a batch of closings at a time; several workers may do it at the same time."""

    def __init__(self, database: Database, brain: Brain) -> None:
        self._database, self._brain = database, brain

    def once(self) -> int:
        """Ask about the cases closed since the last call; return how many questions were queued."""
        reply = self._brain.settings.omniyard.rating
        if reply is None:
            return 0
        with self._database.read() as connection:
            if not is_anything_new(connection):
                return 0
        with self._database.write() as connection:
            closings, _ = take_closings(connection)
            now = read_clock(connection)
            questions = [(each, self._question_of(each, reply=reply, now=now)) for each in closings]
            return sum(
                ask(connection, closing, question=question) for closing, question in questions if question is not None
            )

    def _question_of(self, closing: Closing, *, reply: str, now: datetime) -> Question | None:
        """Return the question, or None if the case cannot have one: a case that fails must not stop the others."""
        if not self._can_be_asked(closing):
            return None
        try:
            return self._question(closing, reply=reply, now=now)
        except Exception:  # noqa: BLE001  (the outer loop over cases)
            _log.warning("rating.not_asked", reference=closing.reference, exc_info=True)
            return None

    def _can_be_asked(self, closing: Closing) -> bool:
        channel = self._brain.settings.channels.get(closing.channel)
        return bool(closing.recipient and channel and channel.has_way_out)

    def _question(self, closing: Closing, *, reply: str, now: datetime) -> Question:
        token = make_token(self._brain.key, reference=closing.reference, contact_id=closing.contact_id)
        text = fill_reply(
            self._brain.settings,
            reply,
            language=closing.language,
            reference=closing.reference,
            status_link=self._brain.status_link(closing.conversation_id, now=now),
        )
        outbound_id, sender = new_id(), self._brain.address_of(closing.channel)
        return Question(
            id=outbound_id,
            subject=answer_subject(closing.subject, token=token),
            text=text,
            rfc_message_id=make_message_id(token, outbound_id=outbound_id, sender=sender),
        )
