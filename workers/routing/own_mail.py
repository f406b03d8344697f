"""Record what our own side wrote elsewhere: an answer where that is proven and the customer got it, or a note.

A note stops no clock, and only agents see it: anybody can write our address into a From. What a machine of ours said,
the customer has read, but no person has: it is no answer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from router.conversation_status import Status
from router.origin.own_side import OwnVoice
from router.origin.sender_proof import ProofKind
from router.origin.verdicts import OriginKind
from router.reason import Reason, ReasonKey
from router.routing.trace import ReplyTrace
from store.events.append import EventKind
from store.inbound.outcome import ConversationTouch
from store.tables.messages import Direction
from workers.routing.arrival import add_files
from workers.routing.placement import Placement
from workers.routing.record import Recorder, conversation_row, message_row

# What our side wrote first waits for its customer, and promises nothing.
_QUIET: Final[dict[str, Any]] = {
    "status": Status.PENDING,
    "emergency": False,
    "first_reply_due_at": None,
    "resolve_due_at": None,
    "clock_started_at": None,
    "waiting_since": None,
    "watch_at": None,
    "held_until": None,
}
# WhatsApp's Business app greets, and says that no one is there, in the second of the customer's message; its echoes
# name neither a person nor a machine. No person reads a message and types an answer on a telephone in this time.
_TOO_QUICK: Final = timedelta(seconds=10)


def is_answer(placement: Placement) -> bool:
    """Return whether it is our answer: proven to be ours, and to the customer of its case, also with the desk in To."""
    is_ours = placement.incoming.analysis.voice is OwnVoice.ANSWER and placement.to_customer
    return is_ours and not is_automatic(placement)


def is_automatic(placement: Placement) -> bool:
    """Return whether a machine of ours said it: it says so itself, or an unnamed author was quicker than a person."""
    analysis = placement.incoming.analysis
    if analysis.voice is OwnVoice.MACHINE:
        return True
    envelope = analysis.envelope
    # Not from the last message of either side: a colleague who sends several short texts would never have answered.
    if not envelope.from_colleague or envelope.sender.name or placement.customer_wrote_at is None:
        return False
    said_at = envelope.sent_at or placement.incoming.row.received_at
    return abs(said_at - placement.customer_wrote_at) <= _TOO_QUICK


def record_own(recorder: Recorder, placement: Placement) -> None:
    """Record the message. A new case belongs to the customer to whom our side wrote."""
    incoming, outcome, conversation_id = placement.incoming, recorder.outcome, placement.conversation_id
    _record_case(recorder, placement)
    outcome.messages.append(_own_row(placement))
    outcome.indexed.append((placement.message_id, incoming.analysis.indexed))
    add_files(incoming, message_id=placement.message_id, outcome=outcome)
    own = incoming.analysis.envelope.rfc_message_id
    outcome.thread_keys.extend((each, conversation_id, each == own) for each in incoming.lasting_ids)
    _record_event(recorder, placement)
    if is_answer(placement) and not incoming.row.backfill:
        outcome.answers.append((conversation_id, min(incoming.row.received_at, recorder.now)))


def _record_case(recorder: Recorder, placement: Placement) -> None:
    """Open the conversation, or touch the one that the message joins."""
    row, conversation_id = placement.incoming.row, placement.conversation_id
    if placement.correlation.joins is not None:
        recorder.outcome.touches.append(ConversationTouch(conversation_id, row.received_at, wakes=False))
        return
    recorder.outcome.conversations.append(conversation_row(placement) | _QUIET)
    payload = {"inbound_id": str(row.id), "route": placement.decision.route.name}
    recorder.event(EventKind.CONVERSATION_OPENED, conversation_id, payload=payload)


def _own_row(placement: Placement) -> dict[str, Any]:
    """Return the message's row; no customer's message is compared with it, and no one answers to its addresses."""
    trace = placement.trace(ReplyTrace(sent=None, why=Reason(ReasonKey.OUR_SIDE_WROTE)))
    own: dict[str, Any] = {
        "origin": OriginKind.AUTO_REPLIED if is_automatic(placement) else OriginKind.OURSELVES,
        "answer_to": "",
        "other_address": "",
        "echo": "",
        "gist": "",
        "direction": Direction.OUTGOING if _reaches_customer(placement) else Direction.NOTE,
    }
    if placement.incoming.analysis.voice in {OwnVoice.ANSWER, OwnVoice.MACHINE}:
        own["sender_proof"] = ProofKind.PROVEN
    return message_row(placement, trace=trace) | own


def _record_event(recorder: Recorder, placement: Placement) -> None:
    payload: dict[str, object] = {"message_id": str(placement.message_id)}
    if not _reaches_customer(placement):
        payload["author"] = placement.incoming.analysis.shown.sender_name
        recorder.event(EventKind.MESSAGE_NOTED, placement.conversation_id, payload=payload)
        return
    payload["inbound_id"] = str(placement.incoming.row.id)
    if is_automatic(placement):
        payload["automatic"] = True
    recorder.event(EventKind.MESSAGE_SENT_ELSEWHERE, placement.conversation_id, payload=payload)


def _reaches_customer(placement: Placement) -> bool:
    """Return whether the customer has it, from a person or a machine of ours."""
    return is_answer(placement) or (is_automatic(placement) and placement.to_customer)
