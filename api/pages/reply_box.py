"""The reply box: the channel and the limits of a reply, and the prepared texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from api.desk import Desk
from api.http.permissions import Actor
from api.pages.composer.answer_files import FileLimit, limit_on
from api.rest.replies import LONGEST_TEXT, MOST_COPIES
from connectors.registry import is_public, kind_of
from connectors.registry_row import Capabilities
from router.delivery import TextLimit
from router.envelope import PartyKind
from router.replies.autoreply import choose
from router.replies.phrases import facts_in_words, opening_words, private_invitation, question_in_words
from router.replies.placeholders import fill
from router.settings import Settings
from router.settings.channels.base import ChannelSettings
from router.settings.own_addresses import own_side
from router.settings.values import title_in
from store.conversations.read import ConversationRecord
from store.db.plain_rows import Question
from store.desk.composer.ready_texts import ReadyText, list_ready_texts, texts_of
from store.desk.composer.signatures import all_signatures, signed_by
from store.inbound.stored_messages import envelope_of
from store.outbound.answer_addresses import (
    AnswerAddress,
    answer_address,
    copies_of_last,
    last_copies,
    last_of_theirs,
)
from store.outbound.answer_files import AnswerFile, draft_files, files_of_draft
from store.outbound.limits import last_heard

# Language -> the values of the placeholders.
ValuesByLanguage = Callable[[str], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """A prepared text with filled placeholders.

    name: the id of a ready text, or the name of an automatic reply.  actions: of a macro.
    """

    name: str
    title: str
    text: str
    folder: str = ""
    code: str = ""
    automatic: bool = False
    actions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """The values of the reply box.

    way_out: the conversation's channel can send a reply; not to a caller who withheld the number.
    keeps: it only keeps it in the outbox.
    answers: where it goes.
    until: the end of the provider's window; None without one.
    is_over: the window is over.  opens_at: when the channel opens; None while it is open.
    mail: it has copies, a signature, markup.  files: those of the draft.
    carries_files: an answer may have files; file_limit: what they may be together.
    everyone: who else got the customer's last message.  usual_copies: who got a copy of our last answer.
    signature: below an answer; empty for none.  quotes: the customer's message stands below, if nothing else is said.
    counts_segments: each segment of a text is paid for, as with SMS.  limit: the longest text.
    is_public: anybody can read the answer.  invitation: a text that asks for a private message; empty without a way.
    is_call: answers are calls, or the customer's last message is a call without a number.
    call_back: the number to call where nothing can be sent; empty if it was withheld.
    question: asks for what is missing, in the customer's language; empty where none may be asked.
    """

    way_out: bool
    keeps: bool
    answers: AnswerAddress
    until: datetime | None
    is_over: bool
    opens_at: datetime | None
    counts_segments: bool
    limit: TextLimit
    canned: tuple[Canned, ...]
    mail: bool
    carries_files: bool
    file_limit: FileLimit
    everyone: tuple[str, ...]
    usual_copies: tuple[str, ...]
    files: tuple[AnswerFile, ...]
    signature: str
    quotes: bool
    is_public: bool
    invitation: str
    question: str
    is_call: bool
    call_back: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyMoment:
    """What prepared texts are filled with. missing: facts that the customer has not given."""

    missing: tuple[str, ...]
    opens_at: datetime | None
    now: datetime


def compose(
    connection: Connection,
    desk: Desk,
    row: ConversationRecord,
    *,
    actor: Actor,
    missing: tuple[str, ...],
    now: datetime,
) -> Composer:
    """Return the reply box of a conversation. missing: facts that the customer has not given."""
    channel = desk.settings.channels.get(row.channel)
    lasts, opens_at = channel.window.lasts if channel else None, desk.replying.opening(row.channel, now=now)
    heard = last_heard(connection, contact_id=row.contact_id, channel=row.channel) if lasts else None
    until = heard + lasts if heard and lasts else None
    moment = ReplyMoment(missing=missing, opens_at=opens_at, now=now)
    can, file_limit = kind_of(channel).can if channel else Capabilities(), limit_on(desk, row.channel)
    by = signed_by(connection, agent_id=actor.id, agent=actor.name, team=row.team, language=row.language)
    values = _values(desk.settings, row, actor, moment)
    is_open_to_all = channel is not None and is_public(channel)
    answers = answer_address(connection, row.id, contact_id=row.contact_id, channel=row.channel)
    is_hotline = channel is not None and channel.enabled and channel.call_notes is not None
    is_withheld = _is_withheld_call(connection, answers)
    has_way_out = channel is not None and channel.has_way_out and not is_withheld
    return Composer(
        way_out=has_way_out,
        keeps=channel is not None and channel.keeps_outbox,
        answers=answers,
        until=until,
        is_over=until is not None and until < now,
        opens_at=opens_at,
        counts_segments=channel is not None and channel.counts_segments,
        limit=(channel.text_limit if channel else None) or TextLimit(LONGEST_TEXT),
        canned=(
            *_ready(connection, row, values=values),
            *_canned(desk.settings, row, moment=moment),
        ),
        mail=can.mail,
        carries_files=can.files and bool(file_limit.files),
        file_limit=file_limit,
        everyone=_everyone(connection, desk.settings, answers) if can.mail else (),
        usual_copies=last_copies(connection, row.id) if can.mail else (),
        files=tuple(draft_files(connection, agent_id=actor.id, conversation_id=row.id)) if can.files else (),
        signature=fill(by.signature, {**values(row.language), "agent": by.name}) if can.mail else "",
        quotes=desk.settings.desk.quote_below,
        is_public=is_open_to_all,
        invitation=_invitation(channel, language=row.language),
        question=question_in_words(missing, language=row.language, titles=desk.settings.fact_titles)
        if has_way_out and not is_open_to_all
        else "",
        is_call=is_hotline or is_withheld,
        # A hotline's caller, or of a channel that cannot send, as one that only reports calls.
        call_back=answers.address if not has_way_out and answers.address.startswith("+") else "",
    )


def questions_of_box(row: ConversationRecord, *, actor: Actor) -> list[Question]:
    """Return what `compose` asks of a conversation that no other answer decides."""
    return [
        *all_signatures(),
        last_of_theirs(row.id, contact_id=row.contact_id, channel=row.channel),
        texts_of([row.team]),
        copies_of_last(row.id),
        files_of_draft(agent_id=actor.id, conversation_id=row.id),
    ]


def _is_withheld_call(connection: Connection, answers: AnswerAddress) -> bool:
    """Return whether the customer called and withheld the number, on any channel that reports calls."""
    if answers.address or answers.message_id is None:
        return False
    envelope = envelope_of(connection, answers.message_id)
    return envelope is not None and envelope.sender.kind == PartyKind.PHONE


def _invitation(channel: ChannelSettings | None, *, language: str) -> str:
    link = channel.private_link if channel else ""
    return private_invitation(link, language=language) if link else ""


def _everyone(connection: Connection, settings: Settings, answers: AnswerAddress) -> tuple[str, ...]:
    """Return who got the customer's last message besides us, for an answer to all."""
    if answers.message_id is None or (envelope := envelope_of(connection, answers.message_id)) is None:
        return ()
    ours = own_side(settings)
    others = (party.handle for party in envelope.recipients if party.kind == PartyKind.EMAIL)
    found = dict.fromkeys(each for each in others if each != answers.address and each.lower() not in ours.desk)
    return tuple(found)[:MOST_COPIES]


def fill_ready(desk: Desk, row: ConversationRecord, *, actor: Actor, text: ReadyText, now: datetime) -> Canned:
    """Return one ready text as it is filled for a conversation."""
    moment = ReplyMoment(missing=(), opens_at=desk.replying.opening(row.channel, now=now), now=now)
    return _filled(text, row.language, values=_values(desk.settings, row, actor, moment))


def _ready(connection: Connection, row: ConversationRecord, *, values: ValuesByLanguage) -> list[Canned]:
    return [_filled(each, row.language, values=values) for each in list_ready_texts(connection, teams=[row.team])]


def ready_for_a_first_mail(
    connection: Connection, settings: Settings, actor: Actor, *, teams: Sequence[str], language: str
) -> list[Canned]:
    """Return the ready texts for a mail that opens its case: what only a case has stays in braces, to be filled in."""
    values = {"desk": settings.omniyard.name_in(language), "agent": actor.name}
    texts = (each for each in list_ready_texts(connection, teams=teams) if each.texts)
    return [replace(_filled(each, language, values=lambda _: values), actions={}) for each in texts]


def _filled(each: ReadyText, wanted: str, *, values: ValuesByLanguage) -> Canned:
    language, text = choose(each.texts, language=wanted) if each.texts else ("en", "")
    return Canned(
        name=str(each.id),
        title=each.title,
        text=fill(text, values(language)),
        folder=each.folder,
        code=each.code,
        actions=each.actions or {},
    )


def _values(settings: Settings, row: ConversationRecord, actor: Actor, moment: ReplyMoment) -> ValuesByLanguage:
    team = settings.teams.get(row.team)

    def values(language: str) -> Mapping[str, str]:
        return _places(settings, row, moment=moment, language=language) | {
            "customer": row.contact_name,
            "agent": actor.name,
            "team": title_in(team.title, language.partition("-")[0], name=row.team) if team else row.team,
        }

    return values


def _canned(settings: Settings, row: ConversationRecord, *, moment: ReplyMoment) -> list[Canned]:
    found = []
    for name, reply in settings.replies.items():
        language, text = choose(reply.text, language=row.language)
        places = _places(settings, row, moment=moment, language=language)
        # While the channel is open, a text about its next opening is untrue; so is one about facts if none is missing.
        if any(f"{{{place}}}" in text and not value for place, value in places.items()):
            continue
        # Values that only automatic replies have, such as a link, stay empty: the agent sees the gap.
        said = text.format_map(defaultdict(str, places))
        found.append(Canned(name=name, title=name, text=said, automatic=True))
    return found


def _places(settings: Settings, row: ConversationRecord, *, moment: ReplyMoment, language: str) -> dict[str, str]:
    zone, opens_at = settings.omniyard.timezone, moment.opens_at
    opening = opening_words(opens_at, now=moment.now, zone=zone, language=language) if opens_at else ""
    facts = facts_in_words(moment.missing, language=language, titles=settings.fact_titles)
    desk = settings.omniyard.name_in(language)
    return {"reference": row.reference, "next_opening": opening, "desk": desk, "missing_facts": facts}
