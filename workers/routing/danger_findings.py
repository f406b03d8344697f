"""What agents say of an emergency or of possible danger, and what follows from it, in the caller's transaction.

An alarm that was true is confirmed. A false one is released: the case becomes what the routes would have made of it,
and the customer gets the operator's correction. "In danger" makes an emergency like one that a message raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.errors import NotFound
from router.hours.calendar import Calendar
from router.hours.from_settings import build_calendars
from router.replies.autoreply import fill_reply
from router.routing.false_alarm import (
    CalmCase,
    CaseState,
    PagedCase,
    calmed,
    read_calm,
    read_paged,
    read_state,
    restored,
    state_to_json,
)
from router.routing.sla import Due, Pause, due_times
from router.settings import Settings
from router.status_links import LASTS, CaseLink, LinkKind, case_key, write_case_token
from router.threads.correlation import make_message_id, make_token
from store.conversations import alarms, danger_questions
from store.conversations.alarms import EmergencyRecord, Escalation, Judgement
from store.conversations.assignees import is_assignable
from store.conversations.changes import (
    LockedConversation,
    former_case,
    former_to_json,
    give_back,
    lock,
    read_former,
)
from store.conversations.danger_questions import DangerQuestion
from store.conversations.read import find_conversation
from store.conversations.sla import pauses_of, put_back_notices, take_notices
from store.db.engine import read_clock
from store.db.ids import new_id
from store.db.keys import desk_key
from store.events.append import EventKind, NewEvent, append_events
from store.outbound.false_alarm_replies import NewCorrection, find_said, queue_correction, withdraw_correction

# As long as the page offers to undo: a release that is taken back at once says nothing to the customer.
_UNDOABLE: Final = timedelta(minutes=2)
# Of a released emergency of an older version, about which nothing else is known.
_CALM: Final = "normal"
_NOTHING: Final = "no one was called for this conversation, and no message raised the question of danger"


class EmergencyService:
    """Judges emergencies and answers questions of danger; may be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = desk_key(settings, purpose="thread tokens")

    @cached_property
    def _calendars(self) -> Mapping[str, Calendar]:
        return build_calendars(self._settings)

    def judge(self, connection: Connection, conversation_id: UUID, *, danger: bool | None, by: str) -> None:
        """Write down what an agent found; said twice, it is said once.

        danger: None takes the last finding back.
        Raises NotFound when no one was called and no message raised the question, Conflict for a merged conversation.
        """
        case, now = lock(connection, conversation_id), read_clock(connection)
        if danger is None:
            self._take_back(connection, case, by=by, now=now)
        elif find_conversation(connection, case.id).possible_danger:
            self._answer(connection, case, danger=danger, by=by, now=now)
        elif known := find_alarm(connection, case.id):
            if danger:
                self._confirm(connection, known, by=by, now=now)
            else:
                self._release(connection, known, by=by, now=now)
        elif find_question(connection, case.id) is None:
            raise NotFound(_NOTHING)
        elif danger:
            # After a "no": the agent knows better now.
            self._answer(connection, case, danger=True, by=by, now=now)

    def _answer(
        self, connection: Connection, case: LockedConversation, *, danger: bool, by: str, now: datetime
    ) -> None:
        question = danger_questions.find_danger_question(connection, case.id)
        danger_questions.answer_danger_question(connection, question, answer=danger, by=by, now=now)
        if not danger:
            danger_questions.mark_possible_danger(connection, case.id, possible=False)
            append_events(connection, [NewEvent(EventKind.DANGER_DENIED, case.id, {"by": by}, at=now)])
            return
        paged, before = read_paged(question.paged), alarms.read_case(connection, case.id)
        former = former_to_json(former_case(connection, case.id))
        calm = alarms.escalate(connection, {case.id: self._escalation(paged, now=now)}, now=now)[case.id]
        danger_questions.mark_possible_danger(connection, case.id, possible=False)
        row = {"conversation_id": case.id, "inbound_id": question.inbound_id, "at": now, "paged_by": by}
        alarms.call_for(connection, [row | {"evidence": question.evidence, "paged": question.paged, "calm": calm}])
        after = alarms.read_case(connection, case.id)
        changed = {"before": state_to_json(before), "after": state_to_json(after), "former": former}
        judgement = Judgement(confirmed=True, by=by, confirmed_at=now, changed=changed)
        alarms.judge_emergency(connection, case.id, judgement)
        raised = {"inbound_id": str(question.inbound_id), "route": paged.route, "by": by}
        kinds = ((EventKind.CONVERSATION_ESCALATED, raised), (EventKind.EMERGENCY_CONFIRMED, {"by": by}))
        append_events(connection, [NewEvent(kind, case.id, payload, at=now) for kind, payload in kinds])

    def _confirm(self, connection: Connection, known: EmergencyRecord, *, by: str, now: datetime) -> None:
        if known.confirmed:
            return
        if known.confirmed is False:
            self._restore(connection, known, emergency=True, now=now)
        judgement = Judgement(confirmed=True, by=by, confirmed_at=now, changed=None)
        alarms.judge_emergency(connection, known.conversation_id, judgement)
        event = NewEvent(EventKind.EMERGENCY_CONFIRMED, known.conversation_id, {"by": by}, at=now)
        append_events(connection, [event])

    def _release(self, connection: Connection, known: EmergencyRecord, *, by: str, now: datetime) -> None:
        if known.confirmed is False:
            return
        before = alarms.read_case(connection, known.conversation_id)
        after = calmed(before, paged=_paged(known, before), calm=_calm(known, before), now=now)
        if (
            after.assignee != before.assignee
            and after.assignee
            and not is_assignable(connection, after.assignee, team=after.team)
        ):
            after = replace(after, assignee=None)
        former = former_to_json(former_case(connection, known.conversation_id))
        due = self._due(connection, known.conversation_id, after)
        alarms.write_case(connection, known.conversation_id, after, emergency=False, due=due, now=now)
        notices = take_notices(connection, known.conversation_id, since=known.at)
        changed: dict[str, Any] = {"before": state_to_json(before), "after": state_to_json(after)}
        changed |= {"notices": notices, "former": former}
        judgement = Judgement(confirmed=False, by=by, confirmed_at=now, changed=changed)
        alarms.judge_emergency(connection, known.conversation_id, judgement)
        correction = self._correct(connection, known, before, now=now)
        payload = {"by": by, "correction": str(correction) if correction else None}
        events = [NewEvent(EventKind.EMERGENCY_RELEASED, known.conversation_id, payload, at=now)]
        events += _differences(known.conversation_id, before, after, by=by, now=now)
        append_events(connection, events)

    def _take_back(self, connection: Connection, case: LockedConversation, *, by: str, now: datetime) -> None:
        """Take the last finding back: the question is open again, or the emergency is as it was before."""
        question, known = find_question(connection, case.id), find_alarm(connection, case.id)
        if question is None and known is None:
            raise NotFound(_NOTHING)
        if question and (known is None or _is_later(question, known)):
            if question.answer is None:
                return
            self._ask_again(connection, question, case.id, now=now)
        elif known is None or known.confirmed is None:
            return
        elif question and known.paged_by and known.confirmed:
            self._restore(connection, known, emergency=False, now=now)
            alarms.forget_emergency(connection, case.id)
            self._ask_again(connection, question, case.id, now=now)
        else:
            if known.confirmed is False:
                self._restore(connection, known, emergency=True, now=now)
            # What an agent made an emergency is confirmed by that agent.
            before = Judgement(
                confirmed=True if known.paged_by else None,
                by=known.paged_by,
                confirmed_at=known.at if known.paged_by else None,
                changed=None,
            )
            alarms.judge_emergency(connection, case.id, before)
        append_events(connection, [NewEvent(EventKind.EMERGENCY_REOPENED, case.id, {"by": by}, at=now)])

    def _ask_again(
        self, connection: Connection, question: DangerQuestion, conversation_id: UUID, *, now: datetime
    ) -> None:
        danger_questions.answer_danger_question(connection, question, answer=None, by="", now=now)
        danger_questions.mark_possible_danger(connection, conversation_id, possible=True)

    def _restore(self, connection: Connection, known: EmergencyRecord, *, emergency: bool, now: datetime) -> None:
        """Make the case what it was before the last judgement, where no one has changed it since."""
        current = alarms.read_case(connection, known.conversation_id)
        changed: Mapping[str, Any] = known.changed or {
            "before": state_to_json(current),
            "after": state_to_json(current),
        }
        before, after = (read_state(changed[name]) for name in ("before", "after"))
        state = restored(current, before=before, after=after)
        due = self._due(connection, known.conversation_id, state)
        alarms.write_case(connection, known.conversation_id, state, emergency=emergency, due=due, now=now)
        if (former := changed.get("former")) and (current.status, current.team) == (after.status, after.team):
            give_back(connection, known.conversation_id, former=read_former(former), at=now)
        put_back_notices(connection, known.conversation_id, notices=changed.get("notices", ()))
        withdraw_correction(connection, known.conversation_id, inbound_id=known.inbound_id, now=now)

    def _escalation(self, paged: PagedCase, *, now: datetime) -> Escalation:
        """Return what the case becomes; the promise counts from now, when a person knows of the danger."""
        sla = self._settings.sla.get(paged.sla or "")
        due = due_times(sla, calendars=self._calendars, opened_at=now) if sla else Due()
        return Escalation(
            team=paged.team,
            priority=paged.priority,
            route=paged.route,
            sla=paged.sla,
            labels=paged.labels,
            first_reply_due_at=due.first_reply,
            resolve_due_at=due.resolve,
            clock_started_at=now,
        )

    def _due(self, connection: Connection, conversation_id: UUID, state: CaseState) -> Due:
        sla = self._settings.sla.get(state.sla or "")
        if sla is None or state.clock_started_at is None or state.status == Status.RESOLVED:
            return Due()
        known = pauses_of(connection, [conversation_id]).get(conversation_id, [])
        return due_times(
            sla,
            calendars=self._calendars,
            opened_at=state.clock_started_at,
            replied=state.replied_at is not None,
            waiting_since=state.waiting_since,
            pauses=[Pause(pause.since, pause.until) for pause in known],
        )

    def _correct(
        self, connection: Connection, known: EmergencyRecord, before: CaseState, *, now: datetime
    ) -> UUID | None:
        """Queue the calm text after what the machine said, unless a person has answered since; return its id."""
        name, reply = self._settings.emergency.correction, read_paged(known.paged).reply if known.paged else None
        if name is None or reply is None or (before.replied_at is not None and before.replied_at >= known.at):
            return None
        said = find_said(connection, known.conversation_id, reply=reply, since=known.at)
        channel = self._settings.channels.get(said.channel) if said else None
        if said is None or channel is None or not channel.has_way_out:
            return None
        case, outbound_id = find_conversation(connection, known.conversation_id), new_id()
        token = make_token(self._key, reference=case.reference, contact_id=case.contact_id)
        link = self._status_link(case.id, now=now)
        correction = NewCorrection(
            id=outbound_id,
            inbound_id=known.inbound_id,
            text=fill_reply(self._settings, name, language=case.language, reference=case.reference, status_link=link),
            rfc_message_id=make_message_id(token, outbound_id=outbound_id, sender=channel.address or ""),
            due_at=now + _UNDOABLE,
        )
        return queue_correction(connection, said, correction=correction, now=now)

    def _status_link(self, conversation_id: UUID, *, now: datetime) -> str:
        base = self._settings.omniyard.public_url
        link = CaseLink(LinkKind.CONVERSATION, conversation_id, now + LASTS)
        return f"{base}/case/{write_case_token(case_key(self._key), link)}" if base else ""


def find_question(connection: Connection, conversation_id: UUID) -> DangerQuestion | None:
    """Return the last question of danger about a conversation; None if there was none."""
    try:
        return danger_questions.find_danger_question(connection, conversation_id)
    except NotFound:
        return None


def find_alarm(connection: Connection, conversation_id: UUID) -> EmergencyRecord | None:
    """Return what people were called for; None if they were not."""
    try:
        return alarms.find_emergency(connection, conversation_id)
    except NotFound:
        return None


def _is_later(question: DangerQuestion, known: EmergencyRecord) -> bool:
    """Return whether the question is newer, or was answered after the emergency was judged."""
    return (question.answered_at or question.at) > (known.confirmed_at or known.at)


def _paged(known: EmergencyRecord, state: CaseState) -> PagedCase:
    """Return what the emergency made of the case; in a row of an older version, its priority is all we know."""
    if known.paged:
        return read_paged(known.paged)
    return PagedCase(
        team=state.team, priority=state.priority, route=state.route, sla=state.sla, priorities=(state.priority,)
    )


def _calm(known: EmergencyRecord, state: CaseState) -> CalmCase:
    if known.calm:
        return read_calm(known.calm)
    return CalmCase(team=state.team, priority=_CALM, route=state.route, sla=state.sla, labels=state.labels)


def _differences(
    conversation_id: UUID, before: CaseState, after: CaseState, *, by: str, now: datetime
) -> Iterator[NewEvent]:
    """Return an event for each thing that the release changed, as if an agent had changed it."""
    pairs = (
        (EventKind.CONVERSATION_MOVED, "team", before.team, after.team),
        (EventKind.CONVERSATION_PRIORITISED, "priority", before.priority, after.priority),
        (EventKind.CONVERSATION_LABELLED, "labels", list(before.labels), list(after.labels)),
    )
    for kind, name, old, new in pairs:
        if old != new:
            yield NewEvent(kind, conversation_id, {name: new, "from": old, "by": by}, at=now)
    if before.assignee != after.assignee:
        payload = {"assignee": after.assignee, "from": before.assignee, "team": after.team, "by": by}
        yield NewEvent(EventKind.CONVERSATION_ASSIGNED, conversation_id, payload, at=now)
    if before.status != after.status:
        payload = {"from": before.status, "to": after.status, "by": by}
        yield NewEvent(EventKind.CONVERSATION_STATUS_CHANGED, conversation_id, payload, at=now)
