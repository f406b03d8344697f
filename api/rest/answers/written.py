"""`/conversations/{key}/generated`: texts that a model writes for an agent; nothing of them is sent from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart, Shown
from api.http.authentication import Requires
from api.http.openapi import example
from api.http.permissions import Actor, Verb
from api.http.problems import ProblemError, documented
from api.http.requests import RequestModel
from api.paths import API
from api.rest.queries import find_for
from router.answers.caution import AskedQuestion, pass_gates
from router.generated.prompts import SpokenLine
from router.generated.purposes import Purpose
from router.masking.mask import mask
from router.text.visible import is_visible
from store.conversations.messages import MessageRecord, messages_of
from store.conversations.read import ConversationRecord
from store.db.engine import read_clock
from store.db.ids import new_id
from store.desk.generated.generated_texts import GeneratedText, keep_text, newest_state, texts_in
from store.tables.messages import Direction
from workers.answering.category_limits import self_service_of
from workers.generated.writer import ModelText, SharedCase, basis_of, purpose_of

_ID: Final = "019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01"
_AT: Final = "2026-11-20T04:00:00Z"
_TEXT: Final = {
    "id": _ID,
    "purpose": "draft",
    "text": "Thank you for writing. A refund to a card usually takes 1 to 7 working days.",
    "flaws": [],
    "sources": ["refund--when"],
    "message_id": None,
    "language": "en",
    "model": "small-model",
    "prompt": "4f1c20aa913e",
    "by": "Ann",
    "at": _AT,
    "is_fresh": True,
}
# A summary is of the whole case, as far as a request has room for it.
_MESSAGES: Final = 200
_SPEAKERS: Final = {Direction.INCOMING: "customer", Direction.OUTGOING: "agent", Direction.NOTE: "note"}
_OF_CASE: Final = (Purpose.DRAFT, Purpose.FACTS, Purpose.SUMMARY)

routes: Final = APIRouter(prefix=API, tags=["answers"])
Reader = Annotated[Actor, Depends(Requires(Verb.READ_INBOX))]
Writer = Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))]


class GenerationOrder(RequestModel):
    """What a model should write. tone, text: for another tone.  message_id: for a translation.

    language: of a summary or a translation.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"purpose": "draft"}]})

    purpose: Literal["draft", "summary", "tone", "translation"]
    tone: Literal["friendlier", "shorter", "formal"] = "friendlier"
    text: str = Field(default="", max_length=4_000)
    message_id: UUID | None = None
    language: Literal["en", "zh"] = "en"


class GeneratedEntry(BaseModel):
    """A text that a model wrote. Its words are never sent by themselves."""

    model_config = example(_TEXT)

    id: UUID
    purpose: str = Field(
        description="`draft`, `facts` (a draft that only asks for facts), `summary`, `tone`, `translation`."
    )
    text: str = Field(description="Empty if it must not be shown.")
    flaws: list[str] = Field(description="Why it must not be shown, such as `number` or `promise`.")
    sources: list[str] = Field(description="The answers of the FAQ that it cites.")
    message_id: UUID | None
    language: str
    model: str
    prompt: str = Field(description="The first digits of the SHA-256 of the prompt's file.")
    by: str
    at: datetime
    is_fresh: bool = Field(description="Nothing has been written in the case since.")

    @classmethod
    def of(cls, text: GeneratedText, *, is_fresh: bool) -> GeneratedEntry:
        """Return it as the API shows it."""
        names = [name for name in cls.model_fields if name != "is_fresh"]
        return cls.model_validate({name: getattr(text, name) for name in names} | {"is_fresh": is_fresh})


class GeneratedList(BaseModel):
    """The texts of a case, newest first; what is stale is not among them."""

    model_config = example({"texts": [_TEXT]})

    texts: list[GeneratedEntry]


@routes.get("/conversations/{key}/generated", responses=documented("not-found"), summary="Texts that a model wrote")
def list_generated(desk: DeskPart, key: str, actor: Reader, shown: Shown) -> GeneratedList:
    """Return the texts of a conversation that are not stale."""
    with desk.database.read() as connection:
        case = find_for(connection, key, actor=actor)
        texts = fresh_texts(connection, desk, case.id)
    shown.are(texts)
    return GeneratedList(texts=[GeneratedEntry.of(each, is_fresh=True) for each in texts])


@routes.post(
    "/conversations/{key}/generated",
    status_code=201,
    responses=documented("not-found", "unavailable"),
    summary="Let a model write a text",
)
def post_generated(desk: DeskPart, key: str, order: GenerationOrder, actor: Writer) -> GeneratedEntry:
    """Write a draft, a summary, another tone or a translation; the answer is 503 when the model gives none now."""
    return GeneratedEntry.of(generate(desk, key, order=order, actor=actor), is_fresh=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A case as it is before the model is asked. state: changes with every message."""

    row: ConversationRecord
    messages: Sequence[MessageRecord]
    state: str

    @property
    def last(self) -> MessageRecord | None:
        theirs = [each for each in self.messages if each.direction == Direction.INCOMING]
        return max(theirs, key=lambda each: (each.received_at, each.id), default=None)

    @property
    def names(self) -> list[str]:
        theirs = (each.sender_name for each in self.messages if each.direction == Direction.INCOMING)
        return list(dict.fromkeys((self.row.contact_name, *theirs)))


def generate(desk: Desk, key: str, *, order: GenerationOrder, actor: Actor) -> GeneratedText:
    """Ask the model, keep what it wrote, and return it; no transaction is held meanwhile.

    Raises NotFound, ProblemError where there is no such model or nothing to write about, ModelSilent.
    """
    purpose = Purpose(order.purpose)
    if not desk.writer.offers(purpose):
        raise ProblemError("not-found", "this desk has no model for that")
    with desk.database.read() as connection:
        row = find_for(connection, key, actor=actor)
        messages = messages_of(connection, row.id, limit=_MESSAGES)
        case = _Case(row=row, messages=messages, state=newest_state(connection, row.id))
    make = {
        Purpose.DRAFT: _draft,
        Purpose.SUMMARY: _summary,
        Purpose.TONE: _tone,
        Purpose.TRANSLATION: _translation,
    }[purpose]
    made, basis = make(desk, case, order)
    return _keep(desk, row.id, made=made, basis=basis, order=order, actor=actor)


def _keep(
    desk: Desk, conversation_id: UUID, *, made: ModelText, basis: str, order: GenerationOrder, actor: Actor
) -> GeneratedText:
    purpose = Purpose(order.purpose)
    with desk.database.write() as connection:
        text = GeneratedText(
            id=new_id(),
            conversation_id=conversation_id,
            message_id=order.message_id if purpose is Purpose.TRANSLATION else None,
            language=order.language,
            basis=basis,
            by=actor.name,
            agent_id=actor.id,
            at=read_clock(connection),
            purpose=str(made.purpose),
            text=mask(made.text).text,
            flaws=[str(each) for each in made.flaws],
            sources=list(made.sources),
            model=made.model,
            prompt=made.prompt,
            milliseconds=made.milliseconds,
            tokens=made.tokens,
        )
        keep_text(connection, text)
    return text


def _asked(case: _Case, *, language: str) -> SharedCase:
    lines = [SpokenLine(_SPEAKERS[Direction(each.direction)], _words(each)) for each in case.messages]
    return SharedCase(lines=lines, names=case.names, language=language)


def _words(message: MessageRecord) -> str:
    return message.text.strip() or message.subject


def _draft(desk: Desk, case: _Case, order: GenerationOrder) -> tuple[ModelText, str]:
    del order
    if (last := case.last) is None:
        raise ProblemError("invalid", "the conversation has no message of its customer")
    language = "zh" if (case.row.language or "").startswith("zh") else "en"
    purpose = purpose_of(pass_gates(_question(desk, case, last)))
    fits = desk.visitors.answers.fits(_words(last), language=language) if purpose is Purpose.DRAFT else []
    if purpose is Purpose.DRAFT and not fits:
        raise ProblemError("invalid", "no answer of the help pages resembles the last message")
    passages = {each.shown.id: f"{each.shown.question}\n{each.shown.text}" for each in fits}
    made = desk.writer.draft(_asked(case, language=language), passages=passages, purpose=purpose)
    return made, _basis(desk, purpose, case.state)


def _question(desk: Desk, case: _Case, last: MessageRecord) -> AskedQuestion:
    found, row = last.trace.classification, case.row
    return AskedQuestion(
        text=_words(last),
        category=row.category,
        self_service=self_service_of(desk.settings, row.category),
        danger=row.emergency or row.possible_danger,
        facts=found.facts if found else (),
        secrets=last.trace.masked,
        language=row.language or "und",
    )


def _summary(desk: Desk, case: _Case, order: GenerationOrder) -> tuple[ModelText, str]:
    made = desk.writer.summary(_asked(case, language=order.language))
    return made, _basis(desk, Purpose.SUMMARY, case.state)


def _tone(desk: Desk, case: _Case, order: GenerationOrder) -> tuple[ModelText, str]:
    if not is_visible(order.text):
        raise ProblemError("invalid", "there is no text to rewrite", field="text")
    made = desk.writer.tone(mask(order.text).text, tone=order.tone, names=case.names)
    return made, _basis(desk, Purpose.TONE, case.state)


def _translation(desk: Desk, case: _Case, order: GenerationOrder) -> tuple[ModelText, str]:
    message = next((each for each in case.messages if each.id == order.message_id), None)
    if message is None or not _words(message):
        raise ProblemError("invalid", "expected the id of a message of this conversation", field="message_id")
    made = desk.writer.translation(_words(message), language=order.language, names=case.names)
    return made, _basis(desk, Purpose.TRANSLATION, _words(message))


def _basis(desk: Desk, purpose: Purpose, state: str) -> str:
    return basis_of(desk.writer.prompt(purpose).digest, state)


def fresh_texts(connection: Connection, desk: Desk, conversation_id: UUID) -> list[GeneratedText]:
    """Return the newest text of each purpose and message that was written from the case as it is now."""
    if not desk.writer.is_configured:
        return []
    texts = [each for each in texts_in(connection, conversation_id) if desk.writer.offers(Purpose(each.purpose))]
    if not texts:
        return []
    state = newest_state(connection, conversation_id)
    words = {each.id: _words(each) for each in messages_of(connection, conversation_id, limit=_MESSAGES)}

    def now(text: GeneratedText) -> str:
        return words.get(text.message_id, "") if text.message_id else state

    found: dict[tuple[str, str, UUID | None], GeneratedText] = {}
    for text in texts:
        purpose = Purpose(text.purpose)
        place = (purpose.configured, text.language if text.message_id else "", text.message_id)
        if place not in found and text.basis == _basis(desk, purpose, now(text)):
            found[place] = text
    return list(found.values())
