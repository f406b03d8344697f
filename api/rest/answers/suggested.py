"""`/conversations/{key}/answers` and `/answers`: what fits a message, what the machine did, and why."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.problems import documented
from api.http.requests import RequestModel
from api.paths import API
from api.rest.queries import find_for, read_messages
from api.services.help_pages import FittingText
from router.errors import NotFound, PermanentError
from router.masking.mask import mask
from router.text.facts import find_facts
from router.text.language import detect
from store.conversations.messages import find_message
from store.db.engine import read_clock
from store.desk.phrasings import help_verdicts, propose_phrasing
from store.outbound.answer_verdicts import note_verdict
from store.outbound.given_answers import GivenAnswer, find_given, given_in
from store.tables.messages import Direction
from store.tables.self_service import AnswerVerdict

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_AT: Final = "2026-11-20T04:00:00Z"
_FIT: Final = {
    "answer": "refund--when",
    "title": "When does my refund arrive?",
    "text": "The shop starts a refund. From then on it usually takes ...",
    "path": "/help/refund/when",
    "confidence": 0.93,
    "meaning": 0.81,
    "words": 0.64,
    "way": "how long does a refund take",
}
_GIVEN: Final = {
    "id": _ID,
    "message_id": _ID,
    "state": "answered",
    "answer": "refund--when",
    "asked_at": _AT,
    "decided_at": _AT,
    "verdict": "fits",
    "trace": {"outcome": "answered", "confidence": 0.96, "why": []},
}
_MESSAGES: Final = 50
_WINDOW: Final = timedelta(days=90)

routes: Final = APIRouter(prefix=API, tags=["answers"])
Reader = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Worker = Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))]


class FitEntry(BaseModel):
    """An answer of the FAQ that may fit a text."""

    model_config = example(_FIT)

    answer: str
    title: str
    text: str = Field(description="The answer, without marks, as an agent would insert it.")
    path: str = Field(description="Its page in the help centre.")
    confidence: float | None = Field(description="That it is the right one; null but for the best.")
    meaning: float | None = Field(description="The sentence encoder's cosine; null without the encoder.")
    words: float = Field(description="The share of the question's words that its best way to ask has, by BM25.")
    way: str = Field(description="The way to ask that resembles the question most.")

    @classmethod
    def of(cls, fit: FittingText) -> FitEntry:
        """Return it as the API shows it."""
        shown = fit.shown
        scores = {"confidence": fit.confidence, "meaning": fit.meaning, "words": fit.words, "way": fit.way}
        return cls.model_validate(
            {"answer": shown.id, "title": shown.question, "text": shown.text, "path": shown.path, **scores}
        )


class GivenEntry(BaseModel):
    """What the machine did with one message. trace: gates, scores and thresholds."""

    model_config = example(_GIVEN)

    id: UUID
    message_id: UUID
    state: str = Field(
        description="`waiting`, `answered`, `offered`, `refused`, `nothing_found`, `superseded`, `taken_over` or "
        "`missed`."
    )
    answer: str = Field(description="The answer's id; empty if none was sent.")
    asked_at: datetime
    decided_at: datetime | None
    verdict: str = Field(description="`fits` or `person` by the customer, `wrong` by an agent; empty without one.")
    trace: dict[str, Any] | None

    @classmethod
    def of(cls, given: GivenAnswer) -> GivenEntry:
        """Return it as the API shows it."""
        return cls.model_validate({name: getattr(given, name) for name in cls.model_fields})


class CaseAnswers(BaseModel):
    """What fits the customer's last message, and what the machine did in the case."""

    model_config = example({"fits": [_FIT], "given": [_GIVEN]})

    fits: list[FitEntry]
    given: list[GivenEntry]


class AskOrder(RequestModel):
    """A question to try. channel: whose mode counts; without one, the desk's."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "How long does a refund take?", "channel": None}]}
    )

    text: str = Field(min_length=1, max_length=2_000)
    channel: str | None = Field(default=None, max_length=64)


class AskedAnswer(BaseModel):
    """What the machine would do, and why. Nothing is sent or kept."""

    model_config = example({"outcome": "answered", "trace": _GIVEN["trace"], "fits": [_FIT]})

    outcome: str
    trace: dict[str, Any]
    fits: list[FitEntry]


class ListedAnswer(BaseModel):
    """One answer of the FAQ. helped, did_not: verdicts of the help centre within 90 days."""

    model_config = example(
        {
            "answer": "refund--when",
            "category": "refund",
            "titles": {"en": "When does my refund arrive?"},
            "send": "answer",
            "since": None,
            "until": None,
            "ways": 12,
            "helped": 40,
            "did_not": 3,
        }
    )

    answer: str
    category: str
    titles: dict[str, str]
    send: str
    since: date | None
    until: date | None
    ways: int = Field(description="The ways to ask that its files name.")
    helped: int
    did_not: int


class AnswerList(BaseModel):
    """All answers. problems: files that cannot be read, one line each; their old answers stay in force."""

    model_config = example({"answers": [], "problems": []})

    answers: list[ListedAnswer]
    problems: list[str]


class WrongOrder(RequestModel):
    """An agent's word that an answer was wrong. should: the answer that fits; null: none."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"should": "refund--how"}]})

    should: str | None = Field(default=None, max_length=200)


@routes.get("/conversations/{key}/answers", responses=documented("not-found"), summary="Answers that fit")
def list_fits(desk: DeskPart, key: str, actor: Reader, shown: Shown) -> CaseAnswers:
    """Return the answers of the FAQ that fit the customer's last message, and what the machine did in the case."""
    with desk.database.read() as connection:
        case = find_for(connection, key, actor=actor)
        given = given_in(connection, case.id)
        messages, _ = read_messages(connection, case.id, before=None, limit=_MESSAGES)
    theirs = [message for message in messages if message.direction == Direction.INCOMING]
    last = max(theirs, key=lambda message: (message.received_at, message.id), default=None)
    fits = desk.visitors.answers.fits(last.text or last.subject, language=case.language or "") if last else []
    shown.are(fits)
    return CaseAnswers(fits=[FitEntry.of(one) for one in fits], given=[GivenEntry.of(one) for one in given])


@routes.post(
    "/conversations/{key}/answers/{answer_id}/wrong",
    responses=documented("not-found"),
    summary="Mark an answer wrong",
    status_code=204,
)
def post_wrong(desk: DeskPart, key: str, answer_id: UUID, order: WrongOrder, *, actor: Worker) -> None:
    """Mark it, and propose its question as a way to ask for the right answer; until then it is at most offered."""
    with desk.database.write() as connection:
        case = find_for(connection, key, actor=actor)
        mark_wrong(connection, desk, case.id, answer_id=answer_id, should=order.should or "", by=actor.name)


def mark_wrong(
    connection: Connection, desk: Desk, conversation_id: UUID, *, answer_id: UUID, should: str, by: str
) -> None:
    """Mark an automatic answer wrong, and propose its question. should: the right answer; empty for none.

    Raises NotFound for an answer that is not the case's, PermanentError for an unknown answer of the FAQ.
    """
    given = find_given(connection, answer_id)
    if given is None or given.conversation_id != conversation_id:
        raise NotFound("there is no automatic answer with that id in this conversation")
    if should and should not in desk.visitors.answers.library.faq.texts:
        raise PermanentError("expected the id of an answer, as `GET /answers` lists them")
    now = read_clock(connection)
    if note_verdict(connection, given, verdict=AnswerVerdict.WRONG, by=by, now=now):
        message = find_message(connection, given.message_id)
        text = (message.text.strip() or message.subject)[:500]
        propose_phrasing(connection, answer=should, text=text, by=by, conversation_id=conversation_id, now=now)


@routes.post("/answers/ask", responses=documented(), summary="What would be answered")
def ask(desk: DeskPart, order: AskOrder, actor: Reader) -> AskedAnswer:
    """Return what the machine would do with a question, with its reasons; nothing is sent or kept."""
    from router.answers.caution import AskedQuestion  # noqa: PLC0415  (NumPy, for the first question only)
    from workers.answering.answerer import decision_trace  # noqa: PLC0415

    del actor
    masked = mask(order.text)
    language = detect(order.text)
    asked = AskedQuestion(
        text=masked.text,
        facts=tuple(fact.kind for fact in find_facts(order.text)),
        secrets=masked.kinds,
        language=language,
    )
    mode = desk.settings.answer_mode(order.channel) if order.channel else desk.settings.answers.mode
    answers = desk.visitors.answers
    decision = answers.would_say(asked, mode=mode)
    fits = [FitEntry.of(one) for one in answers.fits(masked.text, language=language)]
    trace = decision_trace(decision, version=answers.library.book().version)
    return AskedAnswer(outcome=str(decision.outcome), trace=trace, fits=fits)


@routes.get("/answers", responses=documented(), summary="All answers")
def list_answers(desk: DeskPart, actor: Reader, shown: Shown) -> AnswerList:
    """Return the FAQ's answers, with visitors' verdicts of the last 90 days."""
    del actor
    faq = desk.visitors.answers.library.faq
    with desk.database.read() as connection:
        verdicts = help_verdicts(connection, since=desk.now() - _WINDOW)
    rows = []
    for answer, texts in sorted(faq.texts.items()):
        one = next(iter(texts.values()))
        helped, did_not = verdicts.get(answer, (0, 0))
        rows.append(
            ListedAnswer(
                answer=answer,
                category=one.category,
                titles={language: text.title for language, text in texts.items()},
                send=str(faq.rule(answer)),
                since=one.since,
                until=one.until,
                ways=sum(1 + len(text.also) for text in texts.values()),
                helped=helped,
                did_not=did_not,
            )
        )
    shown.are(rows)
    return AnswerList(answers=rows, problems=list(faq.problems))
