"""Why something was decided: a key with values. The sentence is made where a person reads it, in the language there.

A new reason is a new key here, its words in both languages in `api/text/reason_words.py`, and the code that gives it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Annotated, Self

from pydantic import BeforeValidator, TypeAdapter, ValidationError


class ReasonKey(StrEnum):
    """Every reason there is, by the decision that it belongs to."""

    # A sentence that an older version kept, or words of the operator: shown as they are.
    AS_WRITTEN = "as_written"

    # Who wrote: signs of a machine.
    REPORT_ON_OURS = "report_on_ours"
    DELIVERY_REPORT = "delivery_report"
    COMPLAINT_REPORT = "complaint_report"
    READ_RECEIPT = "read_receipt"
    FAILED_RECIPIENTS = "failed_recipients"
    MAIL_SYSTEM = "mail_system"
    OWN_ADDRESS = "own_address"
    OWN_MARK = "own_mark"
    OUR_SIDE_WROTE = "our_side_wrote"
    OWN_MESSAGE_CAME_BACK = "own_message_came_back"
    JOURNAL_REPORT = "journal_report"
    JOURNAL_OF_UNKNOWN = "journal_of_unknown"
    AUTO_SUBMITTED = "auto_submitted"
    PRECEDENCE = "precedence"
    WRITTEN_TO_MANY = "written_to_many"
    NAMES_NO_CUSTOMER = "names_no_customer"
    AUTORESPONDER_CLASS = "autoresponder_class"
    HEADER_IS_SET = "header_is_set"
    ABSENCE_SUBJECT = "absence_subject"
    EMPTY_RETURN_PATH = "empty_return_path"
    NO_REPLY_ADDRESS = "no_reply_address"

    # Signs about the sender.
    PROVIDER_NAMES_SENDER = "provider_names_sender"
    CODE_PROVES_ADDRESS = "code_proves_address"
    VISITOR_NAMES_ADDRESS = "visitor_names_address"
    SENDERS_UNCHECKED = "senders_unchecked"
    DOMAIN_CONFIRMED = "domain_confirmed"
    DOMAIN_SIGNED = "domain_signed"
    DOMAIN_FORGED = "domain_forged"
    DOMAIN_UNCONFIRMED = "domain_unconfirmed"
    DOMAIN_WITHOUT_RESULT = "domain_without_result"
    CORRESPONDENT_IS_NAMED = "correspondent_is_named"
    REPLY_TO_DIFFERS = "reply_to_differs"
    LOOKALIKE_DOMAIN = "lookalike_domain"
    ADDRESS_IN_NAME = "address_in_name"
    SEVERAL_AUTHORS = "several_authors"
    OWN_DOMAIN_CONFIRMED = "own_domain_confirmed"
    OWN_DOMAIN_UNCONFIRMED = "own_domain_unconfirmed"
    CLAIMS_STAFF = "claims_staff"

    # Which conversation.
    SENDER_TAKES_PART = "sender_takes_part"
    OUR_SIDE_TAKES_PART = "our_side_takes_part"
    WE_WROTE_TO_SENDER = "we_wrote_to_sender"
    ONLY_OURS_SO_FAR = "only_ours_so_far"
    SAME_SUBJECT = "same_subject"
    NEW_SUBJECT = "new_subject"
    SENDER_IS_NO_PARTICIPANT = "sender_is_no_participant"
    SENDER_IS_FORGED = "sender_is_forged"
    SENDER_IS_UNPROVEN = "sender_is_unproven"
    SENDER_IS_HEARSAY = "sender_is_hearsay"
    NOTHING_POINTS = "nothing_points"
    RETURNED_MESSAGE_IS_OURS = "returned_message_is_ours"
    RETURNED_MESSAGE_IS_UNKNOWN = "returned_message_is_unknown"
    CHAT_IS_RESOLVED = "chat_is_resolved"
    CHAT_WAS_ANSWERED = "chat_was_answered"
    CHAT_WAS_QUIET = "chat_was_quiet"
    CHAT_IS_OPEN = "chat_is_open"
    CHAT_HAS_NO_MATTER = "chat_has_no_matter"
    NEEDS_NOTHING = "needs_nothing"
    MESSAGE_WAS_CHANGED = "message_was_changed"
    CHANGED_MESSAGE_NEVER_CAME = "changed_message_never_came"
    SAID_ON_CHANNEL = "said_on_channel"

    # Business hours: open or closed, and by which rule of the calendar.
    OPEN_BY_RULE = "open_by_rule"
    CLOSED_BY_RULE = "closed_by_rule"
    CLOSED_OUTSIDE_HOURS = "closed_outside_hours"
    CLOSED_WEEKDAY = "closed_weekday"
    WEEKLY_HOURS = "weekly_hours"
    PUBLIC_HOLIDAY = "public_holiday"
    MAKE_UP_DAY = "make_up_day"
    DAY_AND_NIGHT = "day_and_night"
    HOLIDAY_NAME = "holiday_name"
    HOLIDAY_EXCHANGED = "holiday_exchanged"
    HOLIDAY_WEEKEND = "holiday_weekend"

    # What speaks for danger, and the second look at what would wait.
    DANGER_KEYWORD = "danger_keyword"
    DANGER_PAIR = "danger_pair"
    DANGER_LIKE = "danger_like"
    DANGER_MEANINGS = "danger_meanings"
    NO_PERSON_WAITS = "no_person_waits"
    DANGER_IS_POSSIBLE = "danger_is_possible"
    HINT_FOUND = "hint_found"

    # Why a route did not fire.
    IS_EMERGENCY = "is_emergency"
    IS_NO_EMERGENCY = "is_no_emergency"
    CALENDAR_IS_OPEN = "calendar_is_open"
    CALENDAR_IS_CLOSED = "calendar_is_closed"
    IS_HOLIDAY = "is_holiday"
    IS_NO_HOLIDAY = "is_no_holiday"
    CHANNEL_IS = "channel_is"
    CATEGORY_IS = "category_is"
    CATEGORY_IS_UNKNOWN = "category_is_unknown"
    LANGUAGE_IS = "language_is"
    ORIGIN_IS = "origin_is"
    SENDER_IS_NOT_NAMED = "sender_is_not_named"
    SIGNAL_IS_MISSING = "signal_is_missing"
    CONTACT_LABEL_IS_MISSING = "contact_label_is_missing"
    SENDER_INHERITS_NOTHING = "sender_inherits_nothing"
    FOLLOWS_CASE = "follows_case"
    FOLLOWS_NO_CASE = "follows_no_case"
    WORDS_ARE_MISSING = "words_are_missing"

    # The automatic reply, or why there is none.
    PERSON_WROTE = "person_wrote"
    MACHINE_WROTE = "machine_wrote"
    ADDRESS_IS_ABUSED = "address_is_abused"
    AUTHOR_IS_NO_CUSTOMER = "author_is_no_customer"
    SHORT_CODE_SENDER = "short_code_sender"
    SENDER_WITHOUT_ADDRESS = "sender_without_address"
    ROBOT_ADDRESS = "robot_address"
    TEXT_COMMAND = "text_command"
    REPLIES_SUPPRESSED = "replies_suppressed"
    ANSWERED_BEFORE = "answered_before"
    TEXT_IS_MACHINES = "text_is_machines"
    REPLY_COMES_BACK = "reply_comes_back"
    NOT_ADDRESSED_TO_US = "not_addressed_to_us"
    ROUTE_SENDS_NO_REPLY = "route_sends_no_reply"
    CHANNEL_NEVER_SENDS = "channel_never_sends"
    REPLY_TO_FIRST_ONLY = "reply_to_first_only"
    REPLY_SAID_IN_CASE = "reply_said_in_case"
    REPLY_SAID_TODAY = "reply_said_today"
    SECRET_WAS_SENT = "secret_was_sent"  # noqa: S105  (no secret)
    ARCHIVED_MAIL = "archived_mail"
    CASE_IS_EMERGENCY = "case_is_emergency"
    NOTHING_TO_ANSWER = "nothing_to_answer"

    # Who gets a conversation, or why it waits.
    LEAST_BUSY = "least_busy"
    NEXT_TURN = "next_turn"
    TEAM_IS_AWAY = "team_is_away"
    NO_AGENT_MATCHES = "no_agent_matches"
    TEAM_IS_FULL = "team_is_full"
    TEAM_IS_BACK = "team_is_back"
    AGENT_NOT_IN_FORCE = "agent_not_in_force"
    AGENT_MAY_NOT_WORK = "agent_may_not_work"
    AGENT_NOT_IN_TEAM = "agent_not_in_team"
    AGENT_IS_AWAY = "agent_is_away"

    # Why a message could not be routed.
    STRAY_BOUNCE = "stray_bounce"
    SENDER_BLOCKED = "sender_blocked"
    ROUTING_FAILED = "routing_failed"
    WORKERS_DIED = "workers_died"

    # Why the machine does not answer a question by itself.
    GATE_DANGER = "gate_danger"
    GATE_PERSON = "gate_person"
    GATE_ANGER = "gate_anger"
    GATE_CATEGORY = "gate_category"
    GATE_OWN = "gate_own"
    GATE_MASKED = "gate_masked"
    GATE_MACHINE = "gate_machine"
    GATE_CASE_HAS_PERSON = "gate_case_has_person"
    GATE_ENOUGH_ANSWERS = "gate_enough_answers"
    GATE_ATTACHMENT = "gate_attachment"
    GATE_LANGUAGE = "gate_language"
    GATE_SEVERAL_QUESTIONS = "gate_several_questions"
    NOTHING_RESEMBLES = "nothing_resembles"
    ANSWER_HAS_RULE = "answer_has_rule"
    NO_THRESHOLD = "no_threshold"
    BELOW_ANSWER = "below_answer"
    BELOW_OFFER = "below_offer"
    FEW_WAYS_TO_ASK = "few_ways_to_ask"
    ANSWER_DOUBTED = "answer_doubted"
    TAKEN_OVER = "taken_over"

    # What keeps an outgoing message from leaving, or from being known to have arrived.
    CUSTOMER_WROTE_SINCE = "customer_wrote_since"
    COLLEAGUE_ANSWERED_SINCE = "colleague_answered_since"
    MAIL_CAME_BACK = "mail_came_back"
    ATTEMPTS_ARE_SPENT = "attempts_are_spent"
    CUSTOMER_OPTED_OUT = "customer_opted_out"
    CUSTOMER_NEVER_WROTE = "customer_never_wrote"
    WINDOW_HAS_CLOSED = "window_has_closed"
    WINDOW_IS_FULL = "window_is_full"
    REPLY_IS_LATE = "reply_is_late"
    PUBLIC_IS_NOT_ANSWERED = "public_is_not_answered"
    ALARM_WAS_NOT_FALSE = "alarm_was_not_false"
    REPLIES_REST = "replies_rest"
    CUSTOMER_HAS_REPLIES = "customer_has_replies"
    CHANNEL_SENT_TOO_MANY = "channel_sent_too_many"
    SENDING_FAILED = "sending_failed"
    SENDER_OVERSLEPT = "sender_overslept"
    SENDER_DIED = "sender_died"
    NO_CLEAR_ANSWER = "no_clear_answer"
    NOT_FOUND_AT_PROVIDER = "not_found_at_provider"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. key: of `ReasonKey`; another version may have kept another.  values: what its words are filled with.

    A value is a word of the data (a date as ISO 8601), a number (a weekday is 1, Monday, to 7), or a reason.
    """

    key: str
    # A reason first: the serialiser tries the kinds in this order, and a reason is the slowest to be refused.
    values: Mapping[str, Reason | int | str] = field(default_factory=dict)

    @classmethod
    def as_written(cls, text: str) -> Self:
        """Return the reason that is a sentence already."""
        return cls(ReasonKey.AS_WRITTEN, {"text": text})

    @property
    def line(self) -> str:
        """The reason for a column of text: JSON on one line, or the sentence that it is already."""
        if self.key == ReasonKey.AS_WRITTEN:
            return str(self.values["text"])
        return json.dumps(self.to_json(), ensure_ascii=False)

    def to_json(self) -> dict[str, object]:
        """Return it as JSON keeps it; without values where it has none."""
        if not self.values:
            return {"key": self.key}
        values = {name: value.to_json() if isinstance(value, Reason) else value for name, value in self.values.items()}
        return {"key": self.key, "values": values}


def _of_any_version(value: object) -> object:
    return Reason.as_written(value) if isinstance(value, str) else value


# As it stands in a stored trace: older versions kept sentences.
StoredReason = Annotated[Reason, BeforeValidator(_of_any_version)]


def read_line(text: str) -> tuple[Reason, ...]:
    """Read what stands in a column of text: a `Reason.line`, and what was added behind it as it was written.

    Empty for an empty text.
    """
    if not text.startswith('{"key"'):
        return (Reason.as_written(text),) if text else ()
    try:
        document, end = json.JSONDecoder().raw_decode(text)
        reason: Reason = _adapter().validate_python(document)
    except (ValueError, ValidationError):
        return (Reason.as_written(text),)
    return (reason, *([Reason.as_written(text[end:])] if text[end:] else []))


@cache
def _adapter() -> TypeAdapter[Reason]:
    return TypeAdapter(Reason)
