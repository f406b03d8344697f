"""What Twilio says about a call: the forms of its requests, and the lines of its lists. Pure.

Everything in them but the account and our number is a claim: a caller id can be forged.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from connectors.sms.phone_numbers import comparable
from connectors.sms.twilio.messages import moment
from connectors.sms.twilio.webhook import TwilioForm
from connectors.voice.twilio.menu import CONFIRMED, DANGER, MenuPosition, Step
from router.errors import PermanentError
from router.phone_call import CallNews, CallPhase, Recording, RecordingState

_PHASES: Final = {
    "queued": CallPhase.RINGING,
    "initiated": CallPhase.RINGING,
    "ringing": CallPhase.RINGING,
    "in-progress": CallPhase.TALKING,
    "answered": CallPhase.TALKING,
    "completed": CallPhase.ENDED,
    "busy": CallPhase.ENDED,
    "failed": CallPhase.ENDED,
    "no-answer": CallPhase.ENDED,
    "canceled": CallPhase.ENDED,
}
_RECORDINGS: Final = {
    "completed": RecordingState.READY,
    "absent": RecordingState.ABSENT,
    "failed": RecordingState.ABSENT,
    "deleted": RecordingState.ABSENT,
}
# Withheld numbers are no one's: they must not become one shared contact. The number spells "anonymous" on a keypad.
_WITHHELD: Final = frozenset({"", "anonymous", "unknown", "restricted", "unavailable", "private", "+266696687"})


def caller_of(shown: str) -> str:
    """Return a caller's number in E.164 or as it is; empty if withheld. A SIP address is its number to people."""
    number = shown.strip()
    for scheme in ("sips:", "sip:", "client:", "tel:"):
        number = number.removeprefix(scheme)
    number = number.partition("@")[0].partition(";")[0]
    return "" if number.lower() in _WITHHELD else comparable(number)


def sid_of(form: TwilioForm) -> str:
    """Return the id of the call's first leg: the legs of one call are one call. Raises PermanentError."""
    sid = form.one("ParentCallSid") or form.one("CallSid")
    if not sid.isalnum():
        raise PermanentError("the request has no CallSid")
    return sid


def news_of(form: TwilioForm, position: MenuPosition, *, now: datetime) -> CallNews:
    """Return what a request says. Raises PermanentError when it is of no call."""
    is_leg = bool(form.one("ParentCallSid"))
    step, digits = position.step, position.digits
    pressed = step is Step.MENU and digits == DANGER
    phase = CallPhase.RINGING if is_leg else _PHASES.get(form.one("CallStatus").lower(), CallPhase.RINGING)
    caller = caller_of(form.one("From"))
    return CallNews(
        sid=sid_of(form),
        # Our own leg to the emergency number has our number as its caller.
        caller="" if is_leg else caller,
        begins=step is Step.START,
        # What follows a call, as a transcript does, says nothing about how far it was.
        phase=CallPhase.RINGING if step in {Step.RECORDING, Step.TRANSCRIPT} else phase,
        started_at=now if step is Step.START else None,
        danger=pressed,
        wants_dial=pressed,
        wants_callback=step is Step.CALLBACK and digits == CONFIRMED and bool(caller),
        talked=step is Step.DIALLED and position.dial_status == "completed",
        recording=_recording(form, step),
        transcript=_transcript(form) if step is Step.TRANSCRIPT else "",
    )


def _recording(form: TwilioForm, step: Step) -> Recording | None:
    sid = form.one("RecordingSid")
    if not sid.isalnum() or step not in {Step.RECORDED, Step.RECORDING}:
        return None
    seconds = form.one("RecordingDuration")
    state = RecordingState.LEFT
    if step is Step.RECORDING:
        state = _RECORDINGS.get(form.one("RecordingStatus").lower(), RecordingState.LEFT)
    return Recording(sid=sid, state=state, seconds=int(seconds) if seconds.isdigit() and len(seconds) < 7 else 0)


def _transcript(form: TwilioForm) -> str:
    done = form.one("TranscriptionStatus").lower() == "completed"
    return form.one("TranscriptionText").replace("\x00", "\N{REPLACEMENT CHARACTER}") if done else ""


def listed_call(record: Mapping[str, object], *, stale_after: timedelta, now: datetime) -> CallNews | None:
    """Return what a line of the list of calls says; None for our own calls, for legs, and for what has no id.

    stale_after: an older call is one of the past.
    """
    sid, direction = record.get("sid"), record.get("direction")
    if not isinstance(sid, str) or not sid.isalnum() or direction != "inbound" or record.get("parent_call_sid"):
        return None
    began = moment(record, "start_time") or moment(record, "date_created") or now
    return CallNews(
        sid=sid,
        caller=caller_of(str(record.get("from") or "")),
        backfill=began < now - stale_after,
        phase=_PHASES.get(str(record.get("status")), CallPhase.RINGING),
        started_at=min(began, now),
    )


def listed_recording(record: Mapping[str, object]) -> CallNews | None:
    """Return what a line of the list of recordings says; None for what is no caller's voicemail."""
    sid, call, state = record.get("sid"), record.get("call_sid"), _RECORDINGS.get(str(record.get("status")))
    if record.get("source") != "RecordVerb" or state is None or not isinstance(sid, str) or not isinstance(call, str):
        return None
    seconds = str(record.get("duration") or "")
    return CallNews(
        sid=call,
        recording=Recording(sid=sid, state=state, seconds=int(seconds) if seconds.isdigit() else 0),
    )
