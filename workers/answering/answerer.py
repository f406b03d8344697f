"""Decide the questions that wait: a chore of the sweep.

Nothing is held while the answer is looked up. One transaction then locks the case, looks again whether a person took
it over or the customer wrote more, settles the question and writes the answer into the ledger. A worker that dies
before the commit leaves the question waiting; after it, the ledger's key sends the answer once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.engine import Connection

from router.answers.caution import Allowed, AskedQuestion
from router.answers.decision import AnswerDecision, AnswerOutcome
from router.errors import Conflict
from router.reason import Reason, ReasonKey
from router.replies.answer_text import AnswerLinks, answer_language, answer_words, offer_words, says_it_fits
from router.routing.trace import ClassificationTrace, read_trace
from router.settings import Settings
from router.status_links import LASTS, CaseLink, LinkKind, case_key, write_case_token
from router.threads.correlation import make_message_id, make_token
from router.threads.subject_lines import answer_subject
from store.db.engine import Database, read_clock
from store.db.ids import new_id
from store.desk.phrasings import note_gap
from store.events.append import EventKind, NewEvent, append_events
from store.outbound.answer_verdicts import note_verdict
from store.outbound.automatic_answers import (
    AnswerCase,
    AskedMessage,
    AutomaticText,
    answer_case,
    due_questions,
    lock_case,
    queue_answer,
    settle_question,
)
from store.outbound.given_answers import find_given, given_in
from store.outbound.replies import Answerable, answered
from store.tables.self_service import AnswerVerdict, AutoAnswerState
from workers.answering.category_limits import self_service_of
from workers.answering.library import AnswerLibrary
from workers.answering.rephrase import Rephrased, Rephraser
from workers.routing.brain import Brain
from workers.runtime.failpoints import reach

_BATCH: Final = 20
# An answer after this long would come next to a person's, so the question is left to them.
_TOO_LATE: Final = timedelta(hours=1)
MODES: Final = {"off": Allowed.NOTHING, "agents": Allowed.AGENTS, "offer": Allowed.OFFER, "answer": Allowed.ANSWER}

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Considered:
    """A question that was decided, with the state of its case at that moment."""

    messages: Sequence[AskedMessage]
    case: AnswerCase
    decision: AnswerDecision
    language: str
    rephrased: Rephrased | None = None

    @property
    def last(self) -> AskedMessage:
        return self.messages[-1]


@dataclass(frozen=True, slots=True)
class DueQuestions:
    """Questions that are due, and the state of their cases when they were looked at."""

    questions: Sequence[Sequence[AskedMessage]]
    cases: Mapping[UUID, AnswerCase]
    now: datetime


class Answerer:
    """Decides a batch of waiting questions at a time; several workers may do it at the same time."""

    def __init__(
        self, database: Database, brain: Brain, library: AnswerLibrary, *, rephraser: Rephraser | None = None
    ) -> None:
        """Hold them. rephraser: puts the operator's words into ones that fit the question; None without a model."""
        self._database, self._brain, self._library = database, brain, library
        self._rephraser = rephraser

    def once(self) -> int:
        """Decide the questions that are due; return how many there were."""
        return self.settle(self.look())

    def look(self) -> DueQuestions:
        """Return the questions that are due, with the state of their cases."""
        with self._database.read() as connection:
            now = read_clock(connection)
            due = due_questions(connection, now=now, limit=_BATCH)
            cases = {each[-1].conversation_id: answer_case(connection, each[-1].conversation_id) for each in due}
        return DueQuestions(due, cases, now)

    def settle(self, due: DueQuestions) -> int:
        """Decide questions, one transaction each; return how many were settled."""
        settled = 0
        if self._rephraser:
            self._rephraser.begin_pass()
        for messages in due.questions:
            try:
                settled += self._settle(messages, case=due.cases[messages[-1].conversation_id], now=due.now)
            except Conflict:
                # Merged a moment ago: its question is decided with the other case's next message.
                settled += self._leave(messages, state=AutoAnswerState.MISSED)
        return settled

    def _settle(self, messages: Sequence[AskedMessage], *, case: AnswerCase, now: datetime) -> bool:
        if case.is_over or now - messages[-1].due_at > _TOO_LATE:
            return self._leave(messages, state=AutoAnswerState.MISSED)
        if self._accepts(messages):
            return self._close(messages)
        considered = self._consider(messages, case=case, now=now)
        reach("answer.decided")
        with self._database.write() as connection:
            done = self._write(connection, considered)
            reach("answer.written")
        reach("answer.after")
        return done

    def _leave(self, messages: Sequence[AskedMessage], *, state: AutoAnswerState) -> bool:
        with self._database.write() as connection:
            return settle_question(connection, messages, state=state, values={"decided_at": read_clock(connection)})

    def _accepts(self, messages: Sequence[AskedMessage]) -> bool:
        return says_it_fits(_words(messages[-1]))

    def _close(self, messages: Sequence[AskedMessage]) -> bool:
        """Take the customer's word that the last answer was the right one."""
        with self._database.write() as connection:
            now = read_clock(connection)
            lock_case(connection, messages[-1].conversation_id)
            given = [one for one in given_in(connection, messages[-1].conversation_id) if one.answer]
            values = {"decided_at": now}
            if not settle_question(connection, messages, state=AutoAnswerState.SUPERSEDED, values=values):
                return False
            if given:
                accept(connection, given[-1].id, now=now)
        return True

    def _consider(self, messages: Sequence[AskedMessage], *, case: AnswerCase, now: datetime) -> _Considered:
        last = messages[-1]
        question = asked_question(messages, case=case, settings=self._brain.settings)
        mode = MODES[self._brain.settings.answer_mode(last.channel)]
        decision = self._library.book().decide(question, mode=mode, today=now.date())
        language = answer_language(question.language)
        best = self._library.faq.of(decision.best, language=language) if decision.best else None
        rephrased = (
            self._rephraser.rephrase(question.text, answer=best, case=last) if self._rephraser and best else None
        )
        return _Considered(messages, case, decision, language, rephrased)

    def _write(self, connection: Connection, considered: _Considered) -> bool:
        last, now = considered.last, read_clock(connection)
        locked = lock_case(connection, last.conversation_id)
        case = answer_case(connection, last.conversation_id)
        if case.newest != considered.case.newest:
            # The customer wrote more: all of it is decided together when they pause.
            return False
        state, why = _state(considered.decision), None
        if case != considered.case:
            state, why = AutoAnswerState.TAKEN_OVER, Reason(ReasonKey.TAKEN_OVER)
        sends = state in {AutoAnswerState.ANSWERED, AutoAnswerState.OFFERED}
        text = self._text(considered, locked=locked, now=now) if sends else None
        values = {
            "decided_at": now,
            "answer": considered.decision.best or "",
            "outbound_id": text.id if text else None,
            "trace": self._trace(considered, why=why),
        }
        if not settle_question(connection, considered.messages, state=state, values=values):
            return False
        if text:
            key = f"answer:{last.conversation_id}:{last.message_id}"
            queue_answer(connection, locked, text=text, key=key, now=now)
        self._tell(connection, considered, state=state, now=now)
        return True

    def _tell(self, connection: Connection, considered: _Considered, *, state: AutoAnswerState, now: datetime) -> None:
        last, decision = considered.last, considered.decision
        payload = {"answer_id": str(last.question_id), "outcome": str(state), "answer": decision.best or ""}
        append_events(connection, [NewEvent(EventKind.ANSWER_DECIDED, last.conversation_id, payload, at=now)])
        if state is AutoAnswerState.NOTHING_FOUND and (words := _words(last)):
            note_gap(
                connection,
                text=words[:500],
                place="message",
                language=considered.language,
                now=now,
                conversation_id=last.conversation_id,
            )
        _log.info("answer.decided", conversation_id=str(last.conversation_id), outcome=str(state), answer=decision.best)

    def _trace(self, considered: _Considered, *, why: Reason | None) -> dict[str, Any]:
        trace = decision_trace(considered.decision, version=self._library.book().version, why=why)
        return trace | ({"model": considered.rephrased.trace} if considered.rephrased else {})

    def _text(self, considered: _Considered, *, locked: Answerable, now: datetime) -> AutomaticText | None:
        """Return the text; None without an address to send it to."""
        if not locked.recipient:
            return None
        outbound_id, sender = new_id(), self._brain.address_of(locked.channel)
        token = make_token(self._brain.key, reference=locked.reference, contact_id=locked.contact_id)
        return AutomaticText(
            id=outbound_id,
            sender_name=self._name_in(considered.language),
            subject=answer_subject(locked.subject, token=token),
            text=self._body(considered, now=now),
            rfc_message_id=make_message_id(token, outbound_id=outbound_id, sender=sender),
        )

    def _body(self, considered: _Considered, *, now: datetime) -> str:
        decision, language, faq = considered.decision, considered.language, self._library.faq
        links, desk = self._links(considered.last.question_id, now=now), self._name_in(language)
        best = faq.of(decision.best, language=language) if decision.best else None
        if best:
            said = considered.rephrased.text if considered.rephrased else ""
            return answer_words(replace(best, body=said) if said else best, links=links, desk=desk)
        texts = [text for answer in decision.offered if (text := faq.of(answer, language=language))]
        return offer_words(texts, links=links, desk=desk, language=language)

    def _name_in(self, language: str) -> str:
        return self._brain.settings.omniyard.name_in(language)

    def _links(self, question_id: UUID, *, now: datetime) -> AnswerLinks:
        base = self._brain.settings.omniyard.public_url
        if not base:
            return AnswerLinks()
        token = write_case_token(case_key(self._brain.key), CaseLink(LinkKind.ANSWER, question_id, now + LASTS))
        return AnswerLinks(help=f"{base}/help", judge=f"{base}/answer/{token}")


def accept(connection: Connection, answer_id: UUID, *, now: datetime) -> None:
    """Record that the customer accepts an answer: the SLA clock pauses, and the case waits for the customer."""
    given = find_given(connection, answer_id)
    if given and note_verdict(connection, given, verdict=AnswerVerdict.FITS, by="", now=now):
        answered(connection, given.conversation_id, at=now)


def asked_question(messages: Sequence[AskedMessage], *, case: AnswerCase, settings: Settings) -> AskedQuestion:
    """Return what the gates see of a burst of messages: the words of all of them, and the most careful sign of each."""
    found = [read_trace(each.trace) for each in messages]
    classified = [trace.classification or _UNKNOWN for trace in found]
    category = classified[-1].category
    return AskedQuestion(
        text="\n".join(map(_words, messages)),
        category=category,
        self_service=self_service_of(settings, category),
        danger=case.in_danger or any(one.emergency or one.possible_danger for one in classified),
        facts=tuple(kind for one in classified for kind in one.facts),
        secrets=tuple(kind for trace in found for kind in trace.masked),
        language=classified[-1].language or case.language or "und",
        attachments=sum(each.files for each in messages),
        by_person=case.by_person,
        given=case.given,
        wants_person=case.wants_person,
    )


_UNKNOWN: Final = ClassificationTrace(category=None, confidence=0.0)


def _words(message: AskedMessage) -> str:
    return message.text.strip() or message.subject.strip()


def _state(decision: AnswerDecision) -> AutoAnswerState:
    return {
        AnswerOutcome.ANSWERED: AutoAnswerState.ANSWERED,
        AnswerOutcome.OFFERED: AutoAnswerState.OFFERED,
        AnswerOutcome.REFUSED: AutoAnswerState.REFUSED,
        AnswerOutcome.NOTHING_FOUND: AutoAnswerState.NOTHING_FOUND,
    }[decision.outcome]


def decision_trace(decision: AnswerDecision, *, version: str, why: Reason | None = None) -> dict[str, Any]:
    """Return a decision as JSON: gates, scores and thresholds, no words of a customer."""
    reasons = [*decision.why, *([why] if why else [])]
    return {
        "outcome": str(decision.outcome),
        "why": [reason.to_json() for reason in reasons],
        "fits": [
            {
                "answer": one.answer,
                "meaning": None if one.score.meaning is None else round(one.score.meaning, 4),
                "words": round(one.score.words, 4),
                "probability": round(one.score.probability, 4),
            }
            for one in decision.fits
        ],
        "confidence": round(decision.confidence, 4),
        "answer_from": decision.thresholds.answer,
        "offer_from": decision.thresholds.offer,
        "version": version,
    }
