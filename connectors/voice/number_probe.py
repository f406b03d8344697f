"""Ask Twilio how the number is set up, and say what differs from what the menu needs; change nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from connectors.base import Health
from connectors.registry_row import voice_address
from connectors.sms.twilio.client import Twilio
from router.errors import OmniyardError
from router.settings.channels.voice import HotlineMenuSettings, VoiceSettings
from router.settings.model import DeskSettings

_NOTES: Final = "agents note calls of {number} at /calls of the web desk"
_INACTIVE: Final = "the account is {status}: an account that is not active takes no calls; see its console"
_NO_NUMBER: Final = "the account has no such number: check `number`, or buy it in the console"
_NOT_CAPABLE: Final = "the number cannot take calls (capabilities.voice is false): buy one that can"
_APPLICATION: Final = (
    "an application ({sid}) is set for calls of the number, which overrides its URL: choose Webhook in the console"
)
_TRUNK: Final = "a SIP trunk ({sid}) takes the number's calls: choose Webhook in the console"
_URL: Final = 'a call comes in: the console has "{found}", expected "{expected}"'
_METHOD: Final = "a call comes in: the console has HTTP {found}, expected HTTP POST"
_STATUS: Final = 'call status changes: the console has "{found}", expected "{expected}"; else hang-ups are seen late'
_STATUS_METHOD: Final = "call status changes: the console has HTTP {found}, expected HTTP POST"
_FALLBACK: Final = (
    "primary handler fails: there is none; expected a TwiML Bin, else callers hear an error while the desk is away"
)
_OWN_FALLBACK: Final = "primary handler fails: it leads to this desk too; expected a TwiML Bin, which works without us"


def probe(channel: str, settings: VoiceSettings, desk: DeskSettings) -> Health:
    """Report where calls are noted, and whether the menu gets them."""
    notes = _NOTES.format(number=settings.source_words)
    if settings.twilio is None:
        return Health(ok=True, findings=(notes,))
    try:
        twilio = Twilio(settings.twilio)
        try:
            status = str(twilio.get(".json").get("status", "unknown"))
            found = _number(twilio, settings.number)
            money = _balance(twilio, settings.twilio)
        finally:
            twilio.close()
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error), notes))
    if status != "active":
        return Health(ok=False, findings=(_INACTIVE.format(status=status), notes))
    if found is None:
        return Health(ok=False, findings=(_NO_NUMBER, notes))
    expected = voice_address(desk, channel)
    wrong, hints = tuple(_wrong(found, expected=expected)), tuple(_hints(found, expected=expected))
    good = () if wrong else ("Twilio's number leads to this desk",)
    return Health(ok=not wrong, findings=(*good, *wrong, *hints, *money, notes))


def _number(twilio: Twilio, number: str) -> Mapping[str, object] | None:
    listed = twilio.get("/IncomingPhoneNumbers.json", {"PhoneNumber": number, "PageSize": 1})
    numbers = listed.get("incoming_phone_numbers")
    first = numbers[0] if isinstance(numbers, list) and numbers else None
    return first if isinstance(first, dict) else None


def _wrong(found: Mapping[str, object], *, expected: str) -> Iterator[str]:
    """Yield what keeps calls away from the menu."""
    able = found.get("capabilities")
    if isinstance(able, dict) and able.get("voice") is False:
        yield _NOT_CAPABLE
    if sid := _text(found, "trunk_sid"):
        yield _TRUNK.format(sid=sid)
    if sid := _text(found, "voice_application_sid"):
        yield _APPLICATION.format(sid=sid)
        return
    if (url := _text(found, "voice_url")) != expected:
        yield _URL.format(found=url, expected=expected)
    elif (method := _text(found, "voice_method")) not in {"", "POST"}:
        yield _METHOD.format(found=method)


def _hints(found: Mapping[str, object], *, expected: str) -> Iterator[str]:
    """Yield what makes the hotline worse, and does not stop it."""
    if (url := _text(found, "status_callback")) != f"{expected}?step=status":
        yield _STATUS.format(found=url, expected=f"{expected}?step=status")
    elif (method := _text(found, "status_callback_method")) not in {"", "POST"}:
        yield _STATUS_METHOD.format(found=method)
    fallback = _text(found, "voice_fallback_url")
    if not fallback:
        yield _FALLBACK
    elif expected and fallback.startswith(expected):
        yield _OWN_FALLBACK


def _balance(twilio: Twilio, menu: HotlineMenuSettings) -> tuple[str, ...]:
    if menu.least_balance is None:
        return ()
    found = twilio.get("/Balance.json")
    shown = f"{_text(found, 'balance')} {_text(found, 'currency')}"
    try:
        low = float(_text(found, "balance")) < menu.least_balance
    except ValueError:
        return (f"the account's balance cannot be read ({shown})",)
    return (f"the account has {shown} left, less than least_balance: top it up",) if low else ()


def _text(found: Mapping[str, object], name: str) -> str:
    value = found.get(name)
    return value if isinstance(value, str) else ""
