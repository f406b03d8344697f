"""A simulated Twilio with calls: lists of calls and recordings, recordings to fetch, and the number in the console."""

from __future__ import annotations

import base64
import itertools
import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final

from cli.demo.provider import DemoAnswer, DemoRequest, Json, Provider
from cli.demo.twilio import account_record, error
from connectors.base import utc_now

ACCOUNT: Final = "AC" + "0" * 32
TOKEN: Final = "omni-auth-token"  # noqa: S105  (of the demo)
NUMBER: Final = "+14155550100"
_ROOT: Final = f"/2010-04-01/Accounts/{ACCOUNT}"
_RATE: Final = 8_000


def tone(seconds: float) -> bytes:
    """Return a sound file (WAVE, 8 kHz, mono): what stands for a voice in the demo."""
    number = int(_RATE * seconds)
    samples = b"".join(
        struct.pack("<h", int(9_000 * math.sin(place * 2 * math.pi * 440 / _RATE))) for place in range(number)
    )
    head = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt "
    return (
        head
        + struct.pack("<IHHIIHH", 16, 1, 1, _RATE, _RATE * 2, 2, 16)
        + b"data"
        + struct.pack("<I", len(samples))
        + samples
    )


class DemoTwilioVoice(Provider):
    """See the module. number: how the console has our number; tests change it.  balance: of the account, in USD.

    first: number of the first SID; the desk remembers those of the last demo.
    """

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, port: int = 0, first: int = 1) -> None:
        self.clock, self.balance, self.status = clock, "25.00", "active"
        self.calls: list[Json] = []
        self.recordings: dict[str, Json] = {}
        self.sounds: dict[str, bytes] = {}
        self.number: Json | None = number_record()
        self._sids = itertools.count(first)
        super().__init__(port=port)

    def ring(self, caller: str, *, at: datetime | None = None, seconds: int = 20, **over: Any) -> str:  # noqa: ANN401  (fields of the record)
        """Let a call come in and end; return its SID."""
        at = at or self.clock()
        with self.lock:
            sid = self._sid("CA")
            self.calls.append(_call(sid, caller=caller, at=at, seconds=seconds) | over)
        return sid

    def leave_voicemail(self, call: str, content: bytes = b"", *, seconds: int = 4, **over: Any) -> str:  # noqa: ANN401  (fields of the record)
        """Let the caller of a call leave a voicemail; return the SID of its recording."""
        with self.lock:
            sid = self._sid("RE")
            self.recordings[sid] = _recording(sid, call=call, at=self.clock(), seconds=seconds) | over
            self.sounds[sid] = content or tone(seconds)
        return sid

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        """See `Provider`."""
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if asked.headers.get("Authorization") != expected:
            return error(401, 20003, "Authenticate")
        path = asked.path.removeprefix(_ROOT)
        if path.startswith("/Recordings/"):
            return self._sound(path)
        listed = self._lists(path, asked.params)
        return error(404, 20404, "not found") if listed is None else DemoAnswer(document=listed)

    def _lists(self, path: str, params: dict[str, str]) -> Json | None:
        newest = sorted(self.recordings.values(), key=lambda each: str(each["sid"]), reverse=True)
        known: dict[str, Callable[[], Json]] = {
            ".json": lambda: account_record(ACCOUNT, status=self.status),
            "/Balance.json": lambda: {"account_sid": ACCOUNT, "balance": self.balance, "currency": "USD"},
            "/IncomingPhoneNumbers.json": lambda: _listed(
                "incoming_phone_numbers", [self.number] if self.number else [], path=path
            ),
            "/Calls.json": lambda: _listed("calls", self._calls_of(params), path=path),
            "/Recordings.json": lambda: _listed("recordings", newest, path=path),
        }
        return known[path]() if path in known else None

    def _sound(self, path: str) -> DemoAnswer:
        sid = path.removeprefix("/Recordings/").removesuffix(".mp3")
        content = self.sounds.get(sid)
        if content is None:
            return error(404, 20404, "not found")
        return DemoAnswer(content=content, headers={"Content-Type": "audio/mpeg"})

    def _calls_of(self, params: dict[str, str]) -> list[Json]:
        since = params.get("StartTime>", "")
        mine = [each for each in self.calls if each["to"] == params.get("To", each["to"])]
        return [each for each in reversed(mine) if str(each["_day"]) >= since]

    def _sid(self, prefix: str) -> str:
        return f"{prefix}{next(self._sids):032x}"


def number_record(**over: Any) -> Json:  # noqa: ANN401  (fields of the record)
    """Return our number as the console has it."""
    created = format_datetime(datetime(2026, 1, 1, tzinfo=UTC))
    record: Json = {
        "account_sid": ACCOUNT,
        "sid": "PN" + "1" * 32,
        "phone_number": NUMBER,
        "friendly_name": "hotline",
        "api_version": "2010-04-01",
        "beta": False,
        "capabilities": {"mms": False, "sms": True, "voice": True, "fax": False},
        "date_created": created,
        "date_updated": created,
        "voice_url": "",
        "voice_method": "POST",
        "voice_fallback_url": "",
        "voice_fallback_method": "POST",
        "voice_application_sid": "",
        "trunk_sid": None,
        "status_callback": "",
        "status_callback_method": "POST",
        "uri": f"{_ROOT}/IncomingPhoneNumbers/PN{'1' * 32}.json",
    }
    return record | over


def _call(sid: str, *, caller: str, at: datetime, seconds: int) -> Json:
    ended = at + timedelta(seconds=seconds)
    return {
        "sid": sid,
        "account_sid": ACCOUNT,
        "parent_call_sid": None,
        "from": caller,
        "to": NUMBER,
        "status": "completed",
        "direction": "inbound",
        "start_time": format_datetime(at.astimezone(UTC)),
        "end_time": format_datetime(ended.astimezone(UTC)),
        "duration": str(seconds),
        "price": None,
        "price_unit": "USD",
        "date_created": format_datetime(at.astimezone(UTC)),
        "api_version": "2010-04-01",
        "uri": f"{_ROOT}/Calls/{sid}.json",
        "_day": at.astimezone(UTC).date().isoformat(),
    }


def _recording(sid: str, *, call: str, at: datetime, seconds: int) -> Json:
    return {
        "sid": sid,
        "account_sid": ACCOUNT,
        "call_sid": call,
        "status": "completed",
        "source": "RecordVerb",
        "duration": str(seconds),
        "channels": 1,
        "date_created": format_datetime(at.astimezone(UTC)),
        "api_version": "2010-04-01",
        "uri": f"{_ROOT}/Recordings/{sid}.json",
    }


def _listed(name: str, records: list[Json], *, path: str) -> Json:
    here = f"{_ROOT}{path}"
    shown = [{key: value for key, value in each.items() if not key.startswith("_")} for each in records]
    page = {
        "first_page_uri": here,
        "next_page_uri": None,
        "previous_page_uri": None,
        "uri": here,
        "page": 0,
        "page_size": 100,
        "start": 0,
        "end": max(len(shown) - 1, 0),
    }
    return {name: shown, **page}
