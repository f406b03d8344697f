"""The message about one call: stored as a document, parsed like any other; what is known later completes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.base import Batch, RawMessage
from connectors.json_messages import UNKNOWN, UnreadableDocument, lasting, read_document, text_of, write_document
from router.envelope import Attachment, Envelope, Party, PartyKind, Revision, RevisionKind
from router.phone_call import PhoneCall

FORM: Final = "voice"
# A reference in place of a URL: only the account's own recordings are ever fetched.
RECORDING: Final = "twilio-recording:"
# The first lines of the message, in both languages of the desk, because a stored text has one. The words after the
# key of danger are those that call people.
_DANGER: Final = "Danger key pressed 按了紧急键: 账户被盗 account hacked"
_TALKED: Final = "Connected to the emergency number 已接通紧急号码"
_CALLBACK: Final = "Call-back request 请求回电"
_VOICEMAIL: Final = "Voicemail 语音留言"
_MISSED: Final = "Missed call 未接来电"


def batch_of(channel: str, calls: Sequence[PhoneCall], *, backfill: bool) -> Batch:
    """Return the messages about these calls; the same call, as far as it is known now, gives the same bytes."""
    messages = [
        RawMessage(
            source_key=call.sid,
            content=write_document(_record(call), form=FORM, source="menu"),
            received_at=call.started_at,
        )
        for call in calls
    ]
    return Batch(channel=channel, messages=messages, form=FORM, backfill=backfill)


def is_call(record: Mapping[str, object]) -> bool:
    """Return whether a stored record is of a call that the menu answered."""
    return record.get("what") == "call"


def read_call(message: RawMessage, channel: str) -> Envelope:
    """Return the envelope of one call. Raises UnreadableDocument."""
    record = read_document(message.content).record
    version = record.get("version")
    if not isinstance(version, int):
        raise UnreadableDocument("The call has no version.")
    return Envelope(
        channel=channel,
        source_key=message.source_key,
        sender=Party(PartyKind.PHONE, text_of(record, "caller")),
        received_at=message.received_at,
        text=_text(record),
        own_lines=tuple(_own_lines(record)),
        attachments=_attachments(record),
        revision=Revision(of=message.source_key, kind=RevisionKind.COMPLETED, order=version),
    )


def lasting_of_call(record: Mapping[str, object]) -> bytes:
    """Return what is the same whenever this much of the call is written."""
    return lasting(json.dumps(dict(record), sort_keys=True, ensure_ascii=True))


def _record(call: PhoneCall) -> dict[str, object]:
    return {
        "what": "call",
        "sid": call.sid,
        "caller": call.caller,
        "started_at": call.started_at.isoformat(),
        "danger": call.danger,
        "talked": call.talked,
        "callback": call.wants_callback,
        "recordings": [{"sid": each.sid, "seconds": each.seconds} for each in call.voicemails],
        "transcript": call.transcript,
        "version": call.version,
    }


def _text(record: Mapping[str, object]) -> str:
    # The words of the danger key are ours too, and are judged: they call people.
    lines = ([_DANGER] if record.get("danger") is True else []) + _own_lines(record)
    if transcript := text_of(record, "transcript"):
        lines.append(f"Transcript by machine 机器转写: {transcript}")
    return "\n".join(lines)


def _own_lines(record: Mapping[str, object]) -> list[str]:
    recordings = _recordings(record)
    said = [
        _TALKED if record.get("talked") is True else "",
        _CALLBACK if record.get("callback") is True else "",
        f"{_VOICEMAIL}{_length(recordings)}" if recordings else "",
    ]
    found = [line for line in said if line]
    return found or ([] if record.get("danger") is True else [_MISSED])


def _length(recordings: Sequence[tuple[str, int]]) -> str:
    minutes, seconds = divmod(sum(each for _, each in recordings), 60)
    return f" · {minutes}:{seconds:02}" if minutes or seconds else ""


def _recordings(record: Mapping[str, object]) -> list[tuple[str, int]]:
    listed = record.get("recordings")
    found = []
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict):
            seconds = each.get("seconds")
            found.append((text_of(each, "sid", needed=True), seconds if isinstance(seconds, int) else 0))
    return found


def _attachments(record: Mapping[str, object]) -> tuple[Attachment, ...]:
    return tuple(
        Attachment(
            name=f"voicemail-{part + 1}.mp3", media_type=UNKNOWN, size=0, sha256="", part=part, url=f"{RECORDING}{sid}"
        )
        for part, (sid, _) in enumerate(_recordings(record))
    )
