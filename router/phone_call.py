"""One telephone call: what callbacks and lists say of it, in any order, and when it becomes a message. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Final

# How long after a call's end its voicemail may come in, unless the operator's file says otherwise.
MISSED_AFTER: Final = timedelta(seconds=60)
# A call whose end no callback reports, and no list shows, counts as ended after this time.
LOST_AFTER: Final = timedelta(minutes=30)
_LONGEST_TRANSCRIPT: Final = 20_000


class CallPhase(IntEnum):
    """How far a call is; it never goes back."""

    RINGING = 0
    TALKING = 1
    ENDED = 2


class RecordingState(StrEnum):
    """left: the caller recorded something.  ready: it can be fetched.  absent: it holds nothing."""

    LEFT = "left"
    READY = "ready"
    ABSENT = "absent"


class DialState(StrEnum):
    """What became of the attempt to connect the emergency number."""

    NONE = ""
    DIALLED = "dialled"
    CAPPED = "capped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recording of a call. sid: the provider's id.  seconds: its length; 0 if unknown."""

    sid: str
    state: RecordingState
    seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallNews:
    """What one callback, or one line of a list, says about a call; what is empty says nothing.

    sid: the provider's id of the first leg.  caller: E.164; empty if withheld.  begins: a call that we answer.
    backfill: of a list, long after the call.  wants_dial: the caller asks for the emergency number.
    """

    sid: str
    caller: str = ""
    begins: bool = False
    backfill: bool = False
    phase: CallPhase = CallPhase.RINGING
    started_at: datetime | None = None
    danger: bool = False
    wants_callback: bool = False
    wants_dial: bool = False
    talked: bool = False
    recording: Recording | None = None
    transcript: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneCall:
    """One call as far as it is known.

    ended_at: when we heard of its end.  version: counts the changes that its message shows.  written: of which version
    the message is; 0 without one.  talked: a person of ours spoke with the caller.  rejected: not answered, on purpose.
    """

    sid: str
    caller: str
    started_at: datetime
    phase: CallPhase = CallPhase.RINGING
    ended_at: datetime | None = None
    danger: bool = False
    wants_callback: bool = False
    talked: bool = False
    rejected: bool = False
    backfill: bool = False
    dial: DialState = DialState.NONE
    recordings: tuple[Recording, ...] = ()
    transcript: str = ""
    version: int = 1
    written: int = 0

    @property
    def voicemails(self) -> tuple[Recording, ...]:
        """What the caller recorded."""
        return tuple(each for each in self.recordings if each.state is not RecordingState.ABSENT)

    @property
    def has_reason(self) -> bool:
        """Whether its message need not wait for more."""
        heard = any(each.state is RecordingState.READY for each in self.recordings)
        return self.danger or self.wants_callback or heard or self.written > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """What a hotline allows; the fields are those of `HotlineMenuSettings`."""

    missed_after: timedelta = MISSED_AFTER
    calls_per_caller: int = 20
    dials_per_day: int = 0
    blocked: tuple[str, ...] = ()


def merge(call: PhoneCall, news: CallNews, *, now: datetime) -> PhoneCall:
    """Return the call with the news in it; the same call if they say nothing new."""
    ended = news.phase is CallPhase.ENDED and call.phase is not CallPhase.ENDED
    merged = replace(
        call,
        # A report that overtakes its call may name no caller.
        caller=call.caller or news.caller,
        phase=max(call.phase, news.phase),
        ended_at=now if ended else call.ended_at,
        danger=call.danger or news.danger,
        wants_callback=call.wants_callback or news.wants_callback,
        talked=call.talked or news.talked,
        recordings=_with_recording(call.recordings, news.recording),
        transcript=_with_transcript(call.transcript, news.transcript),
    )
    return replace(merged, version=call.version + 1) if _shown(merged) != _shown(call) else merged


def due_at(call: PhoneCall, *, now: datetime, missed_after: timedelta) -> datetime | None:
    """Return when the call's message is to be written; None if it is, or never will be.

    missed_after: how long after its end a voicemail may still come in, before the call counts as missed.
    """
    if call.rejected or call.version <= call.written:
        return None
    if call.has_reason:
        return now
    return call.ended_at + missed_after if call.ended_at else call.started_at + LOST_AFTER


def _shown(call: PhoneCall) -> tuple[object, ...]:
    """Return what the call's message shows."""
    return call.danger, call.wants_callback, call.talked, call.voicemails, call.transcript


def _with_recording(known: tuple[Recording, ...], news: Recording | None) -> tuple[Recording, ...]:
    if news is None:
        return known
    earlier = next((each for each in known if each.sid == news.sid), None)
    if earlier is None:
        return (*known, news)
    if earlier.state is not RecordingState.LEFT or news.state is RecordingState.LEFT:
        # What is ready stays so: callbacks come late, and more than once.
        return known
    kept = replace(news, seconds=news.seconds or earlier.seconds)
    return tuple(kept if each.sid == news.sid else each for each in known)


def _with_transcript(known: str, news: str) -> str:
    said = news.strip()[:_LONGEST_TRANSCRIPT]
    if not said or said in known:
        return known
    return f"{known}\n{said}".strip()[:_LONGEST_TRANSCRIPT]
