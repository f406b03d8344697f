"""What the database says for the page of one conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.engine import Connection

from api.desk import Desk
from api.http.permissions import Actor
from api.pages.cases.colleagues import colleagues_of
from api.pages.cases.regroup import linked_case, proposed_merge
from api.pages.chat_pane import chat_in
from api.pages.people.customer_timeline import ContactTimeline, timeline_of
from api.pages.reply_box import Composer, compose, questions_of_box
from api.rest.answers.written import fresh_texts
from api.rest.queries import Listed, Story, find_for, questions_of, read_list, read_messages, wanted_conversation
from router.conversation_status import Status
from store.chat.visitor_sessions import ChatSession
from store.conversations.alarms import AlarmAnswer, EmergencyRecord, answer_to, emergency_of
from store.conversations.danger_questions import DangerQuestion
from store.conversations.lists import Filter, first_pages, read_markers, unread_among
from store.conversations.messages import MessageRecord, attachments_of, forged_messages, has_forged
from store.conversations.ratings import ratings_of, scores_of
from store.conversations.read import ConversationRecord, Position
from store.conversations.similar import similar_to
from store.db.plain_rows import Question, asked_ahead
from store.desk.agents import every_agent
from store.desk.composer.drafts import Draft, find_draft, newest_draft
from store.desk.generated.generated_texts import GeneratedText
from store.desk.notices import has_unread, unread_notice
from store.events.feed import greatest_number, newest_number
from store.inbound.contact_points import known_points
from store.outbound.answer_files import AnswerFile, sent_files
from store.outbound.given_answers import GivenAnswer, answers_in, given_in
from store.outbound.planned import first_planned, has_planned
from store.outbound.silent_cases import SilenceKind, why_closed
from store.tables.messages import Direction
from workers.routing.danger_findings import find_alarm, find_question

_MESSAGES: Final = 50
# How many other conversations of the customer the page shows; the inbox lists the rest.
_OTHERS: Final = 12
# More than the timeline shows, so that it can say how many there are.
_KNOWN: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePanel:
    """What stands next to the messages.

    missing: required facts that the customer has not given.
    others, timeline: the customer's other conversations, and all of them by time.
    proposed, linked: an open case and an older one that this case may belong to.
    similar: other customers' cases that say the same.
    called: the emergency that people were called for.  answered: who has it, while it has no verdict.
    planned: replies wait for their time.
    """

    missing: tuple[str, ...]
    others: Sequence[Listed]
    timeline: ContactTimeline
    proposed: ConversationRecord | None
    ratings: Sequence[tuple[int, str, datetime]]
    linked: ConversationRecord | None
    similar: Sequence[Listed]
    called: EmergencyRecord | None
    answered: AlarmAnswer | None
    planned: bool
    composer: Composer
    agents: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """One conversation as its page shows it.

    after: the number of the newest event when reading began.
    is_new: the reader has not seen its last message, or has an unread notice about it.
    closed_why: why the desk closed it by itself; None if it did not.
    texts: what a model wrote about the case as it is now.  given: the questions that the machine may have answered.
    question: why an agent is asked about danger; None if none is asked, and for cases of older versions.
    kept: the reader's draft.  answer_files: of our answers, by outbound id.
    chat: the visitor's session; None on other channels.
    """

    after: int
    story: Story
    is_new: bool
    is_forged: bool
    panel: CasePanel
    given: Sequence[GivenAnswer]
    closed_why: SilenceKind | None
    texts: Sequence[GeneratedText]
    question: DangerQuestion | None
    kept: Draft | None
    answer_files: Mapping[UUID, Sequence[AnswerFile]]
    chat: ChatSession | None


def read_case(
    connection: Connection, desk: Desk, *, key: str, actor: Actor, before: Position | None, now: datetime
) -> CaseFacts:
    """Read a conversation, asking as much as possible in one round trip.

    key: its id or reference.  before: the end of the page of newer messages; None for the newest ones.
    """
    with asked_ahead(connection, [greatest_number(), wanted_conversation(key)]):
        # First: what is published meanwhile comes by the stream again.
        after = newest_number(connection)
        row = find_for(connection, key, actor=actor)
        with asked_ahead(connection, _questions(row, actor=actor)):
            story = _story(connection, row, before=before)
            return _facts(connection, desk, story, actor=actor, after=after, now=now)


def _questions(row: ConversationRecord, *, actor: Actor) -> list[Question]:
    """Return what the page asks of its conversation that no other answer decides."""
    return [
        *questions_of(row, limit=_MESSAGES),
        known_points(row.contact_id),
        read_markers([row.id], agent_id=actor.id),
        unread_notice(actor.id, conversation_id=row.id),
        forged_messages(row.id),
        *first_pages(_theirs(row, actor=actor), limit=_KNOWN + 1),
        scores_of(row.id),
        emergency_of(row.id),
        first_planned(row.id),
        answers_in(row.id),
        newest_draft(agent_id=actor.id, conversation_id=row.id),
        every_agent(),
        *questions_of_box(row, actor=actor),
    ]


def _theirs(row: ConversationRecord, *, actor: Actor) -> Filter:
    """Return which conversations of the same customer the actor sees."""
    return Filter(contact=row.contact_id, only_teams=actor.sees_only)


def _story(connection: Connection, row: ConversationRecord, *, before: Position | None) -> Story:
    story = Story(connection, row, limit=_MESSAGES)
    if before is not None:
        story.outgoing = [each for each in story.outgoing if each.created_at < before.at]
        story.messages, story.earlier = read_messages(connection, row.id, before=before, limit=_MESSAGES)
        story.attachments = attachments_of(connection, [message.id for message in story.messages])
    story.load_page_facts(connection)
    return story


def _facts(connection: Connection, desk: Desk, story: Story, *, actor: Actor, after: int, now: datetime) -> CaseFacts:
    row = story.conversation
    sent = [message.outbound_id for message in story.messages if message.outbound_id]
    return CaseFacts(
        after=after,
        story=story,
        is_new=bool(unread_among(connection, [row], agent_id=actor.id))
        or has_unread(connection, actor.id, conversation_id=row.id),
        is_forged=has_forged(connection, row.id),
        panel=_panel(connection, desk, story, actor=actor, now=now),
        given=given_in(connection, row.id),
        closed_why=why_closed(connection, row.id) if row.status == Status.RESOLVED else None,
        texts=fresh_texts(connection, desk, row.id),
        question=find_question(connection, row.id) if row.possible_danger else None,
        kept=find_draft(connection, agent_id=actor.id, conversation_id=row.id),
        answer_files=sent_files(connection, sent) if sent else {},
        chat=chat_in(connection, desk, conversation_id=row.id, channel=row.channel),
    )


def _panel(connection: Connection, desk: Desk, story: Story, *, actor: Actor, now: datetime) -> CasePanel:
    row = story.conversation
    missing = _missing(story.messages)
    known = read_list(connection, _theirs(row, actor=actor), after=None, limit=_KNOWN)[0]
    others = [each for each in known if each[0].id != row.id][:_OTHERS]
    alike = similar_to(connection, row.id, now=now, only_teams=actor.sees_only)
    same = Filter(ids={each.conversation_id for each in alike}, only_teams=actor.sees_only)
    composer = compose(connection, desk, row, actor=actor, missing=missing, now=now)
    called = find_alarm(connection, row.id)
    return CasePanel(
        missing=missing,
        others=others,
        timeline=timeline_of(row, listed=known, now=now),
        proposed=proposed_merge(row, others),
        ratings=ratings_of(connection, row.id),
        linked=linked_case(connection, row, actor=actor),
        similar=read_list(connection, same, after=None, limit=_OTHERS)[0] if alike else [],
        called=called,
        answered=answer_to(connection, called) if called and called.confirmed is None and row.emergency else None,
        planned=has_planned(connection, row.id),
        composer=composer,
        agents=colleagues_of(connection, actor),
    )


def _missing(messages: Sequence[MessageRecord]) -> tuple[str, ...]:
    """Return the required facts that none of the customer's messages contains.

    Only a message that has the fact gives it: a thank-you needs nothing, and gives nothing either.
    """
    in_order = sorted(messages, key=lambda row: (row.received_at, row.id))
    theirs = [row.trace.classification for row in in_order if row.direction == Direction.INCOMING]
    known = [each for each in theirs if each is not None]
    needed = next((each.missing_facts for each in known if each.missing_facts), ())
    given = {fact for each in known for fact in each.facts}
    return tuple(fact for fact in needed if fact not in given)
